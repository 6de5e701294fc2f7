"""One process holds the data folder; every other command reaches it, whatever happens to it."""

import contextlib
import os
import signal
import socket
import stat
import threading
import urllib.request
from pathlib import Path

import orjson
import pytest
from commands import Installation, end, installation, wait_for

from publisher import __version__

GOOD = tuple(f"38.05;2026-01-01T{hour:02}:00:00Z;1.5" for hour in range(24))


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    return installation(tmp_path)


def test_commands_answer_the_same_whether_or_not_serve_is_running(here: Installation):
    here.deliver("a.csv", *GOOD, "38.05;2026-01-02T00:00:00Z;99")

    def answers() -> list[tuple[int, object]]:
        found = []
        for words in (
            ["harvest", "river"],
            ["harvest", "nothing"],
            ["quarantine", "show", "river"],
            ["publish", "river"],
            ["status"],
        ):
            ended = here.run(*words, "--json")
            found.append((ended.code, steady(ended.json)))
        return found

    first = here.run("harvest", "river", "--json").json["runs"][0]
    here.run("publish", "river")
    alone = answers()
    with here.serving() as url:
        assert stat.S_IMODE((here.data / "control.sock").stat().st_mode) == 0o600
        assert answers() == alone
        rows = urllib.request.urlopen(f"{url}/v1/datasets/river/levels/rows?limit=1")
        assert orjson.loads(rows.read())["version"] == first["version"]
    assert not (here.data / "control.sock").exists()
    assert answers() == alone


def steady(value: object) -> object:
    """Leave out what differs from one moment to the next."""
    if isinstance(value, dict):
        moving = {"seconds", "lag", "startedAt", "nextRun", "run"}
        return {name: steady(item) for name, item in value.items() if name not in moving}
    return [steady(item) for item in value] if isinstance(value, list) else value


def test_two_commands_at_once_both_do_their_work(here: Installation):
    here.deliver("a.csv", *GOOD)
    ended = [end(it) for it in [here.start("harvest", "--all", "--json") for _ in range(3)]]
    assert [it.code for it in ended] == [0, 0, 0], [it.err for it in ended]
    outcomes = sorted(it.json["runs"][0]["outcome"] for it in ended)
    assert outcomes == ["committed", "unchanged", "unchanged"]


def test_a_second_serve_is_refused_and_a_taken_port_is_named(here: Installation, tmp_path: Path):
    with here.serving() as url:
        second = here.run("serve", "--port", "0")
        assert second.code == 1
        assert "already serves" in second.err
        other = installation(tmp_path / "other")
        third = other.run("serve", "--port", url.rpartition(":")[2])
        assert third.code == 2
        assert "in use" in third.err
        assert "Traceback" not in second.err + third.err


def test_after_kill_9_of_the_holder_the_next_command_takes_over(here: Installation):
    here.deliver("a.csv", *GOOD)
    process = here.start("serve", "--port", "0")
    wait_for((here.data / "control.sock").exists, "the control socket")
    process.kill()
    end(process)
    assert (here.data / "control.sock").exists()
    ended = here.run("harvest", "river", "--json")
    assert ended.code == 0
    assert ended.json["runs"][0]["outcome"] == "committed"


def test_a_client_does_the_work_itself_when_the_holder_dies_meanwhile(here: Installation):
    here.deliver("a.csv", *GOOD)
    with fake_holder(here) as asked:
        client = here.start("harvest", "river", "--json")
        wait_for(asked.is_set, "the client's request")
    ended = end(client)
    assert (ended.code, ended.json["runs"][0]["outcome"]) == (0, "committed")


def test_what_must_not_be_repeated_is_not(here: Installation):
    here.deliver("a.csv", *GOOD, "38.05;2026-01-02T00:00:00Z;99")
    here.run("harvest", "river")
    with fake_holder(here) as asked:
        client = here.start("quarantine", "discard", "river", "--json")
        wait_for(asked.is_set, "the client's request")
    ended = end(client)
    assert (ended.code, ended.json["problems"][0]["code"]) == (1, "holder-died")
    assert here.run("quarantine", "list", "--json").json["quarantine"][0]["rows"] == 1


