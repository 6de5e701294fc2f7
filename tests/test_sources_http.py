"""The source ``http`` against real sockets: news only, secrets, and faults of every kind."""

import asyncio
import gzip
import socket
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
import stamina
from department import CSV, Department, Steward, Taken, answer
from structlog.testing import capture_logs

from publisher.errors import (
    ConfigurationError,
    DeliveryError,
    SourceError,
    SourceUnavailableError,
)
from publisher.landing import Landing
from publisher.secrets import Secrets


@pytest.fixture
def steward(tmp_path) -> Steward:
    return Steward(Landing(tmp_path, max_bytes=10_000_000), Secrets({}))


@pytest.fixture
async def department() -> AsyncIterator[Department]:
    async with Department([answer()]).open() as department:
        yield department


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


# what is taken


async def test_an_answer_lands_with_what_it_says_of_itself(steward, department):
    department.answers = [
        answer(
            Content_Type="text/csv; charset=ISO-8859-1",
            Last_Modified="Sun, 01 Mar 2026 11:30:00 GMT",
            ETag='"v1"',
        )
    ]
    delivery = await steward.takes_one(department.url)
    assert steward.bytes_of(delivery) == CSV
    assert delivery.origin == department.url
    assert (delivery.media_type, delivery.charset) == ("text/csv", "ISO-8859-1")
    assert delivery.modified_at == datetime(2026, 3, 1, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("validator", "asked"),
    [
        ({"ETag": 'W/"v1"'}, ("if-none-match", 'w/"v1"')),
        (
            {"Last_Modified": "Sun, 01 Mar 2026 11:30:00 GMT"},
            ("if-modified-since", "sun, 01 mar 2026 11:30:00 gmt"),
        ),
    ],
)
async def test_the_second_time_only_news_is_asked_for(steward, department, validator, asked):
    department.answers = [answer(**validator), answer(b"", "304 Not Modified")]
    delivery = await steward.takes_one(department.url)
    assert await steward.takes(department.url, delivery) == Taken()
    name, value = asked
    assert department.heard[1][name] == value

    department.answers = [answer(b"news", **validator)]
    await steward.takes_one(department.url, delivery, headers={"Accept": "text/csv"})
    assert name not in department.heard[2], "it belongs to another request"


@pytest.mark.parametrize(
    "told",
    ["Wed, 21 Oct 99999999999999999999 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 -1200", "soon"],
)
async def test_a_time_that_there_is_not_is_none(steward, department, told):
    department.answers = [answer(Last_Modified=told)]
    delivery = await steward.takes_one(department.url)
    assert steward.bytes_of(delivery) == CSV
    assert delivery.modified_at is None


async def test_a_time_too_fresh_to_trust_is_not_asked_about(steward, department):
    now = format_datetime(datetime.now(UTC).replace(microsecond=0), usegmt=True)
    department.answers = [answer(Last_Modified=now, Date=now)]
    delivery = await steward.takes_one(department.url)
    await steward.takes_one(department.url, delivery)
    assert "if-modified-since" not in department.heard[1]


@pytest.mark.parametrize("members", [1, 2])
async def test_gzip_is_undone_whatever_its_pieces(steward, department, members):
    body = b"".join(b"%d;400\n" % n for n in range(300_000))
    coded = b"".join(gzip.compress(body) for _ in range(members))

    async def dribble(writer: asyncio.StreamWriter) -> None:
        writer.write(answer(b"", length=len(coded), Content_Encoding="gzip"))
        for start in range(0, len(coded), 30_000):
            writer.write(coded[start : start + 30_000])
            await writer.drain()

    department.answers = [dribble]
    assert steward.bytes_of(await steward.takes_one(department.url)) == body * members
    assert department.heard[0]["accept-encoding"] == "gzip"


async def test_nothing_at_all_is_still_a_delivery(steward, department):
    department.answers = [answer(b"", Content_Encoding="gzip")]
    assert (await steward.takes_one(department.url)).size == 0


async def test_a_stewards_header_stands_in_for_ours(steward, department):
    url = department.url.replace("//", "//bo:kodeord@")
    headers = {"user-agent": "ribe", "ACCEPT": "text/csv", "authorization": "Bearer abc"}
    await steward.takes_one(url, headers=headers)
    heard = department.heard[0]
    assert {name.lower(): heard[name.lower()] for name in headers} == {
        "user-agent": "ribe",
        "accept": "text/csv",
        "authorization": "bearer abc",
    }


# secrets


