"""What catalog/ and schemas/ say, loaded and cross-checked: the one picture of what is wanted."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Literal

import orjson
from pydantic import AfterValidator
from pydantic import Field as Key
from pydantic_core import PydanticCustomError

from publisher.errors import NotFoundError
from publisher.model.base import Model
from publisher.model.dataset import Dataset, Harvest, Mode, Resource, Theme
from publisher.model.partner import Partner
from publisher.model.run import Outcome
from publisher.model.schema import Field, Schema
from publisher.model.site_fields import KeptField, SiteFields
from publisher.model.values import Duration, Email, Name, TableRef


def _municipality(code: str) -> str:
    if not re.fullmatch(r"\d{4}", code, re.ASCII):
        raise PydanticCustomError("wrong-municipality", "a municipality's code has four digits")
    return code


class Organization(Model):
    """A publisher of datasets, one entry of catalog/organizations.yaml."""

    title: str
    municipality: Annotated[str, AfterValidator(_municipality)] | None = None
    """Its code of four digits, such as 0561."""
    email: Email | None = None
    url: str | None = None
    description: str | None = None
    uri: str | None = None
    """Names it in linked data, such as its page in a register."""
    type: Literal["local", "regional", "national"] | None = None
    """Of authority; local where `municipality` is stated."""

    @property
    def authority(self) -> Literal["local", "regional", "national"] | None:
        return self.type or ("local" if self.municipality else None)


class TargetOrganization(Model):
    """An organisation as a target knows it, and the token that may write there."""

    name: str
    token: str
    """Names a secret as ``${NAME}``."""


class FolderTarget(Model):
    type: Literal["folder"]
    path: str | None = None
    """Default ``<data>/published``; relative paths start at ``--root``."""


class CkanTarget(Model):
    type: Literal["ckan"]
    url: str
    profile: Literal["ckan", "opendata-dk"] = "ckan"
    organizations: Mapping[Name, TargetOrganization] = {}
    timeout: float = Key(60, gt=0)
    """Seconds that one call may take."""
    late: Duration = timedelta(minutes=2)
    """After which a request that was given up is carried out no more, there or on the way."""
    reconcile: Duration = timedelta(days=1)
    """How often everything there is compared, row by row, and put right."""
    grace: Duration = timedelta(days=30)
    """For how long a withdrawn dataset stays there, private, before it is removed."""
    keep: tuple[KeptField, ...] = ()
    """Fields that the target's editors look after."""
    groups: Mapping[Theme, str] = {}
    """The site's group for each EU theme."""
    fields: SiteFields = SiteFields()


TargetSpec = Annotated[FolderTarget | CkanTarget, Key(discriminator="type")]


@dataclass(frozen=True)
class TableEntry:
    """A table with everything that decides how it is harvested, stored and served."""

    dataset: Dataset
    resource: Resource
    schema: Schema

    @property
    def ref(self) -> TableRef:
        return TableRef(self.dataset.name, self.resource.name)

    @property
    def harvest(self) -> Harvest | None:
        return self.resource.harvest

    @property
    def mode(self) -> Mode:
        stated = self.resource.harvest.mode if self.resource.harvest else None
        return stated or ("merge" if self.schema.primary_key else "append")

    def shown_fields(self, stored: Schema | None) -> tuple[Field, ...]:
        """Give the fields of a *stored* version that may be shown: those that both have open.

        A field that the schema has no longer is not shown either: its line may have said that
        it was personal. Without a stored version they are the schema's own.
        """
        if stored is None:
            return self.schema.open_fields
        now = {field.name for field in self.schema.open_fields}
        return tuple(field for field in stored.open_fields if field.name in now)

    @cached_property
    def refers_to(self) -> frozenset[TableRef]:
        """The other tables that its foreign keys are judged against."""
        refs = (key.refers_to(self.ref) for key in self.schema.foreign_keys)
        return frozenset(refs) - {self.ref}

    @cached_property
    def view_fingerprint(self) -> str:
        """Changes whenever the same bytes could give other verdicts or values.

        Only then are they judged again, so it leaves out all that is merely said of the data,
        and the steward's limits: see `judged_under`.
        """
        harvest = self.resource.harvest
        return _digest(
            {
                "schema": self.schema.reading,
                "mode": self.mode,
                "view": harvest.model_dump(
                    mode="json",
                    include=_VIEW,
                    exclude_unset=True,
                )
                if harvest
                else None,
                # A check may take it as the distance that rows should have
                **({"interval": self.resource.interval} if harvest and harvest.checks else {}),
            }
        )

    def judged_under(self, outcome: Outcome) -> str:
        """Give what a delivery that ended as *outcome* was judged under.

        One that was held is judged again once the limits are others as well.
        """
        harvest = self.resource.harvest
        if outcome != "held" or harvest is None:
            return self.view_fingerprint
        return _digest([self.view_fingerprint, harvest.max_bad, harvest.max_shrink])


_VIEW = {"profile", "format", "encoding", "dialect", "timezone", "fields", "checks"}


def _digest(parts: object) -> str:
    return sha256(orjson.dumps(parts, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


@dataclass(frozen=True)
class Catalog:
    datasets: Mapping[str, Dataset] = field(default_factory=dict)
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    """The newest version of each under its name, older ones under ``name@version``."""
    organizations: Mapping[str, Organization] = field(default_factory=dict)
    targets: Mapping[str, FolderTarget | CkanTarget] = field(default_factory=dict)
    """Always holds ``folder``."""
    entries: Mapping[TableRef, TableEntry] = field(default_factory=dict)
    partners: Mapping[str, Partner] = field(default_factory=dict)

    def tables(self, dataset: str) -> Iterator[TableEntry]:
        return (entry for ref, entry in self.entries.items() if ref.dataset == dataset)

    def schema(self, name: str) -> Schema:
        """Find ``name`` (its newest version) or ``name@version``; NotFoundError otherwise."""
        plain, _, version = name.partition("@")
        for key in (name, plain):
            found = self.schemas.get(key)
            if found is not None and version in {"", found.version}:
                return found
        raise NotFoundError("unknown-schema", schema=name)

    def dataset(self, name: str) -> Dataset:
        """Raise NotFoundError where there is none of that name."""
        try:
            return self.datasets[name]
        except KeyError:
            raise NotFoundError("unknown-dataset", dataset=name) from None

    def entry(self, ref: TableRef) -> TableEntry:
        """Raise NotFoundError where there is no such dataset or table."""
        self.dataset(ref.dataset)
        try:
            return self.entries[ref]
        except KeyError:
            raise NotFoundError("unknown-table", dataset=ref.dataset, table=ref.table) from None