class fake_holder:  # noqa: N801 - reads as the context manager that it is
    """A holder that accepts one request and dies."""

    def __init__(self, here: Installation) -> None:
        here.data.mkdir(exist_ok=True)
        self.path = here.data / "control.sock"
        self.asked = threading.Event()

    def __enter__(self) -> threading.Event:
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(1)
        self.thread = threading.Thread(target=self.answer)
        self.thread.start()
        return self.asked

    def answer(self) -> None:
        connection, _ = self.listener.accept()
        request = orjson.loads(connection.makefile("rb").readline())
        accepted = {"event": "accepted", "protocol": 1, "version": __version__, "pid": os.getpid()}
        assert request["version"] == __version__
        connection.sendall(orjson.dumps(accepted) + b"\n")
        self.listener.close()
        connection.close()
        self.asked.set()

    def __exit__(self, *_: object) -> None:
        self.thread.join()


def test_a_path_longer_than_a_sockets_address_is_served(tmp_path: Path):
    here = installation(tmp_path / ("a" * 60) / ("b" * 60))
    here.deliver("a.csv", *GOOD)
    with here.serving():
        assert here.run("harvest", "river", "--json").json["runs"][0]["outcome"] == "committed"


def test_nonsense_on_the_socket_disturbs_nobody_and_is_refused_in_words(here: Installation):
    with here.serving():
        for sent in (
            b"",
            b"\n",
            b"not json\n",
            b'{"operation": "status"',
            b"x" * 2_000_000 + b"\n",
        ):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(here.data / "control.sock"))
                with contextlib.suppress(OSError):  # it may be hung up on in the midst of it
                    client.sendall(sent)
                    client.shutdown(socket.SHUT_WR)
        assert ask(here, operation="no-such")["code"] == "unknown-operation"
        assert ask(here, version="0.0.0")["code"] == "other-version"
        assert ask(here, params={"datset": "x"})["code"] == "wrong-request"
        assert ask(here)["event"] == "result"


def test_a_request_that_was_cut_off_before_its_line_ended_is_not_carried_out(here: Installation):
    here.deliver("a.csv", *GOOD, "38.05;2026-01-02T00:00:00Z;99")
    here.run("harvest", "river")
    with here.serving():
        request = {"operation": "quarantine-discard", "params": {"table": "river/levels"}}
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(here.data / "control.sock"))
            client.sendall(orjson.dumps(request))
            client.shutdown(socket.SHUT_WR)
            assert client.makefile("rb").read() == b""
        assert here.run("quarantine", "list", "--json").json["quarantine"][0]["rows"] == 1


def ask(here: Installation, **changes: object) -> dict[str, object]:
    request = {"protocol": 1, "version": __version__, "operation": "status", "params": {}}
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(here.data / "control.sock"))
        client.sendall(orjson.dumps(request | changes) + b"\n")
        return [orjson.loads(line) for line in client.makefile("rb")][-1]


def test_a_changed_catalog_is_read_while_serving_and_a_wrong_file_stops_no_other(
    here: Installation,
):
    here.deliver("a.csv", *GOOD)
    with here.serving():
        (here.root / "catalog" / "lake.yaml").write_text("name: lake\ntitel: x\n")
        ended = here.run("harvest", "--all", "--json")
        assert ended.code == 2
        assert ended.json["runs"][0]["outcome"] == "committed"
        assert ended.json["problems"][0]["code"] == "broken-file"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_ends_with_130_and_leaves_the_store_whole(
    here: Installation, number: signal.Signals
):
    here.deliver("a.csv", *(f"s{row};2026-01-01T00:00:00Z;1" for row in range(60_000)))
    process = here.start("harvest", "river")
    wait_for((here.data / "control.sock").exists, "the holder")
    process.send_signal(number)
    ended = end(process)
    assert ended.code in {130, 0}  # 0: it was done already
    assert "Traceback" not in ended.err
    here.run("harvest", "river")
    (table,) = here.run("status", "river", "--json").json["datasets"][0]["tables"]
    assert table["rows"] == 60_000
