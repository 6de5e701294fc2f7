"""Ctrl-C: answered in words whenever it comes, and a second one is obeyed at once."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from commands import Installation, dataset, end, installation, wait_for
from support import write_yaml

from publisher.messages.labels import label

if TYPE_CHECKING:
    import subprocess

ROWS = b"sted;tid;niveau\n38.05;2026-01-01T00:00:00Z;1.5\n"


class Slow:
    """A source that has been asked, and answers when it is told to."""

    def __init__(self, here: Installation) -> None:
        self.open = ExitStack()
        self.listener = self.open.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.listener.settimeout(60)
        it: dict[str, Any] = dataset("sea", "x")
        url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/sea.csv"
        it["resources"][0]["harvest"]["source"] = {"type": "http", "url": url}
        write_yaml(here.root / "catalog" / "sea.yaml", it)

    def wait_until_asked(self) -> None:
        self.connection = self.open.enter_context(self.listener.accept()[0])

    def answer(self) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: {len(ROWS)}\r\n\r\n"
        self.connection.sendall(head.encode() + ROWS)


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return installation(tmp_path)


@pytest.fixture
def slow(here: Installation) -> Iterator[Slow]:
    source = Slow(here)
    with source.open:
        yield source


def first_line(process: "subprocess.Popen[str]") -> str:
    assert process.stderr is not None
    return process.stderr.readline().rstrip("\n")


def test_the_first_ctrl_c_says_what_it_waits_for_and_the_next_ends_at_once(
    here: Installation, slow: Slow
):
    process = here.start("harvest", "sea", "--json", "--lang", "da")
    slow.wait_until_asked()
    process.send_signal(signal.SIGINT)
    assert first_line(process) == label("stopping-here", "da")
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    ended = end(process)
    assert time.monotonic() - asked < 5  # and not the minute that the source is waited for
    assert (ended.code, ended.err) == (130, label("interrupted", "da") + "\n")
    (problem,) = ended.json["problems"]
    assert problem["code"] == "interrupted"
    assert problem["message"].startswith("Kommandoen")


def test_what_has_begun_is_finished_after_the_first_ctrl_c(here: Installation, slow: Slow):
    process = here.start("harvest", "sea", "--json")
    slow.wait_until_asked()
    process.send_signal(signal.SIGTERM)
    assert first_line(process) == label("stopping-here")
    slow.answer()
    ended = end(process)
    assert (ended.code, ended.err) == (130, label("interrupted") + "\n")
    assert ended.json["problems"][0]["code"] == "interrupted"
    (table,) = here.run("status", "sea", "--json").json["datasets"][0]["tables"]
    assert table["lastRun"]["outcome"] == "committed"


def test_ctrl_c_of_a_client_says_that_the_work_goes_on_where_it_is_done(
    here: Installation, slow: Slow
):
    with here.serving():
        process = here.start("harvest", "sea", "--json")
        slow.wait_until_asked()
        process.send_signal(signal.SIGINT)
        ended = end(process)
        assert ended.code == 130
        assert ended.err.splitlines() == [label("stopping-there"), label("interrupted")]
        assert ended.json["problems"][0]["code"] == "interrupted"
        slow.answer()

        def committed() -> bool:
            (table,) = here.run("status", "sea", "--json").json["datasets"][0]["tables"]
            return table["version"] == 1

        wait_for(committed, "the run that went on")


@pytest.mark.parametrize("words", [["harvest", "river"], ["check"]])
@pytest.mark.parametrize("loading", ["typer.models", "publisher.cli.session", "orjson"])
def test_ctrl_c_while_the_command_is_still_being_loaded_is_quiet(
    here: Installation, words: list[str], loading: str
):
    process = here.start(*words, "--json", PYTHONPROFILEIMPORTTIME="1")
    assert process.stderr is not None
    while (line := process.stderr.readline()) and line.split()[-1] != loading:
        pass  # each module is told when it has been loaded
    process.send_signal(signal.SIGINT)
    ended = end(process)
    assert ended.code == 130
    assert ended.json["problems"][0]["code"] == "interrupted"
    told = [line for line in ended.err.splitlines() if not line.startswith("import time:")]
    assert told == [label("interrupted")]
