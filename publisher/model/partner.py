"""A partner: somebody else's tables, asked where they lie. One entry of catalog/partners.yaml."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator
from pydantic import Field as Key
from pydantic_core import PydanticCustomError

from publisher.model.base import Model
from publisher.model.dataset import FieldView
from publisher.model.schema import Schema
from publisher.model.values import NAME, Duration, FieldName, TableRef, Zone


def _table_name(text: str) -> str:
    if not re.fullmatch(f"{NAME}/{NAME}", text):
        raise PydanticCustomError("wrong-table-name", "a table is named like dataset/table")
    return text


TableName = Annotated[str, AfterValidator(_table_name)]


class _Partner(Model):
    title: str
    url: str
    token: str | None = None
    """Sent to no other origin; names a secret as ``${NAME}``."""
    timeout: float = Key(10, gt=0, le=300)
    """Seconds that it may take for one answer."""
    connections: int = Key(4, gt=0, le=32)
    """Requests to it at the same time."""
    max_rows: int = Key(100_000, gt=0)
    """That are fetched from one table for one question."""
    stale: Duration | None = None
    """How old an answer may be that is given again where it does not answer; none otherwise."""
    private_network: bool = False
    """Its name may lead to an address of a private network."""


class PublisherPartner(_Partner):
    """Another Publisher: it tells of its own tables, and takes every question."""

    type: Literal["publisher"]


class CkanTable(Model):
    """A table of a CKAN DataStore, read like a source's delivery."""

    resource: str = Key(min_length=1)
    """The resource's id."""
    schema_path: str = Key(alias="schema")
    """Of the schema file, relative to this one."""
    timezone: Zone | None = None
    """Of times without an offset; UTC otherwise."""
    fields: Mapping[FieldName, FieldView] = {}
    """How it writes the schema's fields."""
    text_order: Literal["code-point"] | None = None
    """What its database sorts text by, where that is known."""


class CkanPartner(_Partner):
    """A CKAN site, of whose DataStore some tables are named."""

    type: Literal["ckan"]
    tables: Mapping[TableName, CkanTable] = Key(min_length=1)


PartnerSpec = PublisherPartner | CkanPartner


@dataclass(frozen=True)
class BoundTable:
    """A partner's table that is read under one of our schemas."""

    spec: CkanTable
    schema: Schema


@dataclass(frozen=True)
class Partner:
    name: str
    spec: PartnerSpec
    tables: Mapping[TableRef, BoundTable] = field(default_factory=dict)
    """Those that are named; a Publisher tells of its own."""