async def test_secrets_are_sent_but_never_kept_or_told(steward, department, tmp_path):
    steward.secrets = Secrets(
        {
            "HOST": f"127.0.0.1:{department.port}",
            "KEY": "hemmelig-1",
            "TOKEN": "hemmelig-2",
            "PASS": "hemmelig-3",
        }
    )
    url = "http://bo:${PASS}@${HOST}/${KEY}/data.csv?key=${KEY}&apikey=hemmelig-4"
    delivery = await steward.takes_one(url, headers={"X-Token": "${TOKEN}"})
    heard = department.heard[0]
    assert heard["path"] == "/hemmelig-1/data.csv?key=hemmelig-1&apikey=hemmelig-4"
    assert heard["x-token"] == "hemmelig-2"
    assert heard["authorization"].startswith("basic ")
    shown = "http://[redacted]@${HOST}/${KEY}/data.csv?key=${KEY}&apikey=[redacted]"
    assert delivery.origin == shown

    department.answers = [answer(b"", "403 Forbidden")]
    problem = (await steward.takes(url, headers={"X-Token": "${TOKEN}"})).problem
    landed = b"".join(it.read_bytes() for it in tmp_path.rglob("*.json"))
    for text in (str(problem), problem.message("da"), landed.decode()):
        assert "hemmelig" not in text
        assert "${PASS}" not in text
    assert "hemmelig" not in steward.secrets.redact("hemmelig-1 hemmelig-2 hemmelig-3")


async def test_a_base_address_from_a_variable_is_no_secret(steward, department):
    steward.secrets = Secrets({"BASE": f"http://127.0.0.1:{department.port}"})
    await steward.takes_one("${BASE}/data.csv")
    assert steward.secrets.redact(department.url) == department.url


@pytest.mark.parametrize("header", ["Bad Name", "X\r\nY", "Å"])
async def test_a_header_that_cannot_be_sent_is_the_stewards_mistake(steward, department, header):
    taken = await steward.takes(department.url, headers={header: "v"})
    assert isinstance(taken.problem, ConfigurationError)
    steward.secrets = Secrets({"TOKEN": "two\r\nlines"})
    taken = await steward.takes(department.url, headers={"X": "${TOKEN}"})
    assert taken.code == "http-header"
    assert department.heard == []


# faults


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_a_passing_fault_is_asked_about_again(steward, department, status):
    department.answers = [answer(b"", f"{status} No"), answer(b"", f"{status} No"), answer()]
    assert steward.bytes_of(await steward.takes_one(department.url)) == CSV
    assert len(department.heard) == 3


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (401, "http-refused"),
        (403, "http-refused"),
        (404, "http-missing"),
        (410, "http-missing"),
        (400, "http-status"),
        (304, "http-status"),
        (206, "http-status"),
        (302, "http-status"),
        (501, "http-status"),
    ],
)
async def test_a_lasting_fault_is_told_at_once(steward, department, status, code):
    department.answers = [answer(b"", f"{status} No")]
    problem = (await steward.takes(department.url)).problem
    assert isinstance(problem, SourceError)
    assert not isinstance(problem, SourceUnavailableError)
    assert problem.code == code
    assert len(department.heard) == 1
    for language in ("en", "da"):
        assert department.url in problem.message(language)
        assert problem.remedy(language)


async def slow(writer: asyncio.StreamWriter) -> None:
    writer.write(answer(b"a", length=1000))
    for _ in range(100):
        await writer.drain()
        await asyncio.sleep(0.02)
        writer.write(b"a")


async def silent(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(2)


FAULTS = {
    "short": (answer(length=1000), "http-cut-off"),
    "chunks": (
        answer(b"5\r\nabcde\r\n", length=0).replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        ),
        "http-cut-off",
    ),
    "gzip": (answer(gzip.compress(bytes(9000))[:-9], Content_Encoding="gzip"), "http-cut-off"),
    "garbled": (answer(b"no gzip at all", Content_Encoding="gzip"), "http-cut-off"),
    "hung up": (b"", "http-connection"),
    "no http": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "http-broken"),
    "slow": (slow, "http-timeout"),
    "silent": (silent, "http-timeout"),
}


