"""The files of catalog/ that list what datasets name: organisations, targets, partners."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from publisher.model.catalog import CkanTarget, FolderTarget, Organization
from publisher.model.opendata_dk import FORMATS
from publisher.registry.checks.texts import check_secret, check_url, check_variables
from publisher.registry.document import Document, read
from publisher.registry.files import Files, Listing
from publisher.registry.finding import Finding
from publisher.registry.keys import nearest
from publisher.registry.parse import parse_entries
from publisher.secrets import Secrets

M = TypeVar("M")

Target = FolderTarget | CkanTarget
_TARGETS: Mapping[str, type[FolderTarget | CkanTarget]] = {
    "folder": FolderTarget,
    "ckan": CkanTarget,
}


@dataclass(frozen=True)
class Entries(Generic[M]):
    """What a listing holds."""

    right: Mapping[str, M]
    wrong: frozenset[str] | None
    """Names whose entry is wrong; None where the whole file is."""
    findings: tuple[Finding, ...] = ()

    def knows(self, name: str) -> bool:
        """Tell whether *name* is there, right or wrong, or cannot be known not to be."""
        return name in self.right or self.wrong is None or name in self.wrong


def read_organizations(files: Files) -> Entries[Organization]:
    document, findings = opened(files, "organizations")
    if document is None:
        return Entries({}, None if findings else frozenset(), tuple(findings))
    stated, faults = parse_entries(Organization, document)
    right = {name: entry.model for name, entry in stated.items() if entry.whole}
    return Entries(right, wrong_of(document, right), (*findings, *faults))


def read_targets(
    files: Files, organizations: Entries[Organization], secrets: Secrets
) -> Entries[Target]:
    """Read catalog/targets.yaml; ``folder`` is there without an entry."""
    folder: dict[str, Target] = {"folder": FolderTarget(type="folder")}
    document, findings = opened(files, "targets")
    if document is None:
        return Entries(folder, None if findings else frozenset(), tuple(findings))
    stated, faults = parse_entries(_TARGETS, document)
    findings += faults
    right = {**folder, **{name: entry.model for name, entry in stated.items() if entry.whole}}
    for name, entry in stated.items():
        match entry.model:
            case FolderTarget(path=path):
                findings += check_variables(path or "", secrets, entry.document, (name, "path"))
            case CkanTarget() as ckan:
                findings += _check_ckan(name, ckan, organizations, secrets, entry.document)
    if isinstance(right["folder"], CkanTarget):
        findings.append(document.error("folder-reserved", ("folder",)))
        right |= folder
    return Entries(right, wrong_of(document, right), tuple(findings))


def _check_ckan(
    name: str,
    target: CkanTarget,
    organizations: Entries[Organization],
    secrets: Secrets,
    document: Document,
) -> list[Finding]:
    findings = [
        *check_url(target.url, document, (name, "url")),
        *check_variables(target.url, secrets, document, (name, "url")),
    ]
    formats = target.fields.resource
    if target.profile == "opendata-dk" and "format" in formats:
        stated = formats["format"]
        if not isinstance(stated, str) or stated.upper() not in FORMATS:
            near = nearest(str(stated), sorted(FORMATS))
            at = (name, "fields", "resource", "format")
            findings.append(document.error("portal-format", at, format=stated, nearest=near))
    for organization, known in target.organizations.items():
        here = (name, "organizations", organization)
        if not organizations.knows(organization):
            near = nearest(organization, list(organizations.right))
            findings.append(
                document.warning("unknown-organization", here, name=organization, nearest=near)
            )
        path = (*here, "token")
        findings += check_secret("token", known.token, document, path)
        findings += check_variables(known.token, secrets, document, path)
    return findings


def opened(files: Files, listing: Listing) -> tuple[Document | None, list[Finding]]:
    """Read a listing, if there is one."""
    if listing not in files.listings:
        return None, []
    file, path = files.listings[listing]
    return read(path, file)


def wrong_of(document: Document, right: Mapping[str, object]) -> frozenset[str] | None:
    """Name the entries that are stated but not *right*; None where the file maps nothing."""
    if document.value is None:
        return frozenset()
    if not isinstance(document.value, dict):
        return None
    return frozenset(set(document.value) - set(right))
