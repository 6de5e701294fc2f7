"""Every text the service says to a person, in English and Danish, by its stable code.

The code of an error, of a finding of ``publisher check`` and of an HTTP problem are one
and the same: it never changes its meaning. A text may use ``{name}`` for the parameters
its error was raised with; both languages use the same ones (a test compares them).
One file per area; this table puts them together.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from publisher.messages.api import API
from publisher.messages.catalog import CATALOG
from publisher.messages.checks import CHECKS
from publisher.messages.control import CONTROL
from publisher.messages.demo import DEMO
from publisher.messages.findings import FINDINGS
from publisher.messages.harvest import HARVEST
from publisher.messages.mqa import MQA
from publisher.messages.queries import QUERIES
from publisher.messages.several import SEVERAL
from publisher.messages.sources import SOURCES
from publisher.messages.store import STORE
from publisher.messages.targets import TARGETS
from publisher.messages.text import Text

__all__ = ["TEXTS", "Language", "Text", "render"]

Language = Literal["en", "da"]


def _together(*areas: Mapping[str, Text]) -> Mapping[str, Text]:
    texts: dict[str, Text] = {}
    for area in areas:
        if twice := texts.keys() & area.keys():
            raise ValueError(f"a code has one meaning; told twice: {', '.join(sorted(twice))}")
        texts.update(area)
    return MappingProxyType(texts)


TEXTS = _together(
    API,
    CATALOG,
    CHECKS,
    CONTROL,
    DEMO,
    FINDINGS,
    HARVEST,
    MQA,
    QUERIES,
    SEVERAL,
    SOURCES,
    STORE,
    TARGETS,
)


_NAMES_ORIGIN = re.compile(r"\{(origin|file|url)\b")


def render(code: str, params: Mapping[str, object], language: Language = "en") -> tuple[str, str]:
    """Give the message and the remedy (may be empty) of *code* in *language*.

    The file or URL that a problem is about, ``origin``, leads in a text that does not name it.
    """
    text = TEXTS[code]
    message, remedy = (text.da, text.remedy_da) if language == "da" else (text.en, text.remedy_en)
    if text.alone_en and not params.get("nearest"):
        remedy = text.alone_da if language == "da" else text.alone_en
    if "origin" in params and not _NAMES_ORIGIN.search(message):
        message = "{origin}: " + message
    spelled = {name: spell(value, language) for name, value in params.items()}
    return message.format_map(spelled), remedy.format_map(spelled)


def spell(value: object, language: Language = "en") -> object:
    """Tell problems among another's parameters in its language; anything else stays as it is."""
    if isinstance(value, list) and value and all(_is_problem(part) for part in value):
        return " | ".join(render(part["code"], part["params"], language)[0] for part in value)
    return value


def _is_problem(value: object) -> bool:
    return isinstance(value, Mapping) and value.keys() == {"code", "params"}
