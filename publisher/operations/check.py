"""``publisher check``: every problem of every file, with its place, rule and remedy."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from publisher.messages import Language
from publisher.model.base import Model
from publisher.model.schema import Reading
from publisher.registry import Described, Finding, Loaded, load
from publisher.registry.document import Document
from publisher.registry.partners import DescribedPartner, entry_of
from publisher.registry.paths import ANY, Gone, Steps
from publisher.secrets import Secrets
from publisher.validation import soundness, units

# What says how a field's cells are read, in a view and in a schema
_READING = tuple(field.alias or name for name, field in Reading.model_fields.items())
_VIEW = (*_READING, "column", "constant")
_FIELD = (*_READING, "name", "type", "constraints")


class FileProblem(Model):
    file: str
    """Relative to ``--root``."""
    line: int
    column: int
    rule: str
    severity: Literal["error", "warning"]
    message: str
    remedy: str


class ReadField(Model):
    """A field as a partner tells of it."""

    name: str
    type: str
    column: str
    """The partner's own name of it."""


class ReadTable(Model):
    """A partner's table without a schema of ours."""

    table: str
    """`dataset/table@partner`"""
    fields: tuple[ReadField, ...]


class AskedPartner(Model):
    partner: str
    tables: tuple[str, ...]
    """As ``from`` takes them."""


class Checked(Model):
    problems: tuple[FileProblem, ...]
    datasets: int
    tables: int
    partners: tuple[AskedPartner, ...] = ()
    """Those that answered, where they were asked."""
    partner_tables: tuple[ReadTable, ...] = ()
    """Whose fields were read, where partners were asked."""

    @property
    def errors(self) -> int:
        return sum(problem.severity == "error" for problem in self.problems)

    @property
    def exit_code(self) -> int:
        return 2 if self.errors else 0


@dataclass(frozen=True, slots=True)
class Told:
    """What partners told."""

    findings: tuple[Finding, ...] = ()
    tables: tuple[ReadTable, ...] = ()
    partners: tuple[AskedPartner, ...] = ()


Ask = Callable[[Loaded], Told]
"""Asks partners whether what is said of them is true."""


def check(
    root: Path, secrets: Secrets, language: Language, *, partners: Ask | None = None
) -> Checked:
    """Read catalog/ and schemas/ and prove that every table could be judged."""
    loaded = load(root, secrets)
    findings = [*loaded.problems, *_unknown_units(loaded)]
    wrong = _wrong(loaded)
    for table in loaded.tables:
        findings += _unjudgeable(table, wrong)
    for partner in loaded.partners:
        findings += _unreadable(partner)
    told = Told() if partners is None else partners(loaded)
    findings += told.findings
    return Checked(
        problems=tuple(
            FileProblem(**finding.descriptor(language))
            for finding in sorted(findings, key=lambda finding: finding.order)
        ),
        datasets=len(loaded.catalog.datasets),
        tables=len(loaded.catalog.entries),
        partners=told.partners,
        partner_tables=told.tables,
    )


def _unknown_units(loaded: Loaded) -> Iterator[Finding]:
    """Find the units of schemas that nothing could ever be converted to or from."""
    for schema in loaded.schemas:
        for index, field in enumerate(schema.model.fields):
            if field.unit is not None and not units.known(field.unit):
                path = ("fields", index, "unit")
                yield schema.document.error("unknown-unit", path, unit=field.unit)


def _unreadable(partner: DescribedPartner) -> Iterator[Finding]:
    """Find what of the views of a partner's tables cannot be compiled."""
    for ref, bound in partner.partner.tables.items():
        if bound.schema is None:
            continue
        entry = entry_of(ref, bound.spec, bound.schema)
        for part, error in soundness.faults(entry, lambda _: True):
            path = (*partner.path(ref), *part)
            yield partner.document.error(error.code, path, **error.params)


def _wrong(loaded: Loaded) -> Mapping[str, Gone]:
    """Give the places of each file that are known to be wrong."""
    places: dict[str, list[Steps]] = defaultdict(list)
    for found in loaded.errors:
        places[found.file].append(found.path)
    # What is said of a file or of a harvest as a whole is no reason to leave its fields alone
    return {
        file: Gone(path for path in paths if path and path[-1] != "harvest")
        for file, paths in places.items()
    }


def _unjudgeable(table: Described, wrong: Mapping[str, Gone]) -> Iterator[Finding]:
    """Find what of a table's view cannot be compiled: units, formats, encodings, checks.

    What is already known to be *wrong* is not told once more, nor what hangs on it.
    """
    below = (*table.path, "harvest")
    fields = {field.name: index for index, field in enumerate(table.entry.schema.fields)}

    def sure(document: Document, *paths: Steps) -> bool:
        known_wrong = wrong.get(document.file, Gone())
        return not any(
            document.lost(path) or known_wrong.holds(document.in_file(path)) for path in paths
        )

    def in_schema(name: str, *keys: str) -> bool:
        stated = ("fields", fields[name])
        return sure(table.schema.document, *((*stated, key, ANY, ANY) for key in keys))

    def in_view(*parts: str | int) -> bool:
        return sure(table.document, (*below, *parts))

    def certain(part: soundness.Part) -> bool:
        match part:
            case ("fields", str(name)):
                return (
                    in_schema(name, *_FIELD)
                    and sure(table.schema.document, ("missingValues", ANY))
                    and in_view("timezone")
                    and all(in_view(*part, key, ANY) for key in _VIEW)
                )
            case ("fields", str(name), "unit"):
                return in_schema(name, "unit", "type") and in_view(*part)
            case ("checks", int()):
                return in_view(*part, ANY, ANY)
            case (str(),):
                return in_view(*part, ANY, ANY)
            case _:
                return table.document.file not in wrong and table.schema.document.file not in wrong

    for part, error in soundness.faults(table.entry, certain):
        yield table.document.error(error.code, (*below, *part), **error.params)
