"""Logs: one JSON document a line, from us and from libraries, and never a secret in them."""

import io
import logging

import orjson
import pytest
import structlog

from publisher import log
from publisher.secrets import Secrets

TOKEN = "s3cr3t-t0ken-value"


@pytest.fixture
def lines():
    """Give a function that configures the logs and one that reads what was written."""
    stream = io.StringIO()
    secrets = Secrets({"RIBE_TOKEN": TOKEN})
    secrets.expand("Bearer ${RIBE_TOKEN}", secret=True)
    log.configure("info", secrets, stream=stream)
    yield lambda: [orjson.loads(line) for line in stream.getvalue().splitlines()]
    structlog.reset_defaults()
    logging.basicConfig(force=True)


def test_a_line_is_one_json_document_with_time_and_level(lines):
    structlog.get_logger("x").info("harvested", table="a/b", rows=3, note="æøå\nsecond line")
    structlog.get_logger("x").debug("not shown")
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "harvested",
        "level": "info",
        "table": "a/b",
        "rows": 3,
        "note": "æøå\nsecond line",
    }


def test_libraries_speak_in_the_same_form_from_warning_on(lines):
    logging.getLogger("aiohttp.server").info("not shown")
    logging.getLogger("aiohttp.server").warning("refused %s", f"Bearer {TOKEN}")
    (line,) = lines()
    assert (line["logger"], line["level"]) == ("aiohttp.server", "warning")
    assert line["event"] == "refused Bearer [redacted]"


def test_a_secret_is_blanked_out_wherever_it_stands(lines):
    logger = structlog.get_logger("x")
    sent = f"sent {TOKEN}"
    logger.warning(sent, where=[{"deep": (f"x{TOKEN}y", 1)}], url="https://u:p@ss-word@h/x@y")
    logger.warning("headers", headers={"Authorization": "Basic dTpw", "Accept": "text/csv"})
    logger.warning("settings", api_key="abc", password="abc", rows=7, error=ValueError(TOKEN))
    try:
        int(TOKEN)
    except ValueError:
        logger.exception("broke")
        logging.getLogger("asyncio").exception("broke there")
    written = str(lines())
    assert TOKEN not in written
    assert "dTpw" not in written
    found = lines()
    assert found[0]["url"] == "https://[redacted]@h/x@y"
    assert found[0]["where"] == [{"deep": ["x[redacted]y", 1]}]
    assert found[1]["headers"] == {"Authorization": "[redacted]", "Accept": "text/csv"}
    assert (found[2]["api_key"], found[2]["password"], found[2]["rows"]) == (
        "[redacted]",
        "[redacted]",
        7,
    )
    assert "ValueError" in found[3]["exception"]
    assert "ValueError" in found[4]["exception"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://h/x?a=1&apikey=hunter3&b=2", "https://h/x?a=1&apikey=[redacted]&b=2"),
        ("asked https://h/x?Access_Token=hunter3#top", "asked https://h/x?Access_Token=[redacted]#top"),
        ("https://h/x?api%2Dkey=hunter3 failed", "https://h/x?api%2Dkey=[redacted] failed"),
        ("https://h/x?key=${KEY}&keyword=a", "https://h/x?key=${KEY}&keyword=a"),
    ],
)  # fmt: skip
def test_a_key_in_an_address_is_blanked_out(lines, written: str, shown: str):
    structlog.get_logger("x").warning("source fails", about_url=written)
    assert lines()[0]["about_url"] == shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_readable_lines_without_the_variables_of_a_trace():
    stream = Terminal()
    try:
        log.configure("info", stream=stream)
        fail("a-local-variable")
    finally:
        structlog.reset_defaults()
        logging.basicConfig(force=True)
    assert "broke" in stream.getvalue()
    assert "ValueError" in stream.getvalue()
    assert "variable" not in stream.getvalue()
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(stream.getvalue())


def fail(kept: str) -> None:
    try:
        int("x" if kept else "y")
    except ValueError:
        structlog.get_logger("x").exception("broke")
