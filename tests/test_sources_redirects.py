"""Where the source ``http`` may be led: redirects, private networks, certificates."""

import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import stamina
from aiohttp.abc import AbstractResolver
from department import CSV, Department, Steward, Taken, answer, redirect
from yarl import URL

from publisher.errors import SourceUnavailableError
from publisher.landing import Landing
from publisher.secrets import Secrets
from publisher.sources.guard import AddressRefusedError, Guard, GuardedResolver, same_origin


@pytest.fixture
def steward(tmp_path) -> Steward:
    return Steward(Landing(tmp_path, max_bytes=10_000_000), Secrets({}))


@pytest.fixture
async def department() -> AsyncIterator[Department]:
    async with Department([answer()]).open() as department:
        yield department


@pytest.fixture
async def other() -> AsyncIterator[Department]:
    async with Department([answer(b"elsewhere")]).open() as department:
        yield department


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=100, cap=True):
        yield


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_within_the_server_keeps_the_headers(steward, department, status):
    department.answers = [redirect("/b?c=d", f"{status} There"), answer()]
    delivery = await steward.takes_one(department.url, headers={"Authorization": "Bearer abc"})
    assert steward.bytes_of(delivery) == CSV
    assert department.heard[1]["path"] == "/b?c=d"
    assert department.heard[1]["authorization"] == "bearer abc"
    assert delivery.origin == department.url


async def test_validators_belong_to_where_the_answer_came_from(steward, department):
    department.answers = [
        redirect("/may.csv"),
        answer(b"may", Last_Modified="Sun, 01 Mar 2026 11:30:00 GMT"),
        redirect("/june.csv"),
        answer(b"june", Last_Modified="Sun, 01 Mar 2026 11:30:00 GMT"),
        redirect("/june.csv"),
        answer(b"", "304 Not Modified"),
    ]
    may = await steward.takes_one(department.url)
    june = await steward.takes_one(department.url, may)
    assert steward.bytes_of(june) == b"june"
    assert await steward.takes(department.url, june) == Taken()
    assert ["if-modified-since" in it for it in department.heard] == [False] * 5 + [True]


async def test_a_redirect_in_a_circle_ends(steward, department):
    department.answers = [redirect("/again")]
    assert (await steward.takes(department.url)).code == "http-redirects"
    assert len(department.heard) == 6


@pytest.mark.parametrize(
    "to", ["ftp://127.0.0.1/", "file:///etc/passwd", "mailto:a@b", "http://[x"]
)
async def test_a_redirect_to_what_is_no_web_address_is_refused(steward, department, to):
    department.answers = [redirect(to)]
    assert (await steward.takes(department.url)).code == "http-redirect-broken"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_a_redirect_to_another_private_server_is_refused(steward, department, other, host):
    department.answers = [redirect(f"http://{host}:{other.port}/secret?a=hidden")]
    problem = (await steward.takes(department.url)).problem
    assert problem.code == "http-address"
    assert host in str(problem)
    assert "127.0.0.1" in str(problem) or "::1" in str(problem)
    assert "hidden" not in str(problem)
    assert other.heard == []


@pytest.mark.parametrize("allowed", ["{host}", "{host}:{port}"])
async def test_a_redirect_to_an_allowed_server_leaves_the_headers_behind(
    steward, department, other, allowed
):
    steward.settings = {"http_allow_hosts": [allowed.format(host="localhost", port=other.port)]}
    url = department.url.replace("//", "//bo:kodeord@")
    department.answers = [redirect(f"http://localhost:{other.port}/x")]
    department.answers.append(answer())
    other.answers = [redirect(department.url.replace("data", "back"))]
    taken = await steward.takes(url, headers={"X-Key": "abc"})
    assert taken.problem is None
    assert "authorization" in department.heard[0]
    assert "x-key" in department.heard[0]
    assert [it["path"] for it in department.heard] == ["/data.csv", "/back.csv"]
    for heard in (other.heard[0], department.heard[1]):
        assert "authorization" not in heard
        assert "x-key" not in heard


