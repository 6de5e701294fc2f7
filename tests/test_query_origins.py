"""The law of copies: no observation twice, none lost, whoever is named first."""

import random
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from publisher.query.origins import Candidate, Chosen, Link, choose

KEYS = "abcdefgh"
keys = st.sampled_from(KEYS)
tables = st.lists(
    st.tuples(keys, st.booleans(), st.sampled_from(["s", "t"])), min_size=1, max_size=8
).map(
    lambda found: [
        Candidate(f"{number}/t", key, schema, local)
        for number, (key, local, schema) in enumerate(found)
    ]
)
any_links = st.dictionaries(keys, st.builds(Link, keys, st.sampled_from(["", "", "x", "y"])))
whole_links = st.dictionaries(st.sampled_from(KEYS[1:]), st.integers(0, 6)).map(
    # Each is harvested from one that stands before it: they end somewhere
    lambda found: {key: Link(KEYS[of % KEYS.index(key)]) for key, of in found.items()}
)


def chosen_names(found: Chosen, meant: list[Candidate], lost: set[str]) -> set[str]:
    return {it.name for it in meant} - lost - found.copies.keys()


def ends(key: str, links: Mapping[str, Link]) -> str:
    return ends(links[key].of, links) if key in links else key


@given(meant=tables, links=whole_links, data=st.data())
def test_of_each_origin_one_is_asked_and_the_origin_itself_where_it_can_be(meant, links, data):
    meant = [Candidate(it.name, it.key, "s", it.local) for it in meant]
    lost = data.draw(st.sets(st.sampled_from([it.name for it in meant])))
    found = choose(meant, links, lost=lost)
    by_origin: dict[str, list[Candidate]] = {}
    for it in meant:
        if it.name not in lost:
            by_origin.setdefault(ends(it.key, links), []).append(it)
    asked = chosen_names(found, meant, lost)
    for origin, same in by_origin.items():
        [one] = [it for it in same if it.name in asked]
        assert one.key == origin or all(it.key != origin for it in same)
        assert all(found.copies[it.name] == one.name for it in same if it is not one)
    assert {it for it in lost if it in found.instead.values()} <= found.replaced <= lost
    assert found.instead.keys() <= asked


@given(meant=tables, links=any_links, data=st.data())
def test_none_is_left_out_but_for_one_that_is_asked_and_tells_the_same(meant, links, data):
    names = [it.name for it in meant]
    lost = data.draw(st.sets(st.sampled_from(names)))
    kept = data.draw(st.sets(st.sampled_from(names))) - lost
    found = choose(meant, links, lost=lost, kept=kept)
    asked = chosen_names(found, meant, lost)
    assert not found.copies.keys() & (lost | kept)
    assert kept <= asked
    assert not found.instead.keys() & kept
    by_name = {it.name: it for it in meant}
    for copy, of in found.copies.items():
        assert of in asked
        # Alone with the other it is left out as well: nobody else has a say in it
        pair = [by_name[copy], by_name[of]]
        assert choose(pair, links, kept=[of]).copies == {copy: of}
    for one in asked - kept:
        for other in asked - {one}:
            pair = [by_name[one], by_name[other]]
            assert one in kept or other in kept or choose(pair, links).copies == {}


@given(meant=tables, links=any_links, lost=st.sets(st.integers(0, 7)), seed=st.integers())
def test_the_order_in_which_they_are_named_makes_no_difference(meant, links, lost, seed):
    gone = {f"{number}/t" for number in lost}
    mixed = random.Random(seed).sample(meant, len(meant))
    assert choose(mixed, links, lost=gone) == choose(meant, links, lost=gone)


def test_those_who_name_each_other_are_both_asked():
    meant = [Candidate("a/t@x", "a"), Candidate("b/t@y", "b"), Candidate("c/t@z", "c")]
    links = {"a": Link("b"), "b": Link("a"), "c": Link("b")}
    assert choose(meant, links).copies == {"c/t@z": "b/t@y"}
    assert choose(meant, {"a": Link("a")}) == Chosen()


def test_ours_is_asked_first_of_copies_then_the_first_by_name():
    meant = [Candidate("a/t@x", "a"), Candidate("b/t", "b", local=True), Candidate("c/t@x", "c")]
    links = {key: Link("away") for key in "abc"}
    assert choose(meant, links).copies == {"a/t@x": "b/t", "c/t@x": "b/t"}
    left = choose(meant, links, lost={"b/t"})
    assert (left.copies, left.instead) == ({"c/t@x": "a/t@x"}, {"a/t@x": "b/t"})


def test_parts_of_one_table_are_no_copies_of_each_other():
    meant = [Candidate("a/t", "a"), Candidate("b/t", "b"), Candidate("c/t", "c")]
    parts = {"a": Link("away", "station=A"), "b": Link("away", "station=B")}
    assert choose(meant, parts).copies == {}
    assert choose(meant, {**parts, "b": parts["a"]}).copies == {"b/t": "a/t"}
    whole = {**parts, "c": Link("away")}
    assert choose(meant, whole).copies == {"a/t": "c/t", "b/t": "c/t"}
    origin = [*meant[:2], Candidate("o/t@x", "away", "other")]
    assert choose(origin, parts).copies == {"a/t": "o/t@x", "b/t": "o/t@x"}
    lost = choose(origin, parts, lost={"o/t@x"})
    assert lost == Chosen({}, {"a/t": "o/t@x", "b/t": "o/t@x"}, frozenset())


def test_copies_under_other_schemas_may_have_other_fields_of_it():
    meant = [Candidate("a/t", "a", "levels@1"), Candidate("b/t", "b", "flows@1")]
    links = {"a": Link("away"), "b": Link("away")}
    assert choose(meant, links).copies == {}
