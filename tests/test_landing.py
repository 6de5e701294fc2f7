"""Deliveries on disk: whole or not there, named by content, whenever the process dies."""

import asyncio
import ctypes
import hashlib
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from landing_child import REF, body
from scale import scale
from structlog.testing import capture_logs

from publisher.errors import (
    DeliveryError,
    EngineMemoryError,
    SourceError,
    StorageFullError,
    StoreBusyError,
)
from publisher.harvest.attempts import ATTEMPTS, attempt, given_up, worth_another
from publisher.landing import Details, Landing, Offer
from publisher.model.run import Delivery, Problem, Rejection, Seen
from publisher.model.values import TableRef

CHILD = Path(__file__).with_name("landing_child.py")


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing", max_bytes=10_000_000)


async def chunks(*parts: bytes | Details | Exception) -> AsyncIterator[bytes | Details]:
    for part in parts:
        if isinstance(part, Exception):
            raise part
        yield part


async def land(landing: Landing, *parts: bytes | Details | Exception, **details) -> Delivery:
    return await landing.land(REF, Offer("a.csv", chunks(*parts), Details(**details)))


def intact(landing: Landing, sha256: str) -> bool:
    return hashlib.sha256(landing.path(sha256).read_bytes()).hexdigest() == sha256


def files(folder: Path) -> set[str]:
    return {str(it.relative_to(folder)) for it in folder.rglob("*") if it.is_file()}


@given(st.lists(st.binary(max_size=200) | st.just(None)))
def test_any_chunks_land_as_their_bytes(tmp_path_factory, parts):
    """A None stands for a transfer that broke off and began anew."""
    landing = Landing(tmp_path_factory.mktemp("landing"), max_bytes=10_000)
    last = max((at for at, part in enumerate(parts) if part is None), default=-1)
    whole = b"".join(part for part in parts[last + 1 :])
    sent = [Details(charset=str(at)) if it is None else it for at, it in enumerate(parts)]

    delivery = asyncio.run(land(landing, *sent))

    assert landing.path(delivery.sha256, size=delivery.size).read_bytes() == whole
    assert delivery.sha256 == hashlib.sha256(whole).hexdigest()
    assert delivery.charset == (str(last) if last >= 0 else None)
    assert landing.pending(REF) == [delivery]


async def test_a_delivery_is_pending_until_it_is_settled_and_outlasts_a_restart(landing, tmp_path):
    modified = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    first = await land(landing, b"a;b\n", modified_at=modified, cursor={"etag": '"1"', "n": 1})
    second = await land(landing, b"a;c\n", media_type="text/csv", charset="utf-8")
    other = await landing.land(TableRef("air", "stations"), Offer("æ.csv", chunks(b"x")))

    again = Landing(tmp_path / "landing", max_bytes=1)
    again.sweep()
    assert again.pending(REF) == [first, second]
    assert again.pending(other.ref) == [other]

    again.settle(first)
    again.settle(first)
    assert again.pending(REF) == [second]
    assert again.path(first.sha256).read_bytes() == b"a;b\n"


async def test_ids_grow_even_when_the_clock_steps_back(landing, tmp_path, monkeypatch):
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    landed = [await land(landing, b"1"), await land(landing, b"2")]
    monkeypatch.setattr(time, "time_ns", lambda: now - 3_600_000_000_000)
    landed.append(await land(landing, b"3"))
    restarted = Landing(tmp_path / "landing", max_bytes=100)
    restarted.sweep()
    landed.append(await land(restarted, b"4"))

    assert restarted.pending(REF) == landed
    assert [it.id for it in landed] == sorted({it.id for it in landed})


async def test_what_a_source_breaks_off_leaves_nothing(landing, tmp_path):
    with pytest.raises(SourceError):
        await land(landing, b"half", SourceError("http-cut-off", url="x"))
    assert files(tmp_path) == set()


async def test_a_cancelled_landing_leaves_nothing(landing, tmp_path):
    begun = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            begun.set()
            yield bytes(1000)
            await asyncio.sleep(0)

    task = asyncio.create_task(landing.land(REF, Offer("a.csv", endless())))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(tmp_path) == set()


async def test_a_delivery_over_the_cap_is_refused(tmp_path):
    landing = Landing(tmp_path, max_bytes=1000)
    assert (await land(landing, bytes(600), bytes(400))).size == 1000
    with pytest.raises(DeliveryError, match="larger than 1 kB") as refused:
        await land(landing, bytes(600), bytes(401))
    assert refused.value.code == "too-large"
    assert len(landing.pending(REF)) == 1
    assert not files(tmp_path / "partial")


async def test_equal_bytes_are_kept_once_and_mend_a_damaged_file(landing, tmp_path):
    first = await land(landing, b"station;level\n")
    path = landing.path(first.sha256, size=first.size)
    path.write_bytes(b"station;LEVEL\n")
    assert not intact(landing, first.sha256)
    path.write_bytes(b"station")
    with pytest.raises(DeliveryError) as shortened:
        landing.path(first.sha256, size=first.size)
    assert shortened.value.code == "landing-damaged"

    second = await land(landing, b"station;level\n")
    assert intact(landing, second.sha256)
    assert len(files(tmp_path / "landing" / "contents")) == 1
    assert landing.pending(REF) == [first, second]