@pytest.mark.parametrize(("fault", "code"), FAULTS.values(), ids=FAULTS)
async def test_a_broken_answer_is_asked_for_again_then_given_up(
    steward, department, tmp_path, fault, code
):
    steward.settings = {"http_timeout": 0.3, "http_total_timeout": 0.9}
    department.answers = [fault]
    began = time.monotonic()
    taken = await steward.takes(department.url)
    assert time.monotonic() - began < 2, "slowness is bounded"
    assert isinstance(taken.problem, SourceUnavailableError)
    assert taken.code == code
    assert taken.deliveries == []
    assert [it for it in tmp_path.rglob("*") if it.is_file()] == []

    if fault is not slow:  # it used up all the time there was
        assert len(department.heard) > 1
        department.heard.clear()
        department.answers = [fault, answer(b"whole", ETag='"2"')]
        delivery = await steward.takes_one(department.url)
        assert steward.bytes_of(delivery) == b"whole"
        assert delivery.cursor["etag"] == '"2"'


async def test_nobody_there(steward):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        taken = await steward.takes(f"http://127.0.0.1:{port}/")
    assert taken.code == "http-connection"
    assert "refused" in str(taken.problem)
    taken = await steward.takes("http://findes-ikke.invalid/")
    assert taken.code == "http-no-host"
    assert isinstance(taken.problem, SourceUnavailableError)


@pytest.mark.parametrize(
    "url",
    ["ftp://x/a", "data.csv", "http://", "http://[::1", "http://h:99999/", "http://2130706433/"],
)
async def test_what_is_no_address_is_told(steward, url):
    assert (await steward.takes(url)).code == "http-url"


async def test_the_wait_that_a_server_asks_for_is_kept(steward, department):
    for as_date in (False, True):
        moment = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
        stated = moment if as_date else "1"
        department.heard.clear()
        department.answers = [answer(b"", "503 Busy", Retry_After=stated), answer()]
        began = time.monotonic()
        with stamina.set_testing(False):
            await steward.takes_one(department.url)
        assert 0.9 < time.monotonic() - began < 2.5


async def test_each_further_try_is_told_with_its_url_and_without_its_secrets(tmp_path, department):
    steward = Steward(Landing(tmp_path, max_bytes=10_000), Secrets({"KEY": "s3cr3t-value"}))
    department.answers = [answer(b"", "503 Busy"), answer()]
    url = department.url.replace("http://", "http://karen:passw0rd@") + "?key=${KEY}"
    with capture_logs() as lines:
        await steward.takes_one(url)
    [line] = [line for line in lines if "again" in line["event"]]
    assert (line["code"], line["tries"]) == ("http-busy", 1)
    assert line["url"].endswith(department.url.removeprefix("http://") + "?key=${KEY}")
    assert "passw0rd" not in str(lines)
    assert "s3cr3t" not in str(lines)


async def test_a_server_that_asks_for_an_hour_is_left_to_the_next_run(steward, department):
    department.answers = [answer(b"", "429 Too Many", Retry_After="3600")]
    taken = await steward.takes(department.url)
    assert isinstance(taken.problem, SourceUnavailableError)
    assert len(department.heard) == 1


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(answer(b"", length=0).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked"))
    while True:
        writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    "giant",
    [
        answer(b"", length=2_000_000_000),
        answer(bytes(1_001)),
        answer(gzip.compress(bytes(5_000_000)), Content_Encoding="gzip"),
        endless,
    ],
    ids=["stated", "sent", "packed", "endless"],
)
async def test_an_answer_over_the_cap_is_refused(steward, department, tmp_path, giant):
    department.answers = [giant]
    taken = await steward.takes(department.url, max_bytes=1_000)
    assert isinstance(taken.problem, DeliveryError)
    assert taken.code == "too-large"
    assert "1 kB" in str(taken.problem)
    assert len(department.heard) == 1
    assert [it for it in tmp_path.rglob("*") if it.is_file()] == []


@pytest.mark.parametrize("how", ["refused", "cancelled"])
async def test_a_download_ends_when_nobody_wants_it_any_more(steward, department, tmp_path, how):
    department.answers = [endless]
    if how == "refused":
        steward.landing = Landing(tmp_path, max_bytes=300_000)
        assert (await steward.takes(department.url)).code == "too-large"
    else:
        task = asyncio.create_task(steward.takes(department.url))
        while not any(it.stat().st_size for it in tmp_path.glob("partial/*")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(department.heard) == 1
    assert [it for it in tmp_path.rglob("*") if it.is_file()] == []


async def test_a_coding_nobody_asked_for_is_refused(steward, department):
    department.answers = [answer(Content_Encoding="br")]
    assert (await steward.takes(department.url)).code == "http-coding"


async def test_cookies_are_not_kept(steward, department):
    department.answers = [
        answer(b"", "503 No", Set_Cookie="a=b; Path=/"),
        answer(Set_Cookie="a=b; Path=/"),
    ]
    await steward.takes_one(department.url)
    assert "cookie" not in department.heard[1]
