"""The source ``file``: what it takes, in which order, what it refuses, and what it leaves."""

import asyncio
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from publisher.errors import PublisherError, SourceError, SourceUnavailableError
from publisher.landing import Landing
from publisher.model.dataset import FileSource
from publisher.model.run import Delivery, Seen
from publisher.model.values import TableRef
from publisher.secrets import Secrets
from publisher.settings import Settings
from publisher.sources import Http, SourceContext, open_source

REF = TableRef("water", "levels")


@dataclass
class Taken:
    """What one harvest would land, in order, and what it would report at the end."""

    deliveries: list[Delivery] = field(default_factory=list)
    problem: PublisherError | None = None

    @property
    def origins(self) -> list[str]:
        return [it.origin for it in self.deliveries]

    @property
    def seen(self) -> dict[str, Seen]:
        return {
            it.origin: Seen(it.id, it.sha256, "view", "committed", it.cursor)
            for it in self.deliveries
        }


@dataclass
class Steward:
    root: Path
    landing: Landing
    environ: dict[str, str] = field(default_factory=dict)
    quiet: float = 0
    cap: int = 10_000_000

    async def takes(self, path: str, seen: Mapping[str, Seen] | None = None) -> Taken:
        settings = Settings(root=self.root, file_quiet=self.quiet, max_delivery_bytes=self.cap)
        context = SourceContext(self.root, settings, Secrets(self.environ), Http(settings))
        taken = Taken()
        try:
            async for offer in open_source(FileSource(type="file", path=path), context).offers(
                seen or {}
            ):
                taken.deliveries.append(await self.landing.land(REF, offer))
        except PublisherError as problem:
            taken.problem = problem
        if taken.problem:
            assert taken.problem.message("en") != taken.problem.message("da")
            assert taken.problem.remedy("en") != taken.problem.remedy("da")
        return taken

    def write(self, name: str, content: bytes | str = "x", *, age: float = 60) -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        moment = time.time() - age
        os.utime(file, (moment, moment))
        return file


@pytest.fixture
def steward(root, tmp_path) -> Steward:
    return Steward(root, Landing(tmp_path / "landing", max_bytes=10_000_000))


async def test_a_plain_path_is_read_with_its_time_and_cursor(steward):
    file = steward.write("inbox/ribe.csv", "station;niveau\n38.05;1,2\n")
    taken = await steward.takes("inbox/ribe.csv")
    (delivery,) = taken.deliveries
    assert taken.problem is None
    assert delivery.origin == "inbox/ribe.csv"
    assert steward.landing.path(delivery.sha256).read_bytes() == file.read_bytes()
    assert delivery.modified_at.timestamp() == pytest.approx(file.stat().st_mtime, abs=1e-5)
    assert delivery.cursor == {"mtime_ns": file.stat().st_mtime_ns, "size": 25}


async def test_a_glob_and_a_directory_give_files_by_time_then_name(steward):
    steward.write("inbox/ribe-3.csv", age=300)
    steward.write("inbox/ribe-1.csv", age=100)
    steward.write("inbox/ribe-2.csv", age=200)
    moment = steward.root / "inbox" / "ribe-2.csv"
    steward.write("inbox/ribe-0.csv")
    os.utime(steward.root / "inbox/ribe-0.csv", ns=(0, moment.stat().st_mtime_ns))
    steward.write("inbox/andre/ribe-4.csv")
    expected = [f"inbox/ribe-{n}.csv" for n in (3, 0, 2, 1)]

    assert (await steward.takes("inbox/ribe-*.csv")).origins == expected
    assert (await steward.takes("inbox")).origins == expected
    assert (await steward.takes("inbox/")).origins == expected
    assert (await steward.takes(str(steward.root / "inbox"))).origins == expected
    assert (await steward.takes("inbox/**/*-4.csv")).origins == ["inbox/andre/ribe-4.csv"]


@pytest.mark.parametrize(
    "name", [".skjult.csv", "a.csv.part", "a.csv.tmp", "a.csv~", "a.filepart", "a.CRDOWNLOAD"]
)
async def test_hidden_and_unfinished_files_are_left(steward, name):
    steward.write(f"inbox/{name}")
    steward.write("inbox/færdig.csv")
    assert (await steward.takes("inbox")).origins == ["inbox/færdig.csv"]
    assert (await steward.takes("inbox/*")).origins == ["inbox/færdig.csv"]


