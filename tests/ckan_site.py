"""What tests do at a real CKAN beside Publisher: wait for it, make editors, harvest a feed."""

import contextlib
import json
import shlex
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from support import PROJECT, CkanSite

HARNESS = PROJECT / "deploy" / "ckan-test"


class RefusedError(Exception):
    """An action was not carried out; *status* is HTTP's, *detail* what CKAN says of it."""

    def __init__(self, action: str, status: int, detail: Any) -> None:
        super().__init__(f"{action}: {status} {str(detail)[:500]}")
        self.status = status
        self.detail = detail


def call(site: CkanSite, action: str, **parameters: Any) -> Any:
    """Give the result of an action, as whoever *site* speaks for; raises RefusedError."""
    with requests.post(
        f"{site.url}/api/3/action/{action}",
        json=parameters,
        headers={"Authorization": site.token},
        timeout=60,
    ) as answer:
        told = answer.json() if "json" in answer.headers.get("Content-Type", "") else answer.text
    if answer.status_code == 200 and isinstance(told, dict) and told["success"]:
        return told["result"]
    detail = told.get("error") if isinstance(told, dict) else told
    raise RefusedError(action, answer.status_code, detail)


def awaited(home: Path, *, seconds: float = 300) -> CkanSite:
    """Wait for the site that is being started under *home*; raises TimeoutError with its log."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        # Whoever starts one writes how far that is; of one that runs already nothing is written.
        status = _text(home / "up.status").strip()
        if status not in {"", "starting", "0"}:
            break
        if status != "starting" and (site := _answering(home)) is not None:
            return site
        time.sleep(0.2)
    last = "\n".join(_text(home / "up.log").splitlines()[-15:])
    raise TimeoutError(f"see {home / 'up.log'} and {home / 'log'}\n{last}")


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def _answering(home: Path) -> CkanSite | None:
    try:
        told = dict(line.split("=", 1) for line in shlex.split(_text(home / "env")))
        site = CkanSite(told["CKAN_URL"], told["CKAN_API_KEY"], told["CKAN_ORG"], home)
        call(site, "status_show")
    except (KeyError, requests.RequestException, RefusedError):
        return None
    return site


@contextlib.contextmanager
def editor(site: CkanSite, *, role: str = "editor") -> Iterator[CkanSite]:
    """Give the site as an editor of a new organisation meets it; both are removed at the end.

    A publisher's token is an editor's, never a sysadmin's. *site* speaks for the sysadmin. The
    user has the organisation's name.
    """
    name = f"publisher-test-{uuid.uuid4().hex[:12]}"
    call(
        site,
        "user_create",
        name=name,
        email=f"{name}@example.org",
        password=uuid.uuid4().hex,
    )
    try:
        organization = call(
            site,
            "organization_create",
            name=name,
            title=f"Made up {name}",
            users=[{"name": name, "capacity": role}],
        )
        try:
            yield new_token(site, replace(site, organization=name))
        finally:
            remove_organization(site, organization["id"])
    finally:
        call(site, "user_delete", id=name)


def new_token(site: CkanSite, of: CkanSite) -> CkanSite:
    """Give *of*, which `editor` made, with another token of its user; the old one stays."""
    made = call(site, "api_token_create", user=of.organization, name=uuid.uuid4().hex[:8])
    return replace(of, token=made["token"])


def revoke(site: CkanSite, token: str) -> None:
    """Take *token* back, as the sysadmin: from now on it is answered with 403."""
    call(site, "api_token_revoke", token=token)


def remove_organization(site: CkanSite, name: str) -> None:
    """Purge the organisation with all its datasets, deleted and private ones too."""
    try:
        held = call(site, "organization_show", id=name, include_datasets=False)
    except RefusedError:
        return  # the test removed it
    found = call(
        site,
        "package_search",
        fq=f"owner_org:{held['id']}",
        include_private=True,
        include_drafts=True,
        include_deleted=True,
        rows=1000,
    )
    for package in found["results"]:
        _purge(site, package["id"])
    call(site, "organization_purge", id=held["id"])


def _purge(site: CkanSite, package: str) -> None:
    for left in (2, 1, 0):
        try:
            call(site, "dataset_purge", id=package)
        except RefusedError as error:
            if error.status < 500 or not left:
                raise
            time.sleep(0.5)  # CKAN's own jobs may hold the rows: the database tells a deadlock
        else:
            return


def harvest(site: CkanSite, feed: str, media_type: str = "text/turtle") -> dict[str, Any]:
    """Let a harvester read *feed* once: ``errors``, and ``objects`` with status and package.

    A feed at the same address is harvested again, so that changes and removals show.
    """
    return _harvest(site, feed, media_type)


def forget_feed(site: CkanSite, feed: str) -> None:
    """Remove the feed from a harvester, with all that came from it."""
    _harvest(site, "--forget", feed)


def _harvest(site: CkanSite, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [HARNESS / "harvest", *arguments],
        env={"PATH": "/usr/bin:/bin", "CKAN_HOME": str(site.home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the harvest did not run: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
