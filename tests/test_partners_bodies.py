"""What stands in a partner's answer: types that change, other encodings, numbers that are none."""

from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from partner_faults import html, plan
from partner_kinds import (
    KINDS,
    PAGE,
    Far,
    edited,
    keys_of,
    levels_written,
    neighbours,
    recoded,
    rows_of,
)
from support import CkanSite


@pytest.fixture(scope="module")
def all_kinds(ckan: CkanSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Far]]:
    with neighbours(tmp_path_factory.mktemp("bodies"), ckan) as found:
        yield found


@pytest.fixture
def kinds(all_kinds: dict[str, Far], monkeypatch: pytest.MonkeyPatch) -> dict[str, Far]:
    """Give them with small pages; they are not left alone, however often they fail."""
    monkeypatch.setattr("publisher.partners.breaker._FAILURES", 1_000)
    for module in ("publisher", "ckan"):
        monkeypatch.setattr(f"publisher.partners.{module}._PAGE", PAGE)
    return all_kinds


def keys(data: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return sorted((it["station"], it["at"]) for it in data)


def asked_of(far: Far, question: str) -> tuple[Any, Any]:
    """Give an answer, and what it tells of the partner."""
    page = far.here.get(f"/v1/query?{question}&limit=100")
    [theirs] = page["sources"]["data"]
    assert page["complete"] == (theirs["status"] == "successful")
    assert page["next"] is None
    return page, theirs


def refused(far: Far, question: str, rows: list[Any]) -> None:
    """Some rows are left out, and counted; the others are *rows*."""
    page, theirs = asked_of(far, question)
    counted = (theirs["status"], theirs["rows"], theirs["refused"])
    assert counted == ("partial", len(rows), 20 - len(rows))
    assert {it["at"]: it["level"] for it in page["data"]} == {
        f"{row[1].isoformat()}Z": row[2] for row in rows
    }


@pytest.mark.parametrize("value", ["high", {"cm": 1}, [1], 1.5, True, 2**70, -(2**70)], ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_a_later_page_that_are_of_another_type_are_left_out_and_counted(kinds, kind, value):
    far = kinds[kind]
    rows = rows_of("b", 20)
    asked = far.meet(rows)
    begin, end = {"publisher": (10, 20), "ckan": (10, 20), "opendatasoft": (12, 20)}.get(
        kind, (5, 10)
    )

    def change(row: dict[str, Any]) -> None:
        if begin <= row["level"] < end:
            row["level"] = value

    plan(far.middle, *[edited(kind, change)] * 4)
    refused(far, asked, rows[:begin] + rows[end:])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_instead_of_a_number_is_a_row_all_the_same(kinds, kind):
    far = kinds[kind]
    asked = far.meet(rows_of("b", 20))
    plan(far.middle, *[edited(kind, lambda row: row.update(level=None))] * 4)
    page, theirs = asked_of(far, asked)
    assert theirs["status"] == "successful"
    assert [it["level"] for it in page["data"]] == [None] * 20


WRITTEN: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "windows-1252": (lambda body: body.decode().encode("windows-1252"), ""),
    "windows-1252, told": (lambda body: body.decode().encode("windows-1252"), "windows-1252"),
    "windows-1252, told as UTF-8": (lambda body: body.decode().encode("windows-1252"), "utf-8"),
    "UTF-16": (lambda body: body.decode().encode("utf-16"), ""),
    "UTF-16, told": (lambda body: body.decode().encode("utf-16-le"), "utf-16le"),
}


def unescaped(body: bytes) -> bytes:
    return b"\n".join(orjson.dumps(orjson.loads(line)) for line in body.splitlines())


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_utf_8_is_not_guessed_at(kinds, kind, name):
    far = kinds[kind]
    change, charset = WRITTEN[name]
    asked = far.meet(rows_of("Åens øre", 5))
    plan(far.middle, recoded(lambda body: change(unescaped(body)), charset))
    page, theirs = asked_of(far, asked)
    assert (theirs["status"], page["data"]) == ("failed", [])
    wanted = "partner-not-rows" if kind == "publisher" else "partner-not-json"
    assert theirs["problem"]["code"] == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_byte_order_mark_is_no_part_of_a_body(kinds, kind):
    far = kinds[kind]
    rows = rows_of("Åens øre", 5)
    asked = far.meet(rows)
    plan(far.middle, recoded(lambda body: b"\xef\xbb\xbf" + unescaped(body)))
    page, theirs = asked_of(far, asked)
    if kind == "publisher":  # none that is one writes it
        assert (theirs["status"], theirs["problem"]["code"]) == ("failed", "partner-not-rows")
    else:
        assert theirs["status"] == "successful", theirs
        assert keys(page["data"]) == keys_of(rows)


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_for_people_instead_of_rows_is_told_as_such(kinds, kind):
    far = kinds[kind]
    asked = far.meet(rows_of("b", 5))
    plan(far.middle, html)
    page, theirs = asked_of(far, asked)
    assert (theirs["status"], page["data"]) == ("failed", [])
    wanted = "partner-unlike" if kind == "publisher" else "partner-not-json"
    assert theirs["problem"]["code"] == wanted


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", "123" * 20, '"NaN"'])
@pytest.mark.parametrize("kind", KINDS)
def test_a_number_that_is_none_costs_its_row_or_its_page(kinds, kind, text):
    far = kinds[kind]
    rows = rows_of("b", 20)
    asked = far.meet(rows)
    plan(far.middle, levels_written(text))
    page, theirs = asked_of(far, asked)
    if theirs["status"] == "failed":  # it is no JSON
        assert theirs["problem"]["code"] in {"partner-not-json", "partner-not-rows"}
        assert page["data"] == []
    else:
        assert (theirs["status"], theirs["refused"]) == ("partial", 1)
        assert keys(page["data"]) == keys_of(rows[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_json_that_is_nested_without_end_costs_its_partner_only(kinds, kind):
    far = kinds[kind]
    for depth in (300, 100_000):
        asked = far.meet(rows_of("b", 5))
        plan(far.middle, levels_written("[" * depth + "]" * depth))
        page, theirs = asked_of(far, asked)
        assert theirs["status"] in {"failed", "partial"}
        assert len(page["data"]) == theirs["rows"] < 5


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_of_ten_million_characters_costs_its_partner_at_the_most(kinds, kind):
    far = kinds[kind]
    asked = far.meet(rows_of("b", 3))
    plan(far.middle, levels_written(f'"{"x" * 10_000_000}"'))
    page, theirs = asked_of(far, asked)
    if theirs["status"] == "failed":  # there is little memory here
        assert (theirs["problem"]["code"], page["data"]) == ("partner-too-much", [])
    else:
        assert (theirs["status"], theirs["refused"], len(page["data"])) == ("partial", 1, 2)


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_name_that_stands_twice_one_value_counts(kinds, kind):
    far = kinds[kind]
    asked = far.meet(rows_of("b", 5))
    plan(far.middle, levels_written(f'0, "{"result" if kind == "sensorthings" else "level"}": 999'))
    page, theirs = asked_of(far, asked)
    assert theirs["status"] == "successful"
    assert sorted(it["level"] for it in page["data"]) == [1, 2, 3, 4, 999]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("east", "NaN"),
        ("east", "-Infinity"),
        ("east", "1e400"),
        ("at", "infinity"),
        ("at", "294000-01-01T00:00:00Z"),
        ("at", "0044-03-15 (BC) 00:00:00+00"),
    ],
)
def test_what_only_an_engine_takes_for_a_value_is_left_out(kinds, name, value):
    far = kinds["publisher"]
    rows = rows_of("b", 10)
    asked = far.meet(rows)

    def change(row: dict[str, Any]) -> None:
        if row["level"] >= 6:
            row[name] = value

    plan(far.middle, edited("publisher", change))
    page, theirs = asked_of(far, asked)
    assert (theirs["status"], theirs["refused"]) == ("partial", 4)
    assert keys(page["data"]) == keys_of(rows[:6])
