"""A dataset as DCAT-AP 3, its Danish profile and the profile of high-value datasets have it.

Every resource that is referred to has its class stated, as the profiles' shapes ask for it.
What has no address of its own is a blank node, whose label is made of the dataset's name: the
same facts give the same graph, and the graphs of a catalog can be laid together.
"""

from collections.abc import Iterable

from rdflib import BNode, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, OWL, RDFS, SKOS

from publisher.model.catalog import Organization
from publisher.model.dataset import HVD_CATEGORIES
from publisher.targets import authority
from publisher.targets.dcat import vocabulary as words
from publisher.targets.dcat.distributions import Described, HighValue, Remotes, distributions
from publisher.targets.dcat.terms import Node, Sheet, instant, mailto, text, uri
from publisher.targets.extents import Box
from publisher.targets.facts import LANGUAGE, DatasetFacts, in_languages, keywords


def dataset_graph(facts: DatasetFacts, remotes: Remotes, *, files: bool = False) -> Sheet:
    """Give the dataset and its distributions.

    *remotes* is where the dataset stands at CKAN targets, by the target's name. *files* states
    each bulk file's size and SHA-256 as DCAT-AP 3 has them, which breaks the Danish profile.
    """
    sheet = Sheet()
    node = dataset_node(facts)
    sheet.kind(node, DCAT.Dataset)
    _texts(sheet, node, facts, remotes)
    _people(sheet, node, facts)
    _subjects(sheet, node, facts)
    _extent(sheet, node, facts)
    _terms(sheet, node, facts)
    high_value = _high_value(sheet, node, facts)
    about = Described(
        sheet=sheet,
        facts=facts,
        dataset=node,
        rights=_rights(sheet, facts),
        high_value=high_value,
        files=files,
    )
    distributions(about, remotes)
    return sheet


def dataset_node(facts: DatasetFacts) -> URIRef:
    return uri(facts.url) or URIRef(f"urn:publisher:{facts.dataset.name}")


def blank(facts: DatasetFacts, part: str) -> BNode:
    """Name a blank node of the dataset."""
    return BNode(f"of-{facts.dataset.name}.{part}")


def agent(sheet: Sheet, name: str, organization: Organization, base: str | None) -> Node:
    """State a publisher, known by its *name* among the organisations; give its node."""
    node = uri(organization.uri) or URIRef(
        f"{base}/catalog#{name}" if base else f"urn:publisher:organization:{name}"
    )
    sheet.kind(node, FOAF.Agent)
    sheet.say(node, FOAF.name, text(organization.title, LANGUAGE) or Literal(name))
    sheet.say(node, DCTERMS.identifier, text(organization.municipality))
    sheet.say(node, FOAF.mbox, mailto(organization.email))
    homepage = uri(organization.url)
    if homepage is not None:
        sheet.say(node, FOAF.homepage, sheet.kind(homepage, FOAF.Document))
    if organization.authority is not None:
        kind = URIRef(authority.publisher_type(organization.authority))
        label = words.PUBLISHER_LABELS[organization.authority]
        sheet.say(node, DCTERMS.type, concept(sheet, kind, label))
    return node


def concept(sheet: Sheet, node: URIRef, label: words.Label | None) -> Node:
    """State a concept of a vocabulary; one without a label we know is called by its code."""
    sheet.kind(node, SKOS.Concept)
    if label is None:
        sheet.say(node, SKOS.prefLabel, Literal(str(node).rpartition("/")[2]))
    else:
        danish, english = label
        sheet.say(node, SKOS.prefLabel, Literal(danish, lang="da"), Literal(english, lang="en"))
    return node


def theme(sheet: Sheet, code: str) -> Node:
    node = words.THEMES[code]
    taxonomy(sheet)
    sheet.say(node, SKOS.inScheme, words.THEME_TAXONOMY)
    return concept(sheet, node, words.THEME_LABELS[code])


def taxonomy(sheet: Sheet) -> Node:
    """State the EU's data themes."""
    danish, english = words.TAXONOMY_LABEL
    labels = Literal(danish, lang="da"), Literal(english, lang="en")
    sheet.say(words.THEME_TAXONOMY, DCTERMS.title, *labels)
    return sheet.kind(words.THEME_TAXONOMY, SKOS.ConceptScheme)


def languages(sheet: Sheet, codes: Iterable[str]) -> Iterable[Node]:
    """State the languages that the EU's table has."""
    for code in codes:
        address = authority.language(code)
        if address is not None:
            yield sheet.kind(URIRef(address), DCTERMS.LinguisticSystem)


def _texts(sheet: Sheet, node: Node, facts: DatasetFacts, remotes: Remotes) -> None:
    dataset = facts.dataset
    for language in in_languages(dataset.translations):
        other = dataset.translations.get(language)
        if language == LANGUAGE or (other is not None and other.title):
            sheet.say(node, DCTERMS.title, text(facts.title(language), language))
        sheet.say(node, DCTERMS.description, text(facts.description(language), language))
    if (node, DCTERMS.title, None) not in sheet:
        sheet.say(node, DCTERMS.title, Literal(dataset.name))
    if (node, DCTERMS.description, None) not in sheet:
        # The profiles ask for one
        for title in list(sheet.objects(node, DCTERMS.title)):
            sheet.add((node, DCTERMS.description, title))
    sheet.say(node, DCTERMS.identifier, text(dataset.id) or Literal(str(node)))
    sheet.say(node, DCTERMS.issued, instant(facts.issued))
    sheet.say(node, DCTERMS.modified, instant(facts.modified))
    for version in (OWL.versionInfo, words.VERSION):  # of the Danish profile, and of DCAT-AP 3
        sheet.say(node, version, text(dataset.version))
    documentation = next((uri(table.documentation) for table in facts.tables), None)
    shown = (uri(remote.get("url")) for _, remote in sorted(remotes.items()))
    landing = uri(dataset.homepage) or next(filter(None, shown), None) or documentation
    for predicate, page in ((DCAT.landingPage, landing), (FOAF.page, documentation)):
        if page is not None:
            sheet.say(node, predicate, sheet.kind(page, FOAF.Document))


