"""Keys of the API: who they were given to, and no more of them than proves one again."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from publisher.engine import Connection
from publisher.store.versions import aware, utc

_ID_BYTES, _SECRET_BYTES = 6, 32
_PREFIX = "pub_"


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    name: str
    """Whom or what it is for."""
    made_at: datetime
    revoked_at: datetime | None
    digest: str
    """SHA-256 of the secret, in hex: it has 256 random bits, which no dictionary holds."""

    def opens(self, secret: str) -> bool:
        return self.revoked_at is None and hmac.compare_digest(self.digest, _digest(secret))


def parted(key: str) -> tuple[str, str] | None:
    """Take a key apart into its id and its secret; None where it is none."""
    id_, mark, secret = key.removeprefix(_PREFIX).partition("_")
    return (id_, secret) if key.startswith(_PREFIX) and mark else None


def make(con: Connection, name: str) -> tuple[ApiKey, str]:
    """Make a key; its text is told this once and kept nowhere."""
    id_, secret = secrets.token_hex(_ID_BYTES), secrets.token_urlsafe(_SECRET_BYTES)
    made = ApiKey(id_, name, datetime.now(UTC), None, _digest(secret))
    con.execute(
        "INSERT INTO store.meta.api_keys VALUES (?, ?, ?, NULL, ?)",
        [made.id, made.name, utc(made.made_at), made.digest],
    )
    return made, f"{_PREFIX}{id_}_{secret}"


def revoke(con: Connection, id_: str) -> ApiKey | None:
    """End a key; None where there is none of that id, or it was ended before."""
    found = next((key for key in everyone(con) if key.id == id_ and key.revoked_at is None), None)
    if found is not None:
        con.execute(
            "UPDATE store.meta.api_keys SET revoked_at = ? WHERE id = ?",
            [utc(datetime.now(UTC)), id_],
        )
    return found


def everyone(con: Connection) -> list[ApiKey]:
    """Give all keys there ever were, oldest first."""
    rows = con.execute(
        "SELECT id, name, made_at, revoked_at, digest FROM store.meta.api_keys ORDER BY made_at, id"
    ).fetchall()
    return [
        ApiKey(id_, name, aware(made), revoked and aware(revoked), digest)
        for id_, name, made, revoked, digest in rows
    ]


def _digest(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