async def test_only_new_and_changed_files_are_offered_again(steward):
    steward.write("inbox/a.csv", "1")
    steward.write("inbox/b.csv", "1")
    first = await steward.takes("inbox")
    assert (await steward.takes("inbox", first.seen)).origins == []

    steward.write("inbox/b.csv", "2", age=50)
    steward.write("inbox/c.csv", "3", age=40)
    assert (await steward.takes("inbox", first.seen)).origins == ["inbox/b.csv", "inbox/c.csv"]


async def test_a_file_outside_the_root_goes_by_its_whole_path(steward, tmp_path):
    steward.environ["DROP"] = str(tmp_path / "drop")
    outside = steward.write("../drop/a.csv")
    assert (await steward.takes("${DROP}/a.csv")).origins == [str(outside.resolve())]
    assert (await steward.takes("../drop/*.csv")).origins == [str(outside.resolve())]


async def test_signs_of_a_glob_in_a_real_name_are_taken_as_they_are(steward):
    steward.write("inbox/maaling[1].csv")
    steward.write("inbox/maaling1.csv")
    assert (await steward.takes("inbox/maaling[1].csv")).origins == ["inbox/maaling[1].csv"]


async def test_a_name_that_is_no_text_still_lands(steward):
    steward.write("inbox/a.csv")
    os.rename(  # noqa: PTH104 - the name is bytes
        os.fsencode(steward.root / "inbox/a.csv"),
        os.fsencode(steward.root / "inbox") + b"/m\xe5ling.csv",
    )
    taken = await steward.takes("inbox")
    assert taken.origins == ["inbox/m\\xe5ling.csv"]
    assert steward.landing.pending(REF) == taken.deliveries


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("inbox/mangler.csv", "inbox/mangler.csv"),
        ("mangler/*.csv", "mangler"),
        ("mangler/", "mangler"),
        ("inbox/a.csv/b.csv", "inbox/a.csv/b.csv"),
    ],
)
async def test_what_does_not_exist_is_an_error_that_names_it(steward, path, named):
    steward.write("inbox/a.csv")
    problem = (await steward.takes(path)).problem
    assert isinstance(problem, SourceError)
    assert (problem.code, problem.params["file"]) == ("file-missing", named)
    assert named in problem.message("da")


@pytest.mark.parametrize("path", ["inbox/*.xlsx", "inbox/**/*.xlsx", "tom"])
async def test_nothing_that_matches_is_nothing_new(steward, path):
    steward.write("inbox/a.csv")
    (steward.root / "tom").mkdir()
    assert await steward.takes(path) == Taken()


async def test_bad_files_are_told_after_the_good_ones_are_taken(steward):
    inbox = steward.root / "inbox"
    steward.write("inbox/a.csv", age=30)
    os.mkfifo(inbox / "roer.csv")
    (inbox / "ring.csv").symlink_to("ring.csv")
    (inbox / "tabt.csv").symlink_to("findes-ikke.csv")
    steward.write("inbox/stor.csv", bytes(2_000))
    steward.write("inbox/b.csv", age=20)
    steward.cap = 1_000

    taken = await steward.takes("inbox")
    assert taken.origins == ["inbox/a.csv", "inbox/b.csv"]
    assert taken.problem.code == "files-unusable"
    assert taken.problem.params["count"] == 4
    for name in ("roer", "ring", "tabt", "stor"):
        assert f"inbox/{name}.csv" in str(taken.problem)


