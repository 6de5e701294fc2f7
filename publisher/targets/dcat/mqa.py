"""The score that data.europa.eu's metadata quality assessment gives a dataset, and what it lacks.

It is read off the dataset's graph. Two things cannot be seen there and are taken as given: that
the addresses answer, since this installation or a site it writes to is behind them, and that
the graph is valid, which tests hold.
Source: https://data.europa.eu/mqa/methodology
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from rdflib import URIRef
from rdflib.namespace import DCAT, DCTERMS

from publisher.targets.dcat import vocabulary as words
from publisher.targets.dcat.dataset import dataset_graph, dataset_node
from publisher.targets.dcat.distributions import Remotes
from publisher.targets.dcat.terms import Sheet
from publisher.targets.facts import DatasetFacts

Rating = Literal["excellent", "good", "sufficient", "bad"]
_RATINGS: tuple[tuple[int, Rating], ...] = (
    (351, "excellent"),
    (221, "good"),
    (121, "sufficient"),
    (0, "bad"),
)


@dataclass(frozen=True, slots=True)
class Missing:
    name: str
    """As DCAT names the property; ``mqa-`` and its lower-case form tell what to do about it."""
    points: int
    """It would add so many."""

    @property
    def code(self) -> str:
        return f"mqa-{self.name.lower()}"


@dataclass(frozen=True, slots=True)
class Mqa:
    score: int
    of: int
    rating: Rating
    missing: tuple[Missing, ...]
    """What adds most first."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A dataset's graph, as the assessment looks at it."""

    sheet: Sheet
    dataset: URIRef

    def has(self, predicate: URIRef) -> bool:
        return (self.dataset, predicate, None) in self.sheet

    def within(self, predicate: URIRef, *vocabularies: str) -> bool:
        """Tell whether a value is of one of the vocabularies."""
        return any(
            str(value).startswith(vocabularies)
            for value in self.sheet.objects(self.dataset, predicate)
        )

    def ways(self) -> "list[_Read]":
        nodes = self.sheet.objects(self.dataset, DCAT.distribution)
        return [_Read(self.sheet, node) for node in nodes if isinstance(node, URIRef)]

    def some(self, predicate: URIRef, *vocabularies: str) -> bool:
        """Tell the same of any distribution."""
        return any(way.within(predicate, *vocabularies or ("",)) for way in self.ways())


_Test = Callable[[_Read], bool]
_OPEN_FORMATS = tuple(str(words.FILE_TYPES[code]) for code in ("CSV", "JSON"))
"""Of ours, those that the assessment's lists hold, as machine-readable and nobody's own."""


def _dataset(predicate: URIRef) -> _Test:
    return lambda read: read.has(predicate)


def _some(predicate: URIRef, *vocabularies: str) -> _Test:
    return lambda read: read.some(predicate, *vocabularies)


def _both_formats(read: _Read) -> bool:
    return any(
        way.within(words.FORMAT, str(words.FILE_TYPES))
        and way.within(DCAT.mediaType, str(words.MEDIA_TYPES))
        for way in read.ways()
    )


_METRICS: Mapping[str, tuple[int, _Test]] = {
    # findability
    "keyword": (30, _dataset(DCAT.keyword)),
    "theme": (30, lambda read: read.within(DCAT.theme, str(words.THEMES))),
    "spatial": (20, _dataset(DCTERMS.spatial)),
    "temporal": (20, _dataset(DCTERMS.temporal)),
    # accessibility: there, and it answers
    "accessURL": (50, _some(DCAT.accessURL)),
    "downloadURL": (20 + 30, _some(DCAT.downloadURL)),
    # interoperability
    "format": (20, _some(words.FORMAT)),
    "mediaType": (10, _some(DCAT.mediaType)),
    "format-vocabulary": (10, _both_formats),
    "format-non-proprietary": (20, _some(words.FORMAT, *_OPEN_FORMATS)),
    "format-machine-readable": (20, _some(words.FORMAT, *_OPEN_FORMATS)),
    "compliance": (30, lambda _: True),
    # reusability
    "license": (20, _some(DCTERMS.license)),
    "license-vocabulary": (10, _some(DCTERMS.license, str(words.LICENCES))),
    "accessRights": (10, _dataset(DCTERMS.accessRights)),
    "accessRights-vocabulary": (
        5,
        lambda read: read.within(DCTERMS.accessRights, str(words.ACCESS_RIGHTS)),
    ),
    "contactPoint": (20, _dataset(DCAT.contactPoint)),
    "publisher": (10, _dataset(DCTERMS.publisher)),
    # contextuality
    "rights": (5, _some(DCTERMS.rights)),
    "byteSize": (5, _some(DCAT.byteSize)),
    "issued": (5, _dataset(DCTERMS.issued)),
    "modified": (5, _dataset(DCTERMS.modified)),
}
MOST = sum(points for points, _ in _METRICS.values())


def mqa(facts: DatasetFacts, remotes: Remotes) -> Mqa:
    """Score what is told of the dataset, with its bulk files' sizes; see ``dataset_graph``."""
    read = _Read(dataset_graph(facts, remotes, files=True), dataset_node(facts))
    missing = [Missing(name, points) for name, (points, test) in _METRICS.items() if not test(read)]
    score = MOST - sum(it.points for it in missing)
    return Mqa(
        score=score,
        of=MOST,
        rating=next(rating for least, rating in _RATINGS if score >= least),
        missing=tuple(sorted(missing, key=lambda it: -it.points)),
    )
