"""The mapping a steward writes for a catalog with a schema of its own.

Each field of the site gets a text with the names of facts in braces, a list or mapping of such
texts, or nothing, which leaves the field out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from publisher.model.base import Model

_NAME = re.compile(r"\{([^{}]*)\}")
_DATASET = """
    access_rights access_rights_uri api bbox conforms_to contact_email contact_name contact_url
    description description.en documentation frequency frequency_uri homepage hvd_uris
    identifier issued keywords language_uris languages license license_uri modified municipality
    name provenance publisher publisher_email publisher_type_uri publisher_uri publisher_url
    rights spatial spatial_title spatial_uris temporal_end temporal_end_day temporal_start
    temporal_start_day theme_uris themes title title.en version
"""
_RESOURCE = """
    api bytes description description.en documentation format license license_uri media_type
    modified rows schema sha256 table temporal_end temporal_start title title.en
"""
DATASET_FACTS = frozenset(_DATASET.split())
RESOURCE_FACTS = frozenset(_RESOURCE.split())
"""The facts there are; publisher/targets/ckan/metadata/said.py gives them."""


def names(template: Any) -> Iterator[str]:
    """Give the names of facts that a template holds."""
    if isinstance(template, list | tuple):
        for item in template:
            yield from names(item)
    elif isinstance(template, Mapping):
        yield from names(list(template.values()))
    elif isinstance(template, str):
        yield from _NAME.findall(template)


def _of(known: frozenset[str]) -> Any:
    def check(template: Any) -> Any:
        for name in names(template):
            if name not in known:
                raise PydanticCustomError("unknown-fact", "a text names a fact that is none")
        return template

    return AfterValidator(check)


class SiteFields(Model):
    package: Mapping[str, Annotated[Any, _of(DATASET_FACTS)]] = {}
    resource: Mapping[str, Annotated[Any, _of(RESOURCE_FACTS)]] = {}
