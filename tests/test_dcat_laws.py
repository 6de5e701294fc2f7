"""Whatever a steward wrote, the graph is valid and the same however it is written; its score."""

import asyncio
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from publishing import ODD_ROWS, open_house
from rdflib import Graph
from rdflib.compare import isomorphic
from scale import scale
from shapes import OURS, faults, official

from publisher.messages import TEXTS
from publisher.model.catalog import Organization
from publisher.model.dataset import ContactPoint, Dataset
from publisher.targets.dcat.dataset import dataset_graph
from publisher.targets.dcat.mqa import MOST, mqa
from publisher.targets.dcat.writing import fragment, joined
from publisher.targets.extents import Box, Extents
from publisher.targets.facts import DatasetFacts, Links, dataset_facts
from publisher.targets.snapshot import Snapshot

# rdflib's own, at every reading of JSON-LD
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")
# What a YAML file can hold, and more: signs that XML has no way to write
TEXT = st.text(
    st.one_of(
        st.sampled_from("æøåÆØÅ \"'\\<>&\r\n\t\x00\x0b\x1f\x7f\x85\u2028\ufffe{}^`@.,;:/#"),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=30,
)
ADDRESS = st.one_of(
    TEXT,
    st.sampled_from(
        ["https://example.org/a b", "https://example.org/å", "javascript:alert(1)", "//x", "http:"]
    ),
)
EMAIL = st.sampled_from(["a@example.org", "a+b%c@example.org"])
OTHERS = st.dictionaries(
    st.sampled_from(["en", "da", "de", "kl"]),
    st.fixed_dictionaries({}, optional={"title": TEXT, "description": TEXT}),
)
MAYBE: dict[str, Any] = {
    "description": TEXT,
    "keywords": st.lists(TEXT),
    "themes": st.lists(st.sampled_from(["ENVI", "OP_DATPRO", "TRAN"])),
    "licenses": st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "name": st.one_of(TEXT, st.sampled_from(["CC-BY-4.0", "PDDL-1.0"])),
                "path": ADDRESS,
                "title": TEXT,
            },
        )
    ),
    "translations": OTHERS,
    "id": TEXT,
    "version": TEXT,
    "homepage": ADDRESS,
    "accessRights": st.sampled_from(["PUBLIC", "RESTRICTED", "NON_PUBLIC"]),
    "hvdCategories": st.lists(st.sampled_from(["mobility", "meteorological", "c_00000000"])),
    "spatial": st.fixed_dictionaries({}, optional={"uri": st.lists(ADDRESS), "title": TEXT}),
    "temporal": st.sampled_from(
        [{"start": "0001-01-01"}, {"start": "2020-02-29", "end": "9999-12-31"}]
    ),
    "conformsTo": st.lists(ADDRESS),
    "provenance": TEXT,
    "rights": st.one_of(TEXT, ADDRESS),
    "updateFrequency": st.sampled_from(["HOURLY", "UPDATE_CONT"]),
}
DATASETS = st.fixed_dictionaries({"title": TEXT}, optional=MAYBE)
CONTACTS = st.builds(
    ContactPoint, name=st.none() | TEXT, email=st.none() | EMAIL, url=st.none() | ADDRESS
)
ORGANIZATIONS = st.builds(
    Organization,
    title=TEXT,
    municipality=st.sampled_from([None, "0561"]),
    email=st.none() | EMAIL,
    url=st.none() | ADDRESS,
    uri=st.none() | ADDRESS,
    type=st.sampled_from([None, "regional", "national"]),
)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> DatasetFacts:
    """A dataset with all there is; published in bulk."""

    async def find(folder: Path) -> DatasetFacts:
        async with open_house(folder) as house:
            await house.commit(ODD_ROWS)
            await house.outbox.publish("vand")
            snapshot = await Snapshot.pin(
                house.engine, house.store, house.catalog, "vand", work=house.settings.work_path
            )
            links = Links("https://data.example.org", house.settings.published_path)
            return await dataset_facts(snapshot, links, Extents())

    return asyncio.run(find(tmp_path_factory.mktemp("house")))