async def test_an_allowed_port_opens_no_other(steward, department, other):
    steward.settings = {"http_allow_hosts": [f"localhost:{department.port}"]}
    department.answers = [redirect(f"http://localhost:{other.port}/x")]
    assert (await steward.takes(department.url)).code == "http-address"


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/"])
async def test_metadata_services_are_nobodys_source(steward, department, url):
    assert (await steward.takes(url)).code == "http-address"
    steward.settings = {"http_allow_hosts": [URL(url).host]}
    department.answers = [redirect(url)]
    assert (await steward.takes(department.url)).code == "http-address"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.251",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1%eth0",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_addresses_a_redirect_may_not_lead_to(address):
    assert not Guard(private=False).permits("example.org", 443, address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2a00:1450:400f::1", "64:ff9b::5db8:d70e"])
def test_addresses_a_redirect_may_lead_to(address):
    assert Guard(private=False).permits("example.org", 443, address)


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:169.254.169.254",
        "fd00:ec2::254",
        "fe80::1%eth0",
        "168.63.129.16",
        "192.0.0.192",
        "100.100.100.200",
        "::ffff:168.63.129.16",
    ],
)
def test_addresses_that_nobody_may_name(address):
    assert not Guard(private=True).permits("meta", 80, address)
    assert not Guard(private=False, hosts=["meta"]).permits("meta", 80, address)


@pytest.mark.parametrize(
    ("stated", "target", "same"),
    [
        ("http://a/x", "http://a:80/y", True),
        ("http://a/x", "https://a/x", True),
        ("https://a/x", "http://a/x", False),
        ("http://a:8080/x", "https://a/x", False),
        ("http://a/x", "https://a:8443/x", False),
        ("http://a/x", "http://b/x", False),
        ("http://a/x", "http://a.b/x", False),
    ],
)
def test_headers_stay_within_one_server(stated, target, same):
    assert same_origin(URL(stated), URL(target)) is same


class _Names(AbstractResolver):
    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host, port=0, family=socket.AF_UNSPEC):
        return [
            {"hostname": host, "host": it, "port": port, "family": family, "proto": 0, "flags": 0}
            for it in self.addresses
        ]

    async def close(self) -> None:
        pass


async def test_only_checked_addresses_reach_the_connection():
    guard = Guard(private=False)
    mixed = GuardedResolver(_Names("10.0.0.1", "93.184.215.14", "::1"), guard)
    assert [it["host"] for it in await mixed.resolve("x", 80)] == ["93.184.215.14"]
    with pytest.raises(AddressRefusedError):
        await GuardedResolver(_Names("10.0.0.1"), guard).resolve("x", 80)


# TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Path:
    """Make a certificate for 127.0.0.1 and localhost; key and certificate in one file."""
    file = tmp_path_factory.mktemp("tls") / "made-up.pem"
    key = file.with_name("key.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=made up", "-keyout", key, "-out", file),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        ],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + key.read_bytes())
    return file


@pytest.fixture
def tls(certificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    return context


async def test_a_certificate_must_be_trusted(steward, tls, certificate, monkeypatch):
    async with Department([answer()]).open(tls) as department:
        problem = (await steward.takes(department.url)).problem
        assert problem.code == "http-certificate"
        assert "self-signed" in str(problem)
        assert not isinstance(problem, SourceUnavailableError)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert steward.bytes_of(await steward.takes_one(department.url)) == CSV


async def test_https_never_becomes_http(steward, tls, certificate, monkeypatch, other):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    steward.settings = {"http_allow_hosts": ["127.0.0.1"]}
    async with Department([redirect(other.url)]).open(tls) as department:
        assert (await steward.takes(department.url)).code == "http-downgrade"
    assert other.heard == []


async def test_http_may_become_https(steward, tls, certificate, monkeypatch, department):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with Department([answer(b"safe")]).open(tls) as secure:
        steward.settings = {"http_allow_hosts": [f"127.0.0.1:{secure.port}"]}
        department.answers = [redirect(secure.url)]
        assert steward.bytes_of(await steward.takes_one(department.url)) == b"safe"
