"""Partners' tables of which a copy is kept here, and asked in their place.

Of a Publisher what changed since the copy's version is fetched; of others all rows, each time. A
copy is one Parquet file in the order of the key: the engine reads of it what a question needs.
"""

import asyncio
import os
import shutil
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from publisher.engine import Connection, Engine, identifier, literal
from publisher.errors import SourceError
from publisher.model.base import Model
from publisher.model.dataset import FieldView
from publisher.model.partner import Partner, TableSpec
from publisher.model.query import DELETED, ROW
from publisher.model.schema import Schema
from publisher.model.table import sql_type
from publisher.model.values import TableRef
from publisher.partners.base import Adapter, Ask, Fetched, Remote
from publisher.partners.files import linked

log = structlog.get_logger(__name__)

_ABOUT = "copy.json"
_NEW = "copied"
_SECONDS = 300.0
"""That fetching may take."""


@dataclass(frozen=True, slots=True)
class Copy:
    remote: Remote
    """As it was copied; its version is the copy's."""
    file: Path
    rows: int
    refused: int
    checked_at: datetime
    """When it was last equal to the partner's table."""
    of: str
    """Whose table it is, and how that is read: its entry in catalog/partners.yaml."""
    size: int
    """Bytes of the file."""
    committed: datetime | None = None
    """When its version came about, which tells it from one of the same number."""

    @property
    def age(self) -> float:
        """Seconds since then."""
        return max((datetime.now(UTC) - self.checked_at).total_seconds(), 0.0)

    def serves(self, ask: Ask) -> bool:
        """Tell whether it has what is asked for, at the version that is asked for."""
        return (
            ask.as_of is None
            and ask.version in {0, self.remote.version or self.remote.mark}
            and _alike(self.remote, ask.remote, ask.fields)
        )


class _About(Model):
    schema_: Schema
    told: Mapping[str, str] | None = None
    row: str | None = None
    views: Mapping[str, FieldView] = {}
    """Of a table whose fields are as the partner told of them."""
    version: int
    file: str
    rows: int
    refused: int
    checked_at: datetime
    of: str
    size: int
    committed: datetime | None = None


