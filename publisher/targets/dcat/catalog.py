"""The catalog around its datasets, in pages as ckanext-dcat's harvester follows them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from rdflib import Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, XSD

from publisher.model.catalog import Catalog, Organization
from publisher.targets.dcat import vocabulary as words
from publisher.targets.dcat.dataset import agent, languages, taxonomy
from publisher.targets.dcat.terms import Sheet, instant, text

PAGE = 100
"""Datasets on one page."""
_NAMED = 3  # organisations in the catalog's title


@dataclass(frozen=True, slots=True)
class Place:
    """A page among the others."""

    total: int
    """Datasets on all pages."""
    urls: Mapping[str, str]
    """Of ``this``, ``first`` and ``last``; of ``previous`` and ``next`` where there are such."""


def last_page(total: int) -> int:
    return max(1, -(-total // PAGE))


def catalog_graph(
    base: str,
    catalog: Catalog,
    shown: Iterable[str],
    *,
    public: Iterable[str],
    modified: datetime | None,
    place: Place,
) -> Sheet:
    """Give the catalog and its page; *shown* are the page's datasets, of all the *public* ones."""
    sheet = Sheet()
    node = URIRef(f"{base}/catalog")
    sheet.kind(node, DCAT.Catalog)
    names = Counter(catalog.datasets[name].publisher for name in public)
    publishers = sorted(names, key=lambda name: (-names[name], name))
    titles = [_organization(catalog, name).title for name in publishers]
    danish, english = _whose(titles)
    sheet.say(node, DCTERMS.title, text(f"Åbne data{danish}", "da"))
    sheet.say(node, DCTERMS.title, text(f"Open data{english}", "en"))
    sheet.say(
        node,
        DCTERMS.description,
        Literal("Datasæt fra sensorer, efterprøvet ved hver levering.", lang="da"),
        Literal("Datasets of sensors, proven at every delivery.", lang="en"),
    )
    for name in publishers[:1]:
        sheet.say(node, DCTERMS.publisher, agent(sheet, name, _organization(catalog, name), base))
    homepage = URIRef(f"{base}/docs")
    sheet.say(node, FOAF.homepage, homepage)
    sheet.kind(homepage, FOAF.Document)
    sheet.say(node, DCAT.themeTaxonomy, taxonomy(sheet))
    sheet.say(node, DCTERMS.language, *languages(sheet, ("da", "en")))
    sheet.say(node, DCTERMS.modified, instant(modified))
    sheet.say(node, DCAT.dataset, *(URIRef(f"{base}/v1/datasets/{name}") for name in shown))
    _paged(sheet, place)
    return sheet


def _organization(catalog: Catalog, name: str) -> Organization:
    return catalog.organizations.get(name) or Organization(title=name)


def _whose(titles: list[str]) -> words.Label:
    if not titles:
        return "", ""
    named = ", ".join(titles[:_NAMED])
    more = len(titles) > _NAMED
    return (
        f" fra {named}{' og andre' if more else ''}",
        f" of {named}{' and others' if more else ''}",
    )


def _paged(sheet: Sheet, place: Place) -> None:
    hydra = words.HYDRA
    node = URIRef(place.urls["this"])
    sheet.kind(node, hydra.PagedCollection)
    sheet.say(node, hydra.totalItems, Literal(place.total, datatype=XSD.integer))
    sheet.say(node, hydra.itemsPerPage, Literal(PAGE, datatype=XSD.integer))
    # The names of today's Hydra, and those that older harvesters know
    for which, older in (
        ("first", "firstPage"),
        ("previous", "previousPage"),
        ("next", "nextPage"),
        ("last", "lastPage"),
    ):
        if which in place.urls:
            for predicate in (which, older):
                sheet.say(node, hydra[predicate], URIRef(place.urls[which]))
