"""Graphs as text: the same graph is the same bytes, and Danish comes first."""

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any, Literal

import orjson
from rdflib import BNode, Graph
from rdflib import Literal as Text
from rdflib.namespace import RDF
from rdflib.plugins.serializers.rdfxml import XMLSerializer
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


def written(graphs: Iterable[Graph], form: Form) -> bytes:
    """Lay the graphs together and write them, in UTF-8."""
    triples = sorted({triple for graph in graphs for triple in graph}, key=_order)
    if form == "jsonld":
        return _json_ld(triples)
    whole = Graph(bind_namespaces="none")
    for prefix, namespace in PREFIXES.items():
        whole.bind(prefix, namespace)
    for triple in triples:
        whole.add(triple)
    file = BytesIO()
    writer = _Turtle(whole) if form == "ttl" else XMLSerializer(whole)
    writer.serialize(file, encoding="utf-8")
    return file.getvalue()


class _Turtle(TurtleSerializer):
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


def _json_ld(triples: Iterable[_Triple]) -> bytes:
    """Write flattened JSON-LD 1.1, whose keys are shortened by a context of its own.

    rdflib's writer gives nodes in another order every time.
    """
    nodes: dict[Any, dict[str, Any]] = {}
    for subject, predicate, value in triples:
        node = nodes.setdefault(subject, {"@id": _name(subject)})
        if predicate == RDF.type:
            node.setdefault("@type", []).append(_short(value))
        else:
            node.setdefault(_short(predicate), []).append(_json_value(value))
    return orjson.dumps({"@context": _CONTEXT, "@graph": list(nodes.values())})


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