def _people(sheet: Sheet, node: Node, facts: DatasetFacts) -> None:
    base = facts.url.rpartition("/v1/")[0] if facts.url else None
    sheet.say(
        node, DCTERMS.publisher, agent(sheet, facts.dataset.publisher, facts.organization, base)
    )
    contact, found = facts.contact, blank(facts, "contact")
    sheet.say(found, words.VCARD.fn, text(contact.name))
    for predicate, address in (
        (words.VCARD.hasEmail, mailto(contact.email)),
        (words.VCARD.hasURL, uri(contact.url)),
    ):
        if address is not None:
            sheet.say(found, predicate, sheet.kind(address, RDFS.Resource))
    if (found, None, None) in sheet:
        sheet.say(node, DCAT.contactPoint, sheet.kind(found, words.VCARD.Kind))


def _subjects(sheet: Sheet, node: Node, facts: DatasetFacts) -> None:
    dataset = facts.dataset
    sheet.say(node, DCAT.theme, *(theme(sheet, code) for code in dataset.themes))
    sheet.say(node, DCAT.keyword, *(text(word, LANGUAGE) for word in keywords(dataset.keywords)))


def _extent(sheet: Sheet, node: Node, facts: DatasetFacts) -> None:
    if facts.span is not None:
        period = sheet.kind(blank(facts, "period"), DCTERMS.PeriodOfTime)
        sheet.say(period, DCAT.startDate, instant(facts.span.start))
        sheet.say(period, DCAT.endDate, instant(facts.span.end))
        sheet.say(node, DCTERMS.temporal, period)
    spatial, place = facts.dataset.spatial, blank(facts, "place")
    sheet.say(place, SKOS.prefLabel, text(spatial.title, LANGUAGE))
    if facts.box is not None:
        sheet.say(place, DCAT.bbox, Literal(_polygon(facts.box), datatype=words.GEO.wktLiteral))
    for found in ([place] if (place, None, None) in sheet else []) + list(map(uri, spatial.uri)):
        if found is not None:
            sheet.say(node, DCTERMS.spatial, sheet.kind(found, DCTERMS.Location))


def _terms(sheet: Sheet, node: Node, facts: DatasetFacts) -> None:
    dataset = facts.dataset
    sheet.say(node, DCTERMS.language, *languages(sheet, facts.languages))
    access = sheet.kind(words.ACCESS_RIGHTS[dataset.access_rights], DCTERMS.RightsStatement)
    sheet.say(node, DCTERMS.accessRights, access)
    if facts.frequency is not None:
        often = sheet.kind(words.FREQUENCIES[facts.frequency], DCTERMS.Frequency)
        sheet.say(node, DCTERMS.accrualPeriodicity, often)
    schemas = [table.schema_url for table in facts.tables]
    for standard in map(uri, (*dataset.conforms_to, *schemas)):
        if standard is not None:
            sheet.say(node, DCTERMS.conformsTo, sheet.kind(standard, DCTERMS.Standard))
    origin = text(dataset.provenance, LANGUAGE)
    if origin is not None:
        statement = sheet.kind(blank(facts, "provenance"), DCTERMS.ProvenanceStatement)
        sheet.say(statement, RDFS.label, origin)
        sheet.say(node, DCTERMS.provenance, statement)


def _rights(sheet: Sheet, facts: DatasetFacts) -> Node | None:
    """State who may do what, beyond the licence."""
    said = text(facts.dataset.rights, LANGUAGE)
    if said is None:
        return None
    stated = uri(str(said))
    rights = sheet.kind(stated or blank(facts, "rights"), DCTERMS.RightsStatement)
    if stated is None:
        sheet.say(rights, RDFS.label, said)
    return rights


def _high_value(sheet: Sheet, node: Node, facts: DatasetFacts) -> HighValue | None:
    codes = [HVD_CATEGORIES.get(it, it) for it in facts.dataset.hvd_categories]
    if not codes:
        return None
    danish, english = words.LEGISLATION_LABEL
    law = sheet.kind(words.HVD_LEGISLATION, words.ELI.LegalResource)
    sheet.say(law, RDFS.label, Literal(danish, lang="da"), Literal(english, lang="en"))
    found = HighValue(
        law=law,
        categories=tuple(
            concept(sheet, words.HVD[code], words.HVD_LABELS.get(code)) for code in codes
        ),
    )
    found.mark(sheet, node)
    return found


def _polygon(box: Box) -> str:
    west, south, east, north = box
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return f"POLYGON(({', '.join(f'{x:.7g} {y:.7g}' for x, y in corners)}))"
