"""Graphs as text: the same graph is the same bytes, and Danish comes first.

A page is written dataset by dataset: what did not change is not written again, and no page's
whole graph ever lies in memory, whose many small objects would stop all else while Python
looks through them for garbage. What datasets share is stated with each of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal
from xml.sax.saxutils import escape, quoteattr

import orjson
from rdflib import BNode, Graph
from rdflib import Literal as Text
from rdflib.namespace import RDF
from rdflib.plugins.serializers.turtle import TurtleSerializer

from publisher.targets.dcat.vocabulary import PREFIXES
from publisher.targets.facts import LANGUAGE

Form = Literal["ttl", "jsonld", "rdf"]
MEDIA_TYPES: Mapping[Form, str] = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "rdf": "application/rdf+xml",
}


_Triple = tuple[Any, Any, Any]


def fragment(graph: Graph, form: Form) -> bytes:
    """Write a graph so that it can be laid together with others, in UTF-8."""
    triples = sorted(graph, key=_order)
    if form == "jsonld":
        return orjson.dumps(_nodes(triples))[1:-1]
    if form == "rdf":
        return "".join(_xml(triples)).encode()
    ordered = Graph(bind_namespaces="none")
    for prefix, namespace in PREFIXES.items():
        ordered.bind(prefix, namespace)
    for triple in triples:
        ordered.add(triple)
    file = BytesIO()
    _Turtle(ordered).serialize(file, encoding="utf-8")
    return file.getvalue()


def joined(fragments: Iterable[bytes], form: Form) -> bytes:
    """Make one document of fragments."""
    if form == "jsonld":
        context = orjson.dumps(_CONTEXT)
        return b'{"@context":%b,"@graph":[%b]}\n' % (context, b",".join(filter(None, fragments)))
    if form == "ttl":
        head = "".join(f"@prefix {it}: <{name}> .\n" for it, name in _CONTEXT.items())
        return b"".join((head.encode(), *fragments))
    names = "".join(f'\n   xmlns:{it}="{name}"' for it, name in _CONTEXT.items())
    head = f'<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF{names}\n>\n'
    return b"".join((head.encode(), *fragments, b"</rdf:RDF>\n"))


class _Turtle(TurtleSerializer):
    def startDocument(self) -> None:  # noqa: N802
        """Leave the prefixes to the whole document."""

    def sortProperties(self, properties: Mapping[Any, list[Any]]) -> list[Any]:  # noqa: N802
        found: list[Any] = super().sortProperties(properties)
        for values in properties.values():
            values.sort(key=_value_order)
        return found


def _order(triple: _Triple) -> tuple[object, ...]:
    subject, predicate, value = triple
    return (
        isinstance(subject, BNode),
        subject,
        predicate != RDF.type,
        predicate,
        *_value_order(value),
    )


def _value_order(value: Any) -> tuple[str, ...]:
    """Order values of one property: harvesters that read a single title take the first."""
    if isinstance(value, Text):
        language = value.language or ""
        first = "" if language == LANGUAGE else "1"
        return "literal", first, language, str(value), str(value.datatype or "")
    return type(value).__name__, str(value)


def _xml(triples: Iterable[_Triple]) -> Iterator[str]:
    """Write descriptions of RDF/XML; rdflib's writer gives them in another order every time."""
    for subject, said in groupby(triples, key=itemgetter(0)):
        about = "nodeID" if isinstance(subject, BNode) else "about"
        yield f"<rdf:Description rdf:{about}={quoteattr(str(subject))}>\n"
        for _, predicate, value in said:
            name = _short(predicate)
            if isinstance(value, Text):
                more = f" xml:lang={quoteattr(value.language)}" if value.language else ""
                if value.datatype:
                    more = f" rdf:datatype={quoteattr(str(value.datatype))}"
                yield f"  <{name}{more}>{escape(str(value))}</{name}>\n"
            else:
                refers = "nodeID" if isinstance(value, BNode) else "resource"
                yield f"  <{name} rdf:{refers}={quoteattr(str(value))}/>\n"
        yield "</rdf:Description>\n"


def _nodes(triples: Iterable[_Triple]) -> list[dict[str, Any]]:
    """Give the nodes of flattened JSON-LD 1.1, whose keys are shortened by a context of its own.

    It is written here for the same reason.
    """
    nodes: dict[Any, dict[str, Any]] = {}
    for subject, predicate, value in triples:
        node = nodes.setdefault(subject, {"@id": _name(subject)})
        if predicate == RDF.type:
            node.setdefault("@type", []).append(_short(value))
        else:
            node.setdefault(_short(predicate), []).append(_json_value(value))
    return list(nodes.values())


def _json_value(value: Any) -> dict[str, str]:
    if not isinstance(value, Text):
        return {"@id": _name(value)}
    found = {"@value": str(value)}
    if value.language:
        found["@language"] = value.language
    elif value.datatype:
        found["@type"] = _short(value.datatype)
    return found


def _name(node: Any) -> str:
    return f"_:{node}" if isinstance(node, BNode) else str(node)


def _short(name: Any) -> str:
    full = str(name)
    for prefix, namespace in _CONTEXT.items():
        if full.startswith(namespace):
            return f"{prefix}:{full.removeprefix(namespace)}"
    return full


_CONTEXT = {prefix: str(namespace) for prefix, namespace in PREFIXES.items()}