def described(known: DatasetFacts, stated: dict[str, Any], **others: Any) -> DatasetFacts:
    shape = {
        "name": "0-vand_1",
        "publisher": "esbjerg",
        "resources": [it.descriptor() for it in known.dataset.resources],
        **stated,
    }
    dataset = Dataset.model_validate(shape)
    return replace(
        known,
        dataset=dataset,
        frequency=dataset.update_frequency,
        languages=dataset.languages or ("da", *sorted({*dataset.translations} - {"da"})),
        **others,
    )


@pytest.mark.parametrize("shapes", [OURS, *official()], ids=lambda path: path.name)
@settings(
    max_examples=scale(30, 500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(stated=DATASETS, contact=CONTACTS, organization=ORGANIZATIONS, data=st.data())
def test_whatever_is_stated_the_graph_is_valid_and_one(
    known: DatasetFacts,
    shapes: Path,
    stated: dict[str, Any],
    contact: ContactPoint,
    organization: Organization,
    data: st.DataObject,
) -> None:
    if "-hvd-" in shapes.name:  # its shapes take every dataset for one of high value
        stated = {**stated, "hvdCategories": ["mobility"]}
        contact = ContactPoint(email="a@example.org")
    facts = described(
        known,
        stated,
        contact=contact,
        organization=organization,
        tables=known.tables if data.draw(st.booleans()) else (),
        url=known.url if data.draw(st.booleans()) else None,
        span=data.draw(st.sampled_from([None, known.span])),
        box=data.draw(st.sampled_from([None, Box(-180, -90, 180, 90)])),
        issued=data.draw(st.sampled_from([None, known.issued])),
    )
    made = dataset_graph(facts, {})
    bad = [fault for fault in faults(made, shapes) if fault[0] == "Violation"]
    assert bad == []
    read = [
        Graph().parse(data=joined([fragment(made, form)], form), format=name)
        for form, name in (("ttl", "turtle"), ("jsonld", "json-ld"), ("rdf", "xml"))
    ]
    assert all(isomorphic(read[0], other) for other in read[1:])


_WRITE = """
import pickle, sys
from rdflib import Graph
from publisher.targets.dcat.writing import fragment
graph = Graph()
for triple in pickle.load(sys.stdin.buffer):
    graph.add(triple)
for form in ("ttl", "jsonld", "rdf"):
    sys.stdout.buffer.write(fragment(graph, form))
"""


def test_every_process_writes_the_same_bytes(known: DatasetFacts) -> None:
    made = pickle.dumps(list(dataset_graph(known, {})))
    told = {
        subprocess.run(
            [sys.executable, "-c", _WRITE],
            input=made,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1


def test_a_full_dataset_has_every_point_and_a_bare_one_is_told_what_lacks(
    known: DatasetFacts,
) -> None:
    full = described(
        known,
        {
            "title": "Vandstand",
            "description": "Målt.",
            "keywords": ["vand"],
            "themes": ["ENVI"],
            "licenses": [{"name": "CC-BY-4.0"}],
            "rights": "Må bruges frit.",
        },
        box=Box(8, 54, 13, 58),
    )
    best = mqa(full, {})
    assert (best.score, best.of, best.rating, best.missing) == (405, 405, "excellent", ())
    bare = described(
        known,
        {"title": "Vandstand"},
        url=None,
        tables=(),
        span=None,
        box=None,
        issued=None,
        contact=ContactPoint(),
    )
    least = mqa(bare, {})
    # What every dataset has: access rights, publisher, date of change, a valid graph
    assert (least.score, least.rating) == (10 + 5 + 10 + 5 + 30, "bad")
    assert least.score + sum(it.points for it in least.missing) == MOST
    assert [it.points for it in least.missing] == sorted(
        (it.points for it in least.missing), reverse=True
    )
    told = {code for code in TEXTS if code.startswith("mqa-")}
    assert {it.code for it in least.missing} == told
