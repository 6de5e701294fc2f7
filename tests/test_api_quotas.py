"""Each caller has a quota of their own; a key has a larger one, and none but its hash is kept."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio
from answering import River, Site, answering, river_store

ROWS = "/v1/datasets/river/levels/rows"


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with river_store(tmp_path / "store") as made:
        yield made


@pytest_asyncio.fixture
async def small(store: River, tmp_path: Path) -> AsyncIterator[Site]:
    """A site where one question spends the whole quota, but for those with a key."""
    settings = {"quota": 1, "key_quota": 1_000_000, "trusted_proxies": ["127.0.0.0/8"]}
    async with answering(store, tmp_path / "data", **settings) as found:
        yield found


async def status(site: Site, path: str = ROWS, **headers: str) -> tuple[int, Any]:
    answer = await site.client.get(path, headers=headers)
    await answer.read()
    return answer.status, answer.headers


async def test_what_is_spent_grows_again_and_costs_nobody_else(small: Site) -> None:
    here = {"X-Forwarded-For": "192.0.2.7, 198.51.100.1"}
    first, headers = await status(small, f"{ROWS}?limit=1", **here)
    assert first == 200
    assert headers["RateLimit-Policy"] == '"anonymous";q=1;w=60'
    spent, headers = await status(small, f"{ROWS}?limit=2", **here)
    assert spent == 429
    assert 0 < int(headers["Retry-After"]) <= 121
    assert headers["RateLimit"].startswith('"anonymous";r=0;t=')
    assert (await status(small, f"{ROWS}?limit=2", **{"X-Forwarded-For": "203.0.113.9"}))[0] == 200
    assert (await status(small, "/healthz", **here))[0] == 200
    # What is answered from memory costs nothing
    assert (await status(small, f"{ROWS}?limit=1", **here))[0] == 200
    assert (await status(small, f"{ROWS}?limit=4", **here))[0] == 429


async def test_only_trusted_proxies_say_who_asks(store: River, tmp_path: Path) -> None:
    async with answering(store, tmp_path / "data", quota=1) as site:
        assert (await status(site, f"{ROWS}?limit=1", **{"X-Forwarded-For": "192.0.2.7"}))[0] == 200
        assert (await status(site, f"{ROWS}?limit=2", **{"X-Forwarded-For": "192.0.2.8"}))[0] == 429


async def test_a_household_of_ipv6_shares_one_quota(small: Site) -> None:
    one, two, other = ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1")
    assert (await status(small, f"{ROWS}?limit=1", **{"X-Forwarded-For": one}))[0] == 200
    assert (await status(small, f"{ROWS}?limit=2", **{"X-Forwarded-For": two}))[0] == 429
    assert (await status(small, f"{ROWS}?limit=2", **{"X-Forwarded-For": other}))[0] == 200


async def test_a_key_has_a_quota_of_its_own_until_it_is_revoked(
    small: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.api.quotas._KNOWN_SECONDS", 0.0)
    desk = small.store.desk
    made, key = await desk.engine.run(lambda con: desk.store.make_key(con, "A made-up app"))
    bearer = {"Authorization": f"Bearer {key}"}
    for number in range(1, 4):
        found, headers = await status(small, f"{ROWS}?limit={number}", **bearer)
        assert (found, headers["RateLimit-Policy"]) == (200, '"key";q=1000000;w=60')
    secret = key.split("_", 2)[2]
    rows = await desk.engine.run(
        lambda con: str(con.execute("FROM store.meta.api_keys").fetchall())
    )
    assert secret not in rows
    for wrong in (f"Bearer {key[:-1]}", "Bearer x", f"Basic {key}", "Bearer"):
        found, headers = await status(small, Authorization=wrong)
        assert (found, headers["WWW-Authenticate"]) == (401, "Bearer")
    await desk.engine.run(lambda con: desk.store.revoke_key(con, made.id))
    assert (await status(small, **bearer))[0] == 401
    answer = await small.client.get(ROWS, headers=bearer)
    assert secret not in str(orjson.loads(await answer.read()))


async def test_many_heavy_questions_of_one_keep_no_other_waiting(
    store: River, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the heavy ones takes a second; without turns there would be half a minute of them."""
    heavy = "level__gt=-1"
    async with answering(store, tmp_path / "data", trusted_proxies=["127.0.0.0/8"]) as site:
        from publisher.api import tables  # noqa: PLC0415

        work_out = tables.work_out

        def slow(con: Any, call: Any, *rest: Any) -> Any:
            if heavy in call.request.query_string:
                time.sleep(1)
            return work_out(con, call, *rest)

        monkeypatch.setattr(tables, "work_out", slow)
        greedy = {"X-Forwarded-For": "192.0.2.7"}
        tasks = [
            asyncio.create_task(status(site, f"{ROWS}?{heavy}&limit={number}", **greedy))
            for number in range(1, 31)
        ]
        await asyncio.sleep(0.3)
        start = time.monotonic()
        assert (await status(site, f"{ROWS}?limit=5", **{"X-Forwarded-For": "192.0.2.8"}))[0] == 200
        assert time.monotonic() - start < 0.8
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
