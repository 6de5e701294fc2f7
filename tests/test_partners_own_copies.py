"""Copies of partners' tables that have no schema of ours."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ckan_site import editor
from federating import Loop, Town, ckan_at, towns
from partner_faults import Middle
from support import CkanSite
from test_partners_copies import copied, is_copy, until
from test_partners_own import Site

from publisher.errors import SourceError
from publisher.model.catalog import Catalog
from publisher.model.partner import BoundTable, Partner
from publisher.model.values import TableRef
from publisher.partners import Ask, Partners, Status
from publisher.secrets import Secrets
from publisher.settings import Settings

REF = TableRef("river", "levels")
ASKED = f"from={REF}@aarhus&limit=1"
FIELDS = {"level": {"column": "Level (m)", "missingValues": ["-1"]}}


@pytest.fixture
def here(tmp_path_factory: pytest.TempPathFactory, monkeypatch) -> Iterator[Town]:
    monkeypatch.setattr("publisher.partners.federation._TICK", 0.02)
    with towns(tmp_path_factory.mktemp("copies"), "here") as (town,):
        yield town


@dataclass
class River:
    site: Site

    def make(self, columns: dict[str, str], *rows: Any) -> None:
        self.site.make(columns, rows)

    def partner(self, every: str, **stated: Any) -> Partner:
        table = {"resource": self.site.resource, "fields": FIELDS}
        stated = {"copies": {str(REF): every}, **stated}
        spec = ckan_at(stated.pop("url", self.site.site.url), {str(REF): table}, **stated)
        return Partner("aarhus", spec, {REF: BoundTable(spec.tables[str(REF)], None)})


@pytest.fixture
def river(ckan: CkanSite) -> Iterator[River]:
    with editor(ckan) as own:
        made = River(Site(own))
        made.make({"Level (m)": "int", "note": "text"}, (4, "x"), (-1, ""))
        yield made


@pytest.fixture
def line(ckan: CkanSite) -> Iterator[Middle]:
    loop, middle = Loop(), Middle(ckan.url)
    loop.run(middle.start())
    yield middle
    loop.run(middle.close())
    loop.close()


def test_a_copy_outlasts_a_restart_while_nobody_tells_of_its_fields(
    ckan, here, river, line, tmp_path: Path
):
    partner = river.partner("PT1H", url=line.url)
    before, rows = asyncio.run(copied(here, tmp_path, partner))
    assert sorted(rows, key=str) == [(4,), (None,)]
    line.away = True
    again, rows = asyncio.run(copied(here, tmp_path, partner))
    assert sorted(rows, key=str) == [(4,), (None,)]
    assert again.retrieved_at == before.retrieved_at


def test_what_is_too_old_is_not_given_for_a_table_that_nobody_tells_of(
    ckan, here, river, line, tmp_path: Path
):
    asyncio.run(copied(here, tmp_path, river.partner("PT1H", url=line.url)))
    line.away = True
    dead = Catalog(partners={"aarhus": river.partner("PT0.001S", url=line.url)})

    async def asked() -> Status:
        partners = Partners(Settings(data=tmp_path), Secrets({}), lambda: dead, here.desk.engine)
        copying = asyncio.create_task(partners.keep_copies())
        try:
            for _ in range(100):
                await asyncio.sleep(0.05)
                with suppress(SourceError):
                    remote = await partners.find("aarhus", REF, 5)
                    assert remote is not None
                    async with partners.fetched([Ask(remote, ("level",))], 5) as [status]:
                        return status
            raise AssertionError
        finally:
            copying.cancel()
            await partners.close()

    status = asyncio.run(asked())
    assert status.fetched is None
    assert status.problem is not None
    assert status.problem.code in {"http-connection", "partner-resting"}


def test_a_copy_is_made_anew_once_the_fields_are_others(ckan, here, river):
    partner = river.partner("PT1S")
    here.befriend("aarhus", partner.spec, **{str(REF): partner.tables[REF]})
    page = until(here, ASKED, is_copy)
    walked = here.get(page["next"])
    assert is_copy(walked["sources"]["data"][0], walked)
    assert {it["data"][0]["level"] for it in (page, walked)} == {4, None}
    river.make({"Level (m)": "text"}, ("high",))
    other = until(
        here, ASKED, lambda told, it: is_copy(told, it) and it["data"][0]["level"] == "high"
    )
    assert "note" not in other["data"][0]
    late = here.get(page["next"])
    assert late["sources"]["data"][0]["problem"]["code"] == "partner-fields-changed"
