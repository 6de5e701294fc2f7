"""A dataset file: a Frictionless Data Package with harvest and publish instructions.

Spec: https://datapackage.org/standard/data-package/ ; CONTRACT keys ``publisher``, ``themes``,
``updateFrequency``, ``translations``, ``publish``, and per resource ``interval``, ``harvest``.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, model_validator
from pydantic import Field as Key
from pydantic_core import PydanticCustomError

from publisher.model.base import Model
from publisher.model.checks import Check
from publisher.model.profile import PROFILES, Profile, ProfileName
from publisher.model.schema import Reading, Translation
from publisher.model.site_fields import KeptField
from publisher.model.values import Duration, Email, FieldName, Name, Share, Zone

Theme = Literal[
    "AGRI",
    "ECON",
    "EDUC",
    "ENER",
    "ENVI",
    "GOVE",
    "HEAL",
    "INTR",
    "JUST",
    "OP_DATPRO",
    "REGI",
    "SOCI",
    "TECH",
    "TRAN",
]
"""EU data theme, http://publications.europa.eu/resource/authority/data-theme"""

Frequency = Literal[
    "UNKNOWN",
    "TRIENNIAL",
    "BIENNIAL",
    "ANNUAL",
    "ANNUAL_2",
    "ANNUAL_3",
    "QUARTERLY",
    "BIMONTHLY",
    "MONTHLY",
    "MONTHLY_2",
    "MONTHLY_3",
    "BIWEEKLY",
    "WEEKLY",
    "WEEKLY_2",
    "WEEKLY_3",
    "DAILY",
    "DAILY_2",
    "HOURLY",
    "BIHOURLY",
    "TRIHOURLY",
    "UPDATE_CONT",
    "CONT",
    "IRREG",
    "OTHER",
    "NEVER",
    "QUADRENNIAL",
    "QUINQUENNIAL",
    "DECENNIAL",
    "BIDECENNIAL",
    "TRIDECENNIAL",
]
"""EU frequency, http://publications.europa.eu/resource/authority/frequency"""

AccessRights = Literal["PUBLIC", "RESTRICTED", "NON_PUBLIC"]
"""http://publications.europa.eu/resource/authority/access-right"""

HVD_CATEGORIES: Mapping[str, str] = {
    "geospatial": "c_ac64a52d",
    "earth-observation-and-environment": "c_dd313021",
    "meteorological": "c_164e0bf5",
    "statistics": "c_e1da4e07",
    "companies": "c_a9135398",
    "mobility": "c_b79e35eb",
}
"""High-value datasets of Regulation (EU) 2023/138, by the code under http://data.europa.eu/bna/"""

Standard = Literal[
    "https://datapackage.org/profiles/1.0/datapackage.json",
    "https://datapackage.org/profiles/2.0/datapackage.json",
]
DeliveryFormat = Literal["csv", "json", "ndjson", "excel"]
Mode = Literal["merge", "replace", "append"]


class License(Model):
    name: str | None = None
    path: str | None = None
    title: str | None = None


class Contributor(Model):
    title: str | None = None
    email: Email | None = None
    path: str | None = None
    role: str | None = None
    roles: tuple[str, ...] | None = None
    organization: str | None = None


class ContactPoint(Model):
    """Who answers questions about the dataset, and nothing else of a person."""

    name: str | None = None
    email: Email | None = None
    url: str | None = None


