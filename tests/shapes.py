"""Judges graphs by SHACL shapes: this project's own, and official ones where they are at hand."""

import os
from functools import cache
from pathlib import Path

import pyshacl
from rdflib import Graph, Namespace

SH = Namespace("http://www.w3.org/ns/shacl#")
OURS = Path(__file__).parent / "shapes.ttl"


def official() -> list[Path]:
    """Give the shapes files of the folder that PUBLISHER_SHACL names."""
    folder = os.environ.get("PUBLISHER_SHACL")
    return sorted(Path(folder).glob("*.ttl")) if folder else []


@cache
def shapes(path: Path) -> Graph:
    graph = Graph().parse(path)
    # DCAT-AP 3.0.1's file refers to shapes that it does not hold, which pyshacl refuses
    for subject, referred in list(graph.subject_objects(SH.property)):
        if (referred, SH.path, None) not in graph:
            graph.remove((subject, SH.property, referred))
    return graph


def faults(graph: Graph, path: Path) -> list[tuple[str, ...]]:
    """Give what the shapes find, warnings too: severity, focus, path, value, message."""
    _, report, _ = pyshacl.validate(graph, shacl_graph=shapes(path), allow_warnings=False)
    assert isinstance(report, Graph)
    return sorted(
        tuple(
            str(report.value(result, SH[name]) or "").rpartition("#")[2]
            for name in ("resultSeverity", "focusNode", "resultPath", "value", "resultMessage")
        )
        for result in report.objects(None, SH.result)
    )
