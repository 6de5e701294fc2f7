"""``publisher keys``: made and revoked while serving or not, and told once."""

import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from commands import installation


def asks(url: str, key: str) -> int:
    request = Request(f"{url}/v1/datasets", headers={"Authorization": f"Bearer {key}"})
    try:
        with urlopen(request) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_a_key_opens_until_it_is_revoked(tmp_path: Path) -> None:
    here = installation(tmp_path)
    first = here.run("keys", "make", "before serve", "--json").json
    with here.serving() as url:
        made = here.run("keys", "make", "Aarhus' map", "--json").json
        assert [asks(url, it["key"]) for it in (first, made)] == [200, 200]
        assert asks(url, made["key"][:-1] + "_") == 401
        listed = here.run("keys", "list", "--json")
        assert {it["name"] for it in listed.json["keys"]} == {"before serve", "Aarhus' map"}
        assert made["key"] not in listed.out
        shown = here.run("keys", "list")
        assert "Aarhus' map" in shown.out
        number = made["made"]["id"]
        assert here.run("keys", "revoke", number).code == 0
        deadline = time.monotonic() + 20
        while asks(url, made["key"]) != 401:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert asks(url, first["key"]) == 200
        again = here.run("keys", "revoke", number)
        assert again.code != 0
        assert number in again.err
    for file in here.data.rglob("*"):
        if file.is_file():
            assert made["key"].encode() not in file.read_bytes(), file
