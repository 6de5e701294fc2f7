"""Secrets: named in descriptors as ``${NAME}``, taken from the environment or from files.

``${NAME}`` is the environment variable NAME, or the content of the file that ``NAME_FILE``
names (as container platforms hand secrets over). ``${NAME:-default}`` falls back. Whatever
was expanded in a place that holds secrets (headers, tokens) is kept here, so that logs,
errors and answers can be freed of it.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote_plus

from publisher.errors import ConfigurationError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_URL_USERINFO = re.compile(r"(?<=://)[^/\s]+(?=@)")  # to the last @: a password may hold one
_URL_PARAMETER = re.compile(r"(?<=[?&])([^=&#\s]+)=([^&#\s\"'<>]+)")
_SECRET = re.compile(r"token|secret|passw|api-?_?key|signature|^key$", re.IGNORECASE)
_SHORTEST_SECRET = 6  # shorter values would blank out ordinary words
REDACTED = "[redacted]"


def without_credentials(text: str) -> str:
    """Blank out ``user:password@`` and keys in the query of any URL in *text*, not ``${NAME}``."""

    def shown(match: re.Match[str]) -> str:
        secret = is_secret_parameter(unquote_plus(match[1])) and "${" not in match[2]
        return f"{match[1]}={REDACTED}" if secret else match[0]

    return _URL_PARAMETER.sub(shown, _URL_USERINFO.sub(REDACTED, text))


def is_secret_parameter(name: str) -> bool:
    """Tell whether a query parameter holds a secret, by its name."""
    return bool(_SECRET.search(name))


class Secrets:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._known: set[str] = set()

    def expand(self, text: str, *, secret: bool = False) -> str:
        """Fill in the variables of *text*; with *secret* the values are redacted from now on.

        Raises ConfigurationError ``unset-variable`` where one is set nowhere.
        """

        def value(match: re.Match[str]) -> str:
            found = self._lookup(match[1])
            if found is None:
                found = match[2]
            if found is None:
                raise ConfigurationError("unset-variable", name=match[1])
            if secret and len(found) >= _SHORTEST_SECRET:
                self._known.add(found)
            return found

        return _VARIABLE.sub(value, text)

    def unset(self, text: str) -> list[str]:
        """Name the variables of *text* that are set nowhere and have no default."""
        return [
            match[1]
            for match in _VARIABLE.finditer(text)
            if match[2] is None and self._lookup(match[1]) is None
        ]

    def redact(self, text: str) -> str:
        """Blank out every known secret, and the credentials in any URL."""
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return without_credentials(text)

    def _lookup(self, name: str) -> str | None:
        if name in self._environ:
            return self._environ[name]
        file = self._environ.get(f"{name}_FILE")
        if file is None:
            return None
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError("unreadable-secret", name=name, file=file) from error
