"""The real CKANs that other tests stand on: each is what it says it is."""

import http.server
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from ckan_site import RefusedError, awaited, call, editor, forget_feed, harvest, new_token, revoke
from support import CkanSite

FEED = """
@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
<{uri}/> a dcat:Catalog ; dcat:dataset <{uri}/water> .
<{uri}/water> a dcat:Dataset ;
  dct:title "{title}"@da ; dct:description "Made-up levels."@da ; dcat:keyword "vand"@da ;
  dcat:distribution [ a dcat:Distribution ; dct:format "CSV" ; dcat:accessURL <{uri}/water.csv> ] .
"""


def plugins(site: CkanSite) -> tuple[str, set[str]]:
    status = call(site, "status_show")
    return status["ckan_version"], set(status["extensions"])


@pytest.fixture
def at_portal(portal: CkanSite) -> Iterator[CkanSite]:
    with editor(portal) as site:
        yield site


def dataset(site: CkanSite, **facts: Any) -> dict[str, Any]:
    return {
        "name": f"publisher-test-{uuid.uuid4().hex[:12]}",
        "title": "Vandstand",
        "notes": "Made-up levels.",
        "owner_org": site.organization,
        "author": "Karen Made-Up",
        "author_email": "data@example.org",
        **facts,
    }


def refused(site: CkanSite, action: str, **parameters: Any) -> tuple[int, Any]:
    with pytest.raises(RefusedError) as error:
        call(site, action, **parameters)
    return error.value.status, error.value.detail


def test_the_plain_one_is_ckan_and_nothing_else(ckan: CkanSite) -> None:
    version, extensions = plugins(ckan)
    assert version == "2.12.0"
    assert extensions >= {"datastore", "datatables_view"}
    assert not extensions & {"dcat", "scheming_datasets", "portal_standin", "harvest"}


def test_an_editor_may_publish_until_the_token_is_taken_back(ckan: CkanSite) -> None:
    with editor(ckan) as site:
        made = call(site, "package_create", **dataset(site, private=True))
        assert refused(site, "dataset_purge", id=made["id"])[0] == 403
        assert refused(site, "package_create", **dataset(ckan))[0] == 403
        other = new_token(ckan, site)
        revoke(ckan, site.token)
        assert refused(site, "package_patch", id=made["id"], title="b")[0] == 403
        assert call(other, "package_patch", id=made["id"], title="c")["title"] == "c"
    assert refused(ckan, "package_show", id=made["id"])[0] == 404
    assert refused(ckan, "organization_show", id=site.organization)[0] == 404


def test_the_portal_is_of_the_version_and_the_languages_of_the_real_one(portal: CkanSite) -> None:
    version, extensions = plugins(portal)
    assert version == "2.11.6"
    assert extensions >= {"portal_standin", "scheming_datasets", "dcat", "datatables_view"}
    assert call(portal, "status_show")["locale_default"] == "da_DK"
    assert refused(portal, "datastore_search_sql", sql="SELECT 1")[0] == 400
    assert [it["id"] for it in call(portal, "license_list")] == ["cco", "cc-by", "cc-bysa", "oddk"]


def test_the_portal_takes_listed_formats_only(at_portal: CkanSite) -> None:
    def with_format(**told: str) -> dict[str, Any]:
        return dataset(at_portal, resources=[{"url": "https://example.org", **told}])

    status, detail = refused(at_portal, "package_create", **with_format(format="parquet"))
    assert status == 409
    assert "Invalid resource format" in detail["resources"][0]["format"][0]
    for told, shown in (({"format": "csv"}, "CSV"), ({"format": "ogc wfs"}, "WFS_SRVC"), ({}, "")):
        made = call(at_portal, "package_create", **with_format(**told))
        assert made["resources"][0]["format"] == shown
    # What was left out comes back as '', and that is refused when it is sent.
    status, detail = refused(at_portal, "package_patch", id=made["id"], notes="b")
    assert (status, "format" in detail["resources"][0]) == (409, True)


def test_the_portal_asks_for_author_and_e_mail(at_portal: CkanSite) -> None:
    told = dataset(at_portal, author="", author_email="nowhere", title="", data_directory=True)
    status, detail = refused(at_portal, "package_create", **told)
    assert status == 409
    assert detail.keys() - {"__type"} == {"author", "author_email", "title"}


def test_the_portal_mangles_themes_that_are_json(at_portal: CkanSite) -> None:
    themes = ["ENVI", "TRAN"]
    made = call(at_portal, "package_create", **dataset(at_portal, data_themes=themes))
    assert made["data_themes"] == themes
    assert call(at_portal, "package_show", id=made["id"])["data_themes"] == themes
    found = call(at_portal, "package_search", fq=f"data_themes:TRAN +id:{made['id']}")
    assert found["count"] == 1
    sent = '["ENVI", "TRAN"]'
    mangled = call(at_portal, "package_patch", id=made["id"], data_themes=sent)
    assert mangled["data_themes"] == ["ENVI"]
    extras = [{"key": "data_themes", "value": sent}]
    promoted = call(at_portal, "package_create", **dataset(at_portal, extras=extras))
    assert promoted["data_themes"] == themes


