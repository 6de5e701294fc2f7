"""Terms of RDF made of what stewards wrote, so that every serialisation can hold them."""

import re
import unicodedata
from datetime import UTC, datetime
from urllib.parse import quote

from rdflib import BNode, Graph, Literal, URIRef
from rdflib.namespace import RDF

Node = URIRef | BNode
Value = URIRef | BNode | Literal

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML cannot hold, or only escaped."""
_URI = re.compile(r"""[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f-\xa0<>"{}|\\^`\ud800-\udfff]+""")
_SCHEMES = frozenset({"http", "https", "urn"})


class Sheet(Graph):
    """A graph that leaves out what is not known."""

    def say(self, subject: Node, predicate: URIRef, *values: Value | None) -> None:
        for value in values:
            if value is not None:
                self.add((subject, predicate, value))

    def kind(self, node: Node, kind: URIRef) -> Node:
        """State the class of *node*, and give it back."""
        self.add((node, RDF.type, kind))
        return node


def text(said: str | None, language: str | None = None) -> Literal | None:
    """Give a text without what cannot be written everywhere; None where nothing is left."""
    if said is None:
        return None
    clean = _UNWRITABLE.sub("", said.replace("\r\n", "\n").replace("\r", "\n")).strip()
    return Literal(clean, lang=language) if clean else None


def uri(stated: str | None) -> URIRef | None:
    """Give the address as it is stated; None where it is none that all can read."""
    if stated is None:
        return None
    stated = unicodedata.normalize("NFC", stated.strip())
    if not _URI.fullmatch(stated) or stated.partition(":")[0].lower() not in _SCHEMES:
        return None
    return URIRef(stated)


def mailto(email: str | None) -> URIRef | None:
    return URIRef(f"mailto:{quote(email.strip(), safe='@+')}") if email else None


def instant(at: datetime | None) -> Literal | None:
    if at is None:
        return None
    return Literal(at.astimezone(UTC))