async def test_links_are_followed_within_the_folder_and_once(steward, tmp_path):
    inbox = steward.root / "inbox"
    steward.write("inbox/a.csv", age=30)
    steward.write("inbox/.ældre/b.csv", age=20)
    (inbox / "nyeste.csv").symlink_to("a.csv")
    (inbox / "b.csv").symlink_to(".ældre/b.csv")
    (inbox / "rundt").symlink_to(".")
    (inbox / "igen").symlink_to(".")
    expected = ["inbox/a.csv", "inbox/b.csv"]
    for path in ("inbox", "inbox/*.csv", "inbox/**/*.csv", "inbox/**"):
        taken = await steward.takes(path)
        assert (taken.origins, taken.problem) == (expected, None), path

    steward.write("hemmelig/c.csv")
    (inbox / "c.csv").symlink_to("../hemmelig/c.csv")
    (inbox / "ud").symlink_to("../hemmelig")
    for path, named in (("inbox/*.csv", "inbox/c.csv"), ("inbox/ud*/*", "inbox/ud/c.csv")):
        problem = (await steward.takes(path)).problem
        assert (problem.code, problem.params["file"]) == ("file-outside", named)
    assert (await steward.takes("inbox/c.csv")).origins == ["inbox/c.csv"]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("inbox/ring.csv", "file-loop"),
        ("inbox/roer.csv", "file-special"),
        ("/dev/zero", "file-special"),
    ],
)
async def test_one_bad_file_is_told_by_itself(steward, path, code):
    (steward.root / "inbox").mkdir()
    os.mkfifo(steward.root / "inbox" / "roer.csv")
    (steward.root / "inbox" / "ring.csv").symlink_to("ring.csv")
    assert (await steward.takes(path)).problem.code == code


@pytest.fixture
def nobody():
    """Let go of root's right to read everything."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        yield
        os.seteuid(0)
    else:
        yield


async def test_what_may_not_be_read_is_told(steward, tmp_path, request):
    for folder in [tmp_path, *tmp_path.parents[:2]]:
        folder.chmod(0o755)
    steward.landing = Landing(tmp_path / "landing-of-nobody", max_bytes=10)
    (tmp_path / "landing-of-nobody").mkdir()
    (tmp_path / "landing-of-nobody").chmod(0o777)
    steward.write("inbox/laast.csv").chmod(0)
    steward.write("inbox/aaben.csv").chmod(0o644)
    steward.write("lukket/a.csv").parent.chmod(0)
    request.getfixturevalue("nobody")

    taken = await steward.takes("inbox")
    assert taken.origins == ["inbox/aaben.csv"]
    assert taken.problem.code == "file-denied"
    for path in ("lukket", "lukket/*.csv", "lukket/a.csv"):
        assert (await steward.takes(path)).problem.code == "file-denied"


async def test_a_file_that_grows_is_left_to_the_next_run(steward):
    steward.quiet = 0.2
    steward.write("inbox/gammel.csv")
    file = steward.write("inbox/vokser.csv", age=0)

    async def grow() -> None:
        with file.open("ab") as open_file:
            for _ in range(20):
                await asyncio.sleep(0.02)
                open_file.write(b"x")
                open_file.flush()

    growing = asyncio.create_task(grow())
    assert (await steward.takes("inbox")).origins == ["inbox/gammel.csv"]
    await growing
    taken = await steward.takes("inbox/vokser.csv")
    assert [it.size for it in taken.deliveries] == [21]


async def test_a_file_replaced_while_it_is_read_is_read_again(steward):
    """In place: the reader holds the file open and meets the new bytes."""
    file = steward.write("a.csv", b"gammel" * 500_000)
    settings = Settings(root=steward.root, file_quiet=0)
    context = SourceContext(steward.root, settings, Secrets({}), Http(settings))
    async for offer in open_source(FileSource(type="file", path="a.csv"), context).offers({}):
        await anext(offer.chunks)
        steward.write("a.csv", b"ny" * 10, age=5)
        delivery = await steward.landing.land(REF, offer)
    assert steward.landing.path(delivery.sha256).read_bytes() == b"ny" * 10
    assert delivery.cursor == {"mtime_ns": file.stat().st_mtime_ns, "size": 20}


async def test_a_file_that_never_rests_is_given_up(steward):
    file = steward.write("a.csv", bytes(3_000_000))
    stop = threading.Event()

    def touch() -> None:
        while not stop.wait(0.0005):
            os.utime(file)

    restless = threading.Thread(target=touch)
    restless.start()
    taken = await steward.takes("a.csv")
    stop.set()
    restless.join()
    assert isinstance(taken.problem, SourceUnavailableError)
    assert taken.problem.code == "file-changing"
    assert taken.deliveries == []