def test_the_portal_overwrites_translations_and_promotes_extras(at_portal: CkanSite) -> None:
    told = dataset(
        at_portal,
        title_translated={"da": "En anden", "en": "Another"},
        extras=[
            {"key": "contact_name", "value": "Ole Made-Up"},
            {"key": "contact_email", "value": "ole@example.org"},
            {"key": "version_notes", "value": "kept"},
        ],
    )
    made = call(at_portal, "package_create", **told)
    assert made["title_translated"] == {"da": "Vandstand", "en": "Vandstand"}
    assert made["notes_translated"] == {"da": "Made-up levels.", "en": "Made-up levels."}
    assert (made["author"], made["author_email"]) == ("Ole Made-Up", "ole@example.org")
    assert made["extras"] == [{"key": "version_notes", "value": "kept"}]


def test_the_portal_bumps_every_call_and_deletes_what_an_update_leaves_out(
    at_portal: CkanSite,
) -> None:
    told = dataset(at_portal, resources=[{"url": "https://example.org", "format": "CSV"}])
    made = call(at_portal, "package_create", **told)
    same = call(at_portal, "package_patch", id=made["id"])
    assert same["metadata_modified"] > made["metadata_modified"]
    assert len(same["resources"]) == 1
    del told["resources"]
    assert call(at_portal, "package_update", id=made["id"], **told)["resources"] == []


def test_the_portal_takes_rows_and_a_revision_from_an_editor(at_portal: CkanSite) -> None:
    told = dataset(at_portal, private=True, resources=[{"url": "x", "format": "CSV"}])
    made = call(at_portal, "package_create", **told)
    resource = made["resources"][0]["id"]
    call(
        at_portal,
        "datastore_create",
        resource_id=resource,
        force=True,
        fields=[{"id": "at", "type": "timestamp"}, {"id": "level", "type": "float8"}],
        primary_key=["at"],
        records=[{"at": "2026-03-01T00:00:00", "level": 0.1}],
    )
    match = {"id": made["id"], "metadata_modified": made["metadata_modified"]}
    call(at_portal, "package_revise", match=match, update={"private": False})
    assert refused(at_portal, "package_revise", match=match, update={"private": True})[0] == 409
    shown = call(replace(at_portal, token=""), "datastore_search", resource_id=resource)
    assert shown["records"] == [{"_id": 1, "at": "2026-03-01T00:00:00", "level": 0.1}]


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[str]:
    """Serve the turtle file feed.ttl in *tmp_path*; gives its address, unlike any before."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        extensions_map: ClassVar = {".ttl": "text/turtle"}

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/feed.ttl?{uuid.uuid4().hex}"
        server.shutdown()


def test_the_harvester_imports_a_feed(harvester: CkanSite, feed: str, tmp_path: Path) -> None:
    version, extensions = plugins(harvester)
    assert version == "2.12.0"
    assert extensions >= {"dcat", "harvest", "dcat_rdf_harvester"}
    uri = f"https://{uuid.uuid4().hex}.example.org"  # one that no other source told of
    (tmp_path / "feed.ttl").write_text(FEED.format(uri=uri, title="Vandstand"), "utf-8")
    try:
        first = harvest(harvester, feed)
        assert first["errors"] == []
        [found] = first["objects"]
        assert (found["status"], found["errors"]) == ("added", [])
        package = call(harvester, "package_show", id=found["package"]["id"])
        assert package["title"] == "Vandstand"
        assert [it["url"] for it in package["resources"]] == [f"{uri}/water.csv"]
        (tmp_path / "feed.ttl").write_text(FEED.format(uri=uri, title="Andet"), "utf-8")
        [found] = harvest(harvester, feed)["objects"]
        assert (found["status"], found["package"]["title"]) == ("updated", "Andet")
    finally:
        forget_feed(harvester, feed)
    assert refused(harvester, "package_show", id=package["id"])[0] == 404


def test_what_does_not_harvest_is_told(harvester: CkanSite, feed: str) -> None:
    try:
        told = harvest(harvester, feed)
        assert told["objects"] == []
        assert "404" in told["errors"][0]
    finally:
        forget_feed(harvester, feed)


def test_a_site_that_did_not_start_is_told_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "up.status").write_text("1\n", "ascii")
    (tmp_path / "up.log").write_text("ERROR: pip failed\n", "utf-8")
    with pytest.raises(TimeoutError, match="pip failed"):
        awaited(tmp_path)


def test_a_portal_page_is_shown(portal: CkanSite, at_portal: CkanSite) -> None:
    made = call(at_portal, "package_create", **dataset(at_portal))
    with requests.get(f"{portal.url}/dataset/{made['name']}", timeout=60) as answer:
        assert answer.status_code == 200
