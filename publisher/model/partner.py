"""A partner: somebody else's tables, asked where they lie. One entry of catalog/partners.yaml."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator
from pydantic import Field as Key
from pydantic_core import PydanticCustomError

from publisher.model.base import Model
from publisher.model.dataset import Box, FieldView
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
    rate: float | None = Key(None, gt=0, le=1_000)
    """Requests to it in a second, at the most; as many as there are otherwise."""
    max_rows: int = Key(100_000, gt=0)
    """That are fetched from one table for one question."""
    stale: Duration | None = None
    """How old an answer may be that is given again where it does not answer; none otherwise."""
    copies: Mapping[TableName, Duration] = {}
    """Tables of which a copy is kept here, and how often it is made equal to theirs."""
    private_network: bool = False
    """Its name may lead to an address of a private network."""


class PublisherPartner(_Partner):
    """Another Publisher: it tells of its own tables, and takes every question."""

    type: Literal["publisher"]


class _Table(Model):
    """A partner's table that is read like a source's delivery."""

    schema_path: str | None = Key(None, alias="schema")
    """Of the schema file, relative to this one; without it fields are as the partner tells."""
    timezone: Zone | None = None
    """Of times without an offset; UTC otherwise."""
    fields: Mapping[FieldName, FieldView] = {}
    """How it writes the schema's fields; without a schema, what some of its columns are called."""


class CkanTable(_Table):
    """A table of a CKAN DataStore."""

    resource: str = Key(min_length=1)
    """The resource's id."""
    text_order: Literal["code-point"] | None = None
    """What its database sorts text by, where that is known."""


class CkanPartner(_Partner):
    """A CKAN site, of whose DataStore some tables are named."""

    type: Literal["ckan"]
    tables: Mapping[TableName, CkanTable] = Key(min_length=1)


class OpendatasoftTable(_Table):
    """A dataset of an Opendatasoft portal."""

    dataset: str = Key(min_length=1)
    """Its id there."""


class OpendatasoftPartner(_Partner):
    """An Opendatasoft portal with Explore API v2.1."""

    type: Literal["opendatasoft"]
    tables: Mapping[TableName, OpendatasoftTable] = Key(min_length=1)


class FeaturesTable(_Table):
    """A collection of an OGC API Features service."""

    collection: str = Key(min_length=1)
    """Its id there."""
    temporal: bool = False
    """What the service's `datetime` narrows is the field with role time."""


class FeaturesPartner(_Partner):
    """An OGC API Features service, https://docs.ogc.org/is/17-069r4/17-069r4.html ."""

    type: Literal["ogc-features"]
    tables: Mapping[TableName, FeaturesTable] = Key(min_length=1)


_TAKEN = {"area": "box", "cube": "box", "position": "coords", "locations": "location"}
"""By a query of EDR, the key that says where."""


class EdrTable(_Table):
    """Observations in a collection of an OGC API EDR service."""

    collection: str = Key(min_length=1)
    """Its id there."""
    instance: str | None = None
    """One of the collection's instances, such as a run of a model."""
    query: Literal["area", "cube", "locations", "position"]
    """How it is asked."""
    box: Box | None = None
    """Where an area or a cube is asked for."""
    coords: str | None = None
    """The same of a position, as well-known text."""
    location: str | None = None
    """The only location that is asked for."""
    parameters: tuple[str, ...] = ()
    """Those that are asked for; all otherwise."""
    z: str | None = None
    """The levels that are asked for, as EDR writes them."""
    format: str | None = None
    """What the service calls CoverageJSON, or GeoJSON, where it gives something else unasked."""

    @model_validator(mode="after")
    def _says_where(self) -> "EdrTable":
        wanted = _TAKEN[self.query]
        stated = {it for it in _TAKEN.values() if getattr(self, it) is not None}
        if stated - {wanted} or (wanted != "location" and not stated):
            raise PydanticCustomError("edr-place", "a query takes the key that says where")
        return self


class EdrPartner(_Partner):
    """An OGC API EDR 1.1 service, https://docs.ogc.org/is/19-086r6/19-086r6.html ."""

    type: Literal["ogc-edr"]
    tables: Mapping[TableName, EdrTable] = Key(min_length=1)


class SensorThingsTable(_Table):
    """Observations of a SensorThings service."""

    path: str = "Observations"
    """Below the service's address, such as ``Datastreams(5)/Observations``."""
    expand: str | None = None
    """`$expand`, for columns such as ``Datastream.Thing.name``."""
    filter: str | None = None
    """`$filter` that holds for all of the table's rows."""


class SensorThingsPartner(_Partner):
    """An OGC SensorThings API 1.1 service, https://docs.ogc.org/is/18-088/18-088.html ."""

    type: Literal["sensorthings"]
    tables: Mapping[TableName, SensorThingsTable] = Key(min_length=1)


PartnerSpec = (
    PublisherPartner
    | CkanPartner
    | OpendatasoftPartner
    | FeaturesPartner
    | EdrPartner
    | SensorThingsPartner
)
TableSpec = CkanTable | OpendatasoftTable | FeaturesTable | EdrTable | SensorThingsTable


@dataclass(frozen=True)
class BoundTable:
    """A partner's table, and the schema of ours that it is read under."""

    spec: TableSpec
    schema: Schema | None
    """None where its fields are as the partner tells of them."""


@dataclass(frozen=True)
class Partner:
    name: str
    spec: PartnerSpec
    tables: Mapping[TableRef, BoundTable] = field(default_factory=dict)
    """Those that are named; a Publisher tells of its own."""

    @property
    def copies(self) -> Mapping[TableRef, timedelta]:
        """How often which copies are made equal to their tables."""
        return {TableRef(*name.split("/")): it for name, it in self.spec.copies.items()}

    def may_have(self, schema: str) -> bool:
        """Tell whether any of its tables can be under the schema of that name."""
        if not self.tables:
            return True
        named = (it.schema.name for it in self.tables.values() if it.schema is not None)
        return schema in named