class Copies:
    """A folder for each copy; what is written is whole, or the one before stays."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self._folder = folder
        self._engine = engine
        self._copies: dict[tuple[str, TableRef], Copy] = {}

    def of(self, name: str, ref: TableRef) -> Copy | None:
        return self._copies.get((name, ref))

    async def get(self, ask: Ask, of: Partner, most: float, folder: Path) -> Fetched | None:
        """Give the copy of the table, where it serves and was equal *most* seconds ago.

        Its file is one in *folder*, which nobody else lets go of.
        """
        copy = self.of(ask.remote.partner, ask.remote.ref)
        if copy is None or not copy.serves(ask) or copy.age > most:
            return None
        if copy.of != entry_text(of, ask.remote.ref):
            return None
        try:
            files, size = await asyncio.to_thread(linked, [copy.file], folder)
        except FileNotFoundError:  # a newer one took its place just now
            return None
        if size != copy.size:  # it is made anew when its time has come
            log.warning("a copy of a partner's table is damaged", table=ask.remote.name)
            return None
        return Fetched(
            load=partial(_view, ask, copy.refused),
            files=files,
            rows=copy.rows,
            served="materialised",
            version=copy.remote.version,
            local=["filter", "sort", "limit"],
            retrieved_at=copy.checked_at,
            age=copy.age,
        )

    async def recall(self, name: str, ref: TableRef, table: TableSpec | None) -> None:
        """Take up the copy that an earlier process left, if any, of what is stated as *table*."""
        if (name, ref) not in self._copies:
            found = await asyncio.to_thread(_recalled, self._home(name, ref), name, ref, table)
            if found is not None:
                self._copies[name, ref] = found

    async def refresh(self, adapter: Adapter, remote: Remote) -> None:
        """Make the copy equal to the table as *remote* tells of it; raises SourceError."""
        key = (remote.partner, remote.ref)
        held = self._copies.get(key)
        of = entry_text(adapter.endpoint.partner, remote.ref)
        if held is not None and not (
            held.of == of
            and _same_table(held.remote, remote)
            and await asyncio.to_thread(_is_whole, held)
        ):
            held = None
        if held is not None and held.remote.version:
            # A table that was made anew, or is of an older backup, may have the same number again
            committed = await adapter.committed(remote, held.remote.version, _SECONDS)
            held = held if committed == held.committed else None
        home = self._home(*key)
        if held is not None and remote.version and held.remote.version == remote.version:
            copy = replace(held, checked_at=datetime.now(UTC))
        else:
            copy = await self._fetched(adapter, remote, held, home)
        await asyncio.to_thread(_remember, home, copy)
        self._copies[key] = copy

    async def sweep(self, wanted: Iterable[tuple[str, TableRef]]) -> None:
        """Let go of the copies that nobody wants any more."""
        homes = {self._home(*key) for key in wanted}
        gone = [key for key in self._copies if self._home(*key) not in homes]
        for key in gone:
            del self._copies[key]
        await asyncio.to_thread(_swept, self._folder, homes)

    async def _fetched(
        self, adapter: Adapter, remote: Remote, held: Copy | None, home: Path
    ) -> Copy:
        began = datetime.now(UTC)
        of = entry_text(adapter.endpoint.partner, remote.ref)
        since = held.remote.version if held is not None and remote.key else 0
        folder = home / uuid.uuid4().hex
        await asyncio.to_thread(folder.mkdir, parents=True)
        try:
            committed = None
            if remote.version:  # asked first: of one made anew meanwhile it is the old one's time
                committed = await adapter.committed(remote, remote.version, _SECONDS)
            try:
                fetched = await adapter.copied(remote, since, folder, _SECONDS)
            except SourceError as error:
                if not since or error.code != "http-missing":
                    raise
                since = 0  # its history goes back no further
                fetched = await adapter.copied(remote, since, folder, _SECONDS)
            file = home / f"{uuid.uuid4().hex}.parquet"
            old = held.file if held is not None and since else None
            build = partial(_built, fetched=fetched, old=old, remote=remote, file=file)
            rows, refused = await self._engine.run(build, lane="export")
            size = await asyncio.to_thread(_kept, file)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        version = fetched.version or remote.version
        log.info("a partner's table was copied", table=remote.name, version=version, rows=rows)
        remote = replace(remote, version=version)
        return Copy(remote, file, rows, refused, began, of, size, committed)

    def _home(self, name: str, ref: TableRef) -> Path:
        return self._folder / name / ref.dataset / ref.table


def entry_text(partner: Partner, ref: TableRef) -> str:
    """Write what makes another table of it where it changes."""
    bound = partner.tables.get(ref)
    table = "" if bound is None else bound.spec.model_dump_json(by_alias=True)
    return f"{partner.spec.type} {partner.spec.url} {table}"


def _is_whole(copy: Copy) -> bool:
    try:
        return copy.file.stat().st_size == copy.size
    except OSError:
        return False


def _kept(file: Path) -> int:
    """See that the *file* outlasts a power cut; gives its bytes."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        return os.fstat(opened.fileno()).st_size


def _alike(held: Remote, wanted: Remote, fields: Iterable[str]) -> bool:
    """Tell whether both have the *fields*, of the same type and unit."""
    for name in fields:
        one, other = held.stored.get(name), wanted.stored.get(name)
        if (
            one is None
            or other is None
            or (sql_type(one), one.unit) != (sql_type(other), other.unit)
        ):
            return False
    return True


def _same_table(held: Remote, remote: Remote) -> bool:
    """Tell whether rows of the one can stand among those of the other."""
    same = held.stored.keys() == remote.stored.keys() and held.key == remote.key
    return same and _alike(held, remote, remote.stored) and held.version <= remote.version


