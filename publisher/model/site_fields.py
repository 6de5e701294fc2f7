"""What a steward writes for the fields of a CKAN site: templates, and names of fields to keep.

The names of facts are public: they stand in docs/targets/ckan.md, and what gives each of them
in publisher/targets/ckan/metadata/said.py.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from publisher.model.base import Model

FACT = re.compile(r"\{([^{}]*)\}")
"""A fact's name in a template."""

DATASET_FACTS = frozenset((
    "access_rights", "access_rights_uri", "api", "bbox", "conforms_to", "contact_email",
    "contact_name", "contact_url", "description", "description.en", "documentation", "frequency",
    "frequency_uri", "homepage", "hvd_uris", "identifier", "issued", "keywords", "language_uris",
    "languages", "license", "license_uri", "modified", "municipality", "name", "provenance",
    "publisher", "publisher_email", "publisher_type_uri", "publisher_uri", "publisher_url",
    "rights", "spatial", "spatial_title", "spatial_uris", "temporal_end", "temporal_end_day",
    "temporal_start", "temporal_start_day", "theme_uris", "themes", "title", "title.en", "version",
))  # fmt: skip
RESOURCE_FACTS = frozenset((
    "api", "bytes", "description", "description.en", "documentation", "format", "license",
    "license_uri", "media_type", "modified", "rows", "schema", "sha256", "table", "temporal_end",
    "temporal_start", "title", "title.en",
))  # fmt: skip

_KEPT = re.compile(r"(extras\.|resources\.)?[A-Za-z][A-Za-z0-9_-]*")
_NEVER_KEPT = frozenset({"extras", "resources", "name", "owner_org", "private", "state"})
_OURS = "extras.publisher_"
_AGENT = frozenset(f"{_OURS}{it}" for it in ("name", "email", "url", "uri", "type"))


def facts_named(template: Any) -> list[str]:
    """Give the names of facts in a template: a text, or a list or mapping of such."""
    if isinstance(template, Mapping):
        template = list(template.values())
    if isinstance(template, list | tuple):
        return [name for item in template for name in facts_named(item)]
    return FACT.findall(template) if isinstance(template, str) else []


def _of(known: frozenset[str]) -> Callable[[Any], Any]:
    def check(template: Any) -> Any:
        for name in facts_named(template):
            if name not in known:
                raise PydanticCustomError(
                    "unknown-fact", "there is no such fact", {"fact": name, "known": sorted(known)}
                )
        return template

    return check


def _free(ours: frozenset[str]) -> Callable[[str], str]:
    def check(name: str) -> str:
        if name in ours:
            raise PydanticCustomError("field-not-free", "Publisher fills this field itself")
        return name

    return check


_PACKAGE = frozenset(
    {"id", "name", "owner_org", "private", "state", "extras", "tags", "groups", "resources"}
)
_RESOURCE = frozenset({"id", "url", "url_type", "publisher_table"})
_PackageField = Annotated[str, AfterValidator(_free(_PACKAGE))]
_ResourceField = Annotated[str, AfterValidator(_free(_RESOURCE))]


class SiteFields(Model):
    """What stands in the fields of a site with a schema of its own; None leaves the field out."""

    package: Mapping[_PackageField, Annotated[Any, AfterValidator(_of(DATASET_FACTS))]] = {}
    resource: Mapping[_ResourceField, Annotated[Any, AfterValidator(_of(RESOURCE_FACTS))]] = {}


def _kept(name: str) -> str:
    ours = name.startswith(_OURS) and name not in _AGENT
    if not _KEPT.fullmatch(name) or name in _NEVER_KEPT or ours:
        raise PydanticCustomError("wrong-keep", "no field that can be left to editors")
    return name


KeptField = Annotated[str, AfterValidator(_kept)]
"""``notes``, ``tags``, ``groups``, ``extras.NAME``, ``resources.FIELD``, ..."""