def _bbox(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = box
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise PydanticCustomError(
            "wrong-bbox", "a box is written as [west, south, east, north] in degrees"
        )
    return box


Box = Annotated[tuple[float, float, float, float], AfterValidator(_bbox)]
"""West, south, east, north."""


class Spatial(Model):
    """Where the dataset is about."""

    uri: tuple[str, ...] = ()
    """Of places, such as https://sws.geonames.org/2612225/ ."""
    title: str | None = None
    bbox: Box | None = None
    """West, south, east, north in degrees; computed from the data where it is not stated."""


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("wrong-day", "a day is written like 2026-01-31") from None
    return text


class Temporal(Model):
    """The time the dataset covers; computed from the data where it is not stated."""

    start: Annotated[str, AfterValidator(_day)]
    end: Annotated[str, AfterValidator(_day)] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Temporal":
        if self.end is not None and self.end < self.start:
            raise PydanticCustomError("end-before-start", "the end lies before the start")
        return self


def _category(name: str) -> str:
    if name not in HVD_CATEGORIES and not re.fullmatch(r"c_[0-9a-f]{8}", name):
        raise PydanticCustomError(
            "wrong-hvd-category",
            "a category has a name, or a code such as c_3af3368c",
        )
    return name


def _language(code: str) -> str:
    if not re.fullmatch(r"[a-z]{2}", code):
        raise PydanticCustomError("wrong-language", "a language is written like da or en")
    return code


class DataSource(Model):
    """Where the data comes from, as the Data Package spec has it (``sources``)."""

    title: str | None = None
    path: str | None = None
    email: Email | None = None
    version: str | None = None


class FileSource(Model):
    type: Literal["file"]
    path: str = Key(min_length=1)
    """A path, a glob or a directory; relative ones start at ``--root``."""


class HttpSource(Model):
    type: Literal["http"]
    url: str = Key(min_length=1)
    headers: Mapping[str, str] = {}
    """Values may name secrets as ``${NAME}``."""
    max_bytes: int | None = Key(None, gt=0)
    """Cap of one answer's size; the setting ``max_delivery_bytes`` otherwise."""


SourceSpec = Annotated[FileSource | HttpSource, Key(discriminator="type")]


class FieldView(Reading):
    """How a source writes one field: its column or a constant, and how cells are read."""

    column: str | None = None
    """The source's label; in JSON a path such as ``object.co2`` or ``values[0]``."""
    constant: Any = None
    unit: str | None = None
    """UCUM code of the source's values, converted to the schema's unit before constraints."""

    @model_validator(mode="after")
    def _one_origin(self) -> "FieldView":
        if "column" in self.model_fields_set and "constant" in self.model_fields_set:
            raise PydanticCustomError(
                "column-and-constant", "a field is read from a column or is a constant, not both"
            )
        return self


class CsvControl(Model):
    """Spec: https://framework.frictionlessdata.io/docs/formats/csv.html ."""

    delimiter: str | None = Key(None, min_length=1, max_length=1)
    line_terminator: str | None = None
    quote_char: str | None = Key(None, min_length=1, max_length=1)
    double_quote: bool | None = None
    escape_char: str | None = Key(None, min_length=1, max_length=1)
    null_sequence: str | None = None
    skip_initial_space: bool | None = None


class JsonControl(Model):
    """Spec: https://framework.frictionlessdata.io/docs/formats/json.html ."""

    keyed: bool | None = None
    keys: tuple[str, ...] | None = None
    property: str | None = None
    """Where the records are inside the document, such as ``result.records``."""


class ExcelControl(Model):
    """Spec: https://framework.frictionlessdata.io/docs/formats/excel.html ."""

    sheet: int | str | None = None
    """Its name, or its number counted from 1."""
    fill_merged_cells: bool | None = None
    preserve_formatting: bool | None = None
    adjust_floating_point_error: bool | None = None
    stringified: bool | None = None


class OdsControl(Model):
    """Spec: https://framework.frictionlessdata.io/docs/formats/ods.html ."""

    sheet: int | str | None = None


class Dialect(Model):
    """What a Frictionless Dialect descriptor may hold, to find what it may not."""

    header: bool | None = None
    header_rows: tuple[Annotated[int, Key(gt=0)], ...] | None = None
    header_join: str | None = None
    header_case: bool | None = None
    comment_char: str | None = None
    comment_rows: tuple[Annotated[int, Key(gt=0)], ...] | None = None
    skip_blank_rows: bool | None = None
    csv: CsvControl | None = None
    json_: JsonControl | None = Key(None, alias="json")
    excel: ExcelControl | None = None
    ods: OdsControl | None = None


def _dialect(descriptor: Mapping[str, Any]) -> Mapping[str, Any]:
    Dialect.model_validate_json(orjson.dumps(descriptor), strict=True, by_alias=True, by_name=False)
    return descriptor


class Harvest(Model):
    source: SourceSpec
    every: Duration | None = None
    cron: str | None = None
    mode: Mode | None = None
    """Default: merge where the schema has a primary key, else append."""
    format: DeliveryFormat | None = None
    """Default: told by the dialect's control, the name's ending or the media type."""
    profile: ProfileName | None = None
    """How the source writes text; it fills in what is not stated of `encoding`, `dialect`,
    `timezone` and the fields."""
    encoding: str | None = None
    """Default: UTF-8, strictly; a byte order mark is dropped."""
    dialect: Annotated[Mapping[str, Any], AfterValidator(_dialect)] = {}
    """Frictionless Dialect descriptor of the source's files."""
    timezone: Zone | None = None
    """Of times without an offset; UTC otherwise."""
    fields: Mapping[FieldName, FieldView] = {}
    max_bad: Share = 0.05
    max_shrink: Share | None = None
    lag: Duration | None = None
    history: Duration | None = None
    checks: tuple[Check, ...] = ()

    @property
    def text_profile(self) -> Profile | None:
        return PROFILES[self.profile] if self.profile else None

    @property
    def read_encoding(self) -> str | None:
        """The encoding as stated, or else by the profile."""
        return self.encoding or (self.text_profile.encoding if self.text_profile else None)

    @property
    def read_dialect(self) -> Mapping[str, Any]:
        return self.text_profile.dialect(self.dialect) if self.text_profile else self.dialect

    @property
    def read_timezone(self) -> str | None:
        return self.timezone or (self.text_profile.timezone if self.text_profile else None)

    @model_validator(mode="after")
    def _one_schedule(self) -> "Harvest":
        if self.every is not None and self.cron is not None:
            raise PydanticCustomError("every-and-cron", "state either every or cron, not both")
        return self


class Resource(Model):
    """One table of a dataset."""

    name: Name
    path: str
    """The file name it is published under."""
    schema_path: str = Key(alias="schema")
    """Of the schema file, relative to the dataset file."""
    title: str | None = None
    description: str | None = None
    interval: Duration | None = None
    """How often each entity reports."""
    harvest: Harvest | None = None
    translations: Mapping[str, Translation] = {}
    format: str | None = None
    mediatype: str | None = None
    encoding: str | None = None
    profile: Literal["data-resource", "tabular-data-resource"] | None = None
    licenses: tuple[License, ...] = ()
    sources: tuple[DataSource, ...] = ()


class Publish(Model):
    access: Literal["public"] | None = None
    """Without it the dataset is a draft."""
    targets: tuple[Name, ...] = ()
    every: Duration | None = None
    """Bulk files and targets are brought up to date this often; after every commit otherwise."""
    formats: tuple[Literal["csv", "parquet"], ...] = ("csv", "parquet")
    keep: tuple[KeptField, ...] = ()
    """Fields at CKAN targets that their editors look after."""


def _created(text: str) -> str:
    try:
        datetime.fromisoformat(text)
        with_time = text[10:11] == "T"
    except ValueError:
        with_time = False
    if not with_time:
        raise PydanticCustomError("wrong-created", "a time is written like 2026-01-31T12:00:00Z")
    return text


class Dataset(Model):
    name: Name
    title: str
    description: str | None = None
    publisher: Name
    keywords: tuple[str, ...] = ()
    themes: tuple[Theme, ...] = ()
    licenses: tuple[License, ...] = ()
    update_frequency: Frequency | None = None
    translations: Mapping[str, Translation] = {}
    resources: tuple[Resource, ...] = Key(min_length=1)
    publish: Publish = Publish()
    id: str | None = None
    version: str | None = None
    homepage: str | None = None
    created: Annotated[str, AfterValidator(_created)] | None = None
    image: str | None = None
    profile: Literal["data-package", "tabular-data-package"] | None = None
    """Of Data Package 1; any other would have Frictionless fetch it."""
    standard: Standard | None = Key(None, alias="$schema")
    """The Data Package it is written in; 1 where it says nothing."""
    sources: tuple[DataSource, ...] = ()
    contributors: tuple[Contributor, ...] = ()
    access_rights: AccessRights = "PUBLIC"
    hvd_categories: tuple[Annotated[str, AfterValidator(_category)], ...] = ()
    spatial: Spatial = Spatial()
    temporal: Temporal | None = None
    contact_point: ContactPoint | None = None
    """The publisher's own address where it is not stated."""
    languages: tuple[Annotated[str, AfterValidator(_language)], ...] = ()
    """Danish and those of the translations where none is stated."""
    conforms_to: tuple[str, ...] = ()
    """Addresses of standards that the data follow."""
    provenance: str | None = None
    rights: str | None = None

    @property
    def public(self) -> bool:
        return self.publish.access == "public"

    @property
    def stated_targets(self) -> tuple[str, ...]:
        """Where it goes once it is public: ``folder`` where nothing is said."""
        stated = "targets" in self.publish.model_fields_set
        return self.publish.targets if stated else ("folder",)

    @property
    def targets(self) -> tuple[str, ...]:
        """Where it is to be published now: nowhere, as long as it is a draft."""
        return self.stated_targets if self.public else ()