async def test_an_entry_that_cannot_be_read_stops_no_other(landing, tmp_path):
    odd, good = await land(landing, b"1"), await land(landing, b"2")
    pending = tmp_path / "landing" / "pending"
    folder = pending / REF.dataset / REF.table
    (folder / f"{odd.id}.json").write_bytes(b'{"id":')
    (folder / "notes.json").write_text("[]")
    (folder / "folder.json").mkdir()
    elsewhere = pending / "gone" / "table"
    elsewhere.mkdir(parents=True)
    (elsewhere / "x.json").write_bytes(b"\xff")

    again = Landing(tmp_path / "landing", max_bytes=100)
    again.sweep()
    with capture_logs() as lines:
        assert again.prune(datetime.now(UTC) - timedelta(days=30), keep=()) == 0
        assert again.pending(REF) == [good]
    assert {line["event"] for line in lines} == {"unreadable landing entry put aside"}
    assert len(lines) == len(list((tmp_path / "landing" / "aside").iterdir())) == 4
    assert (await land(again, b"3")).id > good.id


async def test_pruning_spares_what_is_young_pending_or_kept(landing):
    old = datetime.now(UTC) - timedelta(days=40)
    pending, kept, gone, again, young = [await land(landing, b"%d" % n) for n in range(5)]
    for delivery in (kept, gone, again, young):
        landing.settle(delivery)
    for delivery in (pending, kept, gone, again):
        os.utime(landing.path(delivery.sha256), (old.timestamp(), old.timestamp()))
    landing.settle(await land(landing, b"3"))

    assert landing.prune(datetime.now(UTC) - timedelta(days=30), keep={kept.sha256}) == 1

    for delivery in (pending, kept, again, young):
        assert intact(landing, delivery.sha256)
    with pytest.raises(DeliveryError) as missing:
        landing.path(gone.sha256)
    assert missing.value.code == "no-longer-landed"


def test_a_name_that_is_no_hash_leads_nowhere(landing):
    with pytest.raises(DeliveryError):
        landing.path("../../etc/passwd")


def test_nobody_else_may_read_what_landed(landing):
    delivery = asyncio.run(land(landing, b"a name and an address"))
    path = landing.path(delivery.sha256)
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


@pytest.fixture(params=["disk", "limit"])
def little_room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Give a file system of 1 MB; where none may be mounted, let no file grow past 500 kB."""
    libc = ctypes.CDLL(None, use_errno=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if request.param == "disk" and not libc.mount(
        b"tmpfs", os.fsencode(tmp_path), b"tmpfs", 0, b"size=1m"
    ):
        yield tmp_path
        libc.umount2(os.fsencode(tmp_path), 2)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
        yield tmp_path
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_loses_nothing_that_landed(little_room):
    landing = Landing(little_room, max_bytes=10_000_000)
    before = await land(landing, b"x" * 400_000)
    with pytest.raises(StorageFullError):
        await land(landing, *[bytes([n]) * 100_000 for n in range(15)])
    assert landing.pending(REF) == [before]
    assert intact(landing, before.sha256)
    assert not files(little_room / "partial")
    assert (await land(landing, b"y" * 400_000)).size == 400_000


def test_kill_at_any_instant_loses_nothing_and_shows_nothing_half(tmp_path, seed):
    draw = random.Random(seed)
    deepest = 0
    for round_number in range(scale(6, 100)):
        folder = tmp_path / str(round_number)
        child = subprocess.Popen(
            [sys.executable, CHILD, folder, str(seed)], stdout=subprocess.PIPE, text=True
        )
        with child:
            told = [child.stdout.readline()]
            time.sleep(draw.uniform(0, 0.15))
            child.kill()
            told += child.stdout.readlines()
        landing = Landing(folder, max_bytes=10_000_000)
        landing.sweep()

        pending = landing.pending(REF)
        # The one that landed last may not have been told any more.
        assert len(pending) - len([line for line in told if line.endswith("\n")]) in {0, 1}
        for number, delivery in enumerate(pending):
            assert delivery.origin == f"{number}.csv"
            assert landing.path(delivery.sha256).read_bytes() == body(number, seed)
        for name in files(folder / "contents"):
            assert intact(landing, Path(name).name)
        assert not files(folder / "partial")
        deepest = max(deepest, len(pending))
    assert deepest > 1


async def test_attempts_that_break_down_count_and_those_the_machine_spoilt_do_not(landing):
    delivery = await land(landing, b"1")

    def attempted(error: Exception) -> None:
        with pytest.raises(type(error)), attempt(landing, delivery):
            raise error

    for error in (StorageFullError("storage-full"), StoreBusyError("store-busy"), OSError()):
        attempted(error)
    assert landing.attempts(delivery) == []
    attempted(EngineMemoryError("engine-memory", reason=""))
    for _ in range(ATTEMPTS - 1):
        assert given_up(landing, delivery) is None
        attempted(StorageFullError("storage-full"))
        attempted(ZeroDivisionError())
    error = given_up(landing, delivery)
    assert (error.code, error.params["reason"]) == ("unjudgeable", "ZeroDivisionError")
    assert landing.pending(REF) == [delivery]
    for version, worth in (("0.0.0", True), (error.params["publisher"], False)):
        problem = Problem("unjudgeable", {"publisher": version})
        assert worth_another(Seen(delivery.id, "", "", "failed", {}, Rejection(problem))) is worth
    landing.settle(delivery)
    assert [file for file in files(landing._pending) if delivery.id in file] == []