def _view(ask: Ask, refused: int, con: Connection, name: str, files: Sequence[Path]) -> int:
    columns = ", ".join(map(identifier, ask.fields))
    read = f"read_parquet({literal(str(files[0]))}, file_row_number = true)"
    con.execute(
        f"CREATE TEMP VIEW {identifier(name)} AS SELECT {columns}, file_row_number AS {ROW}"
        f" FROM {read}"
    )
    return refused


def _built(
    con: Connection, fetched: Fetched, old: Path | None, remote: Remote, file: Path
) -> tuple[int, int]:
    """Write the copy's *file*: what was fetched, and of the *old* one what it leaves as it is."""
    refused = fetched.load(con, _NEW, fetched.files)
    columns = ", ".join(map(identifier, remote.stored))
    rows = f"SELECT {columns} FROM {_NEW}"
    if old is not None:
        same = " AND ".join(f"n.{identifier(it)} = o.{identifier(it)}" for it in remote.key)
        rows = (
            f"SELECT {columns} FROM read_parquet({literal(str(old))}) AS o"
            f" WHERE NOT EXISTS (SELECT 1 FROM {_NEW} AS n WHERE {same})"
            f" UNION ALL {rows} WHERE NOT coalesce({DELETED}, false)"
        )
    order = ", ".join(map(identifier, remote.key)) or ROW
    con.execute(f"COPY ({rows} ORDER BY {order}) TO {literal(str(file))} (FORMAT parquet)")
    [(count,)] = con.execute("SELECT count(*) FROM read_parquet(?)", [str(file)]).fetchall()
    return int(count), refused


def _remember(home: Path, copy: Copy) -> None:
    """Say which file is the copy, and let go of the one before."""
    remote = copy.remote
    schema = Schema(
        name=remote.schema.name,
        version=remote.schema.version,
        fields=tuple(remote.stored.values()),
        primary_key=remote.key,
    )
    about = _About(
        schema_=schema,
        told=remote.told,
        row=remote.row and remote.row.name,
        views=remote.table.fields if remote.told is not None and remote.table is not None else {},
        version=remote.version,
        file=copy.file.name,
        rows=copy.rows,
        refused=copy.refused,
        checked_at=copy.checked_at,
        of=copy.of,
        size=copy.size,
        committed=copy.committed,
    )
    begun = home / uuid.uuid4().hex
    begun.write_text(about.model_dump_json(by_alias=True, exclude_unset=True), "utf-8")
    begun.replace(home / _ABOUT)
    for other in home.glob("*.parquet"):
        if other.name != copy.file.name:
            other.unlink(missing_ok=True)


def _recalled(home: Path, name: str, ref: TableRef, table: TableSpec | None) -> Copy | None:
    """Read which file is the copy; what was begun beside it goes."""
    try:
        about = _About.model_validate_json((home / _ABOUT).read_bytes())
        file = home / Path(about.file).name
        if file.stat().st_size != about.size:
            return None
        for other in home.iterdir():
            if other.is_dir():
                shutil.rmtree(other, ignore_errors=True)
            elif other.name not in {_ABOUT, file.name}:
                other.unlink(missing_ok=True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        log.warning("a copy of a partner's table cannot be read", table=f"{ref}@{name}")
        return None
    schema = about.schema_
    fields = {field.name: field for field in schema.fields}
    if table is not None and about.told is not None:
        table = table.model_copy(update={"fields": about.views})
    row = fields.pop(about.row or "", None)
    remote = Remote(
        name,
        ref,
        fields,
        schema.primary_key,
        schema,
        about.version,
        table=table,
        told=about.told,
        row=row,
    )
    return Copy(
        remote=remote,
        file=file,
        rows=about.rows,
        refused=about.refused,
        checked_at=about.checked_at,
        of=about.of,
        size=about.size,
        committed=about.committed,
    )


def _swept(folder: Path, homes: set[Path]) -> None:
    for home in folder.glob("*/*/*"):
        if home not in homes:
            shutil.rmtree(home, ignore_errors=True)
