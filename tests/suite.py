"""Frictionless' own tests, asked of Publisher's validator: what they read or validate, it judges.

`asking` makes their calls come here: ``Field.read_cell`` of a text, a table's ``validate`` and
the loading of fields and schemas. Each is put as a schema and a file to both validators, whose
whole reports must be the same, and it is ours that the test then sees.
"""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from frictionless import (
    Checklist,
    Dialect,
    Field,
    FrictionlessException,
    Report,
    Resource,
    Schema,
    system,
)
from frictionless.metadata import Metadata
from frictionless.resources import TableResource

from publisher.errors import ConfigurationError, UsageError
from publisher.validation import lean
from publisher.validation import report as reports
from publisher.validation.reporting import Report as OurReport
from publisher.validation.validate import validated

PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
VALIDATE = Resource.validate
"""Frictionless' own."""
_NO_SCHEMA = {"fields": [{"name": "x", "type": "any"}]}
_TEMPLATE = {"csv": {"delimiter": ","}}

# Why a question of the suite is put to Frictionless alone
NO_TEXT = "a cell that is no text cannot stand in a CSV file"
NOT_A_TABLE = "an inline table of other than lists of scalars cannot stand in a CSV file"
STATED = "hash, bytes and rows are stated by a package, and `publisher validate` is given none"
PYTHON = "a check that is written in Python cannot be listed"
LIMIT_ROWS = "a file is always read to its end"
COMPRESSION = "how a file is compressed is told by its name"
PACKAGE = "a package is no single file"
NOWHERE = "a schema that is nowhere is no finding: `publisher validate` refuses the call"
VERSION = (
    "Frictionless refuses what is of version 2 in a schema that no resource of version 2 has, "
    "and so a file and a schema cannot ask it"
)
EXCEPTIONS = {
    NO_TEXT: 121,
    VERSION: 14,
    STATED: 13,
    NOT_A_TABLE: 3,
    PYTHON: 3,
    LIMIT_ROWS: 1,
    COMPRESSION: 1,
    PACKAGE: 8,
    NOWHERE: 1,
}
"""All such reasons, and how many questions of the locked version each is of."""


@dataclass
class Tally:
    """What became of the questions."""

    paths: Counter[str] = field(default_factory=Counter)
    alone: Counter[str] = field(default_factory=Counter)
    """By the reason why Frictionless alone was asked."""
    tests: set[str] = field(default_factory=set)
    """Those that ran."""
    asked: set[str] = field(default_factory=set)
    """Those in which both were asked something."""
    beyond: set[str] = field(default_factory=set)
    """Those in which Frictionless alone was asked something."""

    def leave(self, test: str, reason: str) -> None:
        self.beyond.add(test)
        self.alone[reason] += 1


class BeyondError(Exception):
    """The question cannot be put to Publisher; the reason."""


@dataclass(frozen=True)
class Question:
    file: Path
    schema: dict[str, Any]
    dialect: dict[str, Any] | None = None
    encoding: str | None = None
    limit: int | None = None
    checks: list[dict[str, Any]] = field(default_factory=list)


class Asker:
    """Puts questions to both, in *folder*."""

    def __init__(self, folder: Path, tally: Tally) -> None:
        self._folder = folder
        self._tally = tally
        self._path = ""
        self.busy = False

    def ask(self, question: Question) -> dict[str, Any] | None:
        """Give the report of both, or None where both refuse the schema."""
        expected = self._frictionless(question)
        path = self._folder / "schema.json"
        path.write_bytes(orjson.dumps(question.schema))
        self._path = "proved, or judged by its readers"
        try:
            with validated(
                question.file,
                path,
                dialect=question.dialect,
                encoding=question.encoding,
                limit_errors=question.limit,
                checks=question.checks,
            ) as found:
                ours = found.descriptor
        except (ConfigurationError, UsageError):
            assert expected is None
            self._tally.paths["refused"] += 1
            return None
        assert expected is not None
        assert _timeless(ours) == _timeless(expected)
        self._tally.paths[self._path] += 1
        return ours

    def _frictionless(self, question: Question) -> dict[str, Any] | None:
        options: dict[str, Any] = {"encoding": question.encoding} if question.encoding else {}
        limit = {"limit_errors": question.limit} if question.limit else {}
        try:
            if question.dialect:
                options["dialect"] = Dialect.from_descriptor(question.dialect)
            schema = Schema.from_descriptor(question.schema)
            if not question.file.is_file():
                return None
            resource = TableResource(
                path=str(question.file), scheme="file", schema=schema, **options
            )
            checklist = None
            if question.checks:
                checklist = Checklist.from_descriptor({"checks": question.checks})
            descriptor: dict[str, Any] = VALIDATE(resource, checklist, **limit).to_descriptor()
        except FrictionlessException:
            return None
        return descriptor

    def cell(self, of: Field, text: str) -> dict[str, str] | None:
        """Give what is wrong with the text, as `read_cell` would."""
        delimiter = next((it for it in ",;|\t" if it not in text), ",")
        file = self._folder / "cell.csv"
        with file.open("w", encoding="utf-8", newline="") as target:
            csv.writer(target, delimiter=delimiter).writerows([["cell", "row"], [text, "1"]])
        descriptor = {**of.to_descriptor(), "name": "cell"}
        if of.schema and not of.has_defined("missing_values"):
            descriptor["missingValues"] = of.schema.missing_values
        schema = _dated({"fields": [descriptor, {"name": "row", "type": "integer"}]})
        dialect = {"csv": {"delimiter": delimiter}}
        found = self.ask(Question(file, schema, dialect, "utf-8"))
        assert found is not None
        notes = {}
        for error in found["tasks"][0]["errors"]:
            if "rowNumber" not in error:
                raise BeyondError(VERSION)
            rule = re.search(r'constraint "(\w+)"', error["note"])
            is_type = error["type"] == "type-error"
            notes["type" if is_type or rule is None else rule[1]] = error["note"]
        return notes or None

    def schema(self, descriptor: Any) -> bool:
        """Tell whether the schema is taken."""
        file = self._folder / "header.csv"
        file.write_text("cell,row\na,1\n")
        if isinstance(descriptor, str):
            descriptor = orjson.loads(Path(descriptor).read_bytes())
        return self.ask(Question(file, descriptor, _TEMPLATE, "utf-8")) is not None

    def table(self, resource: Any, checklist: Checklist | None, options: Any) -> Any:
        """Give our report on the table; None where both refuse it. Raises BeyondError.

        Of a report of which errors are picked, which is no part of a schema, both tell the whole.
        """
        found = self.ask(self._stated(resource, checklist, dict(options)))
        picked = checklist and (checklist.pick_errors or checklist.skip_errors)
        return None if found is None or picked else Report.from_descriptor(found)

    def _stated(self, of: Any, checklist: Checklist | None, options: dict[str, Any]) -> Question:
        """State what the resource is by a file, a schema and a dialect."""
        limit = options.pop("limit_errors", None)
        checks = _checks(checklist)
        if any(options.values()) or not isinstance(of, TableResource):
            raise BeyondError(LIMIT_ROWS if options.get("limit_rows") else PYTHON)
        if of.hash or of.bytes or of.rows:
            raise BeyondError(STATED)
        if of.package or of.multipart or of.remote:
            raise BeyondError(PACKAGE)
        dialect = of.dialect.to_descriptor() or None
        if of.memory:
            dialect, file = {**(dialect or {}), **_TEMPLATE}, self._inline(of)
            schema = of.schema.to_copy() if of.schema else None
            of = TableResource(path=str(file), schema=schema, detector=of.detector)
            of.dialect = Dialect.from_descriptor(dialect)
            return Question(file, _schema(of), dialect, "utf-8", limit, checks)
        if of.compression and not of.normpath.endswith(f".{of.compression}"):
            raise BeyondError(COMPRESSION)
        encoding = of.get_defined("encoding") if of.has_defined("encoding") else None
        return Question(Path(of.normpath), _schema(of), dialect, encoding, limit, checks)

    def _inline(self, of: Any) -> Path:
        rows = of.data
        plain = isinstance(rows, list) and all(
            isinstance(row, list) and not any(isinstance(it, list | dict) for it in row)
            for row in rows
        )
        if not plain:
            raise BeyondError(NOT_A_TABLE)
        file = self._folder / "memory.csv"
        with file.open("w", encoding="utf-8", newline="") as target:
            csv.writer(target).writerows(rows)
        return file

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note which way each file takes."""
        with pytest.MonkeyPatch.context() as patch:
            proved, whole = lean.proved_clean, reports.outright

            def prove(*args: Any, **options: Any) -> Any:
                found = proved(*args, **options)
                if isinstance(found, OurReport):
                    self._path = "proved without Frictionless"
                return found

            def hand_over(*args: Any, **options: Any) -> Any:
                self._path = "judged by Frictionless outright"
                return whole(*args, **options)

            patch.setattr(lean, "proved_clean", prove)
            patch.setattr(reports, "outright", hand_over)
            yield


def _timeless(report: Mapping[str, Any]) -> Any:
    plain = orjson.loads(orjson.dumps(report))
    for stats in (plain["stats"], *(task["stats"] for task in plain["tasks"])):
        stats.pop("seconds", None)
    return plain


def _dated(schema: dict[str, Any]) -> dict[str, Any]:
    """State the version of the schema, where what it says is of a later one than the first."""
    try:
        Schema.from_descriptor(schema)
    except FrictionlessException:
        return {"$schema": PROFILE, **schema}
    return schema


def _schema(of: Any) -> dict[str, Any]:
    """Give the schema that the resource is validated by: its own, or what is found in the data.

    Raises BeyondError where its own is not there.
    """
    try:
        with of.to_copy() as copy:
            found = copy.schema.to_descriptor()
    except FrictionlessException:
        try:
            found = of.schema.to_descriptor() or _NO_SCHEMA
        except FrictionlessException as error:
            raise BeyondError(NOWHERE) from error
    if of.detector.schema_sync:
        found.setdefault("fieldsMatch", "partial")
    return _dated(found)


def _checks(checklist: Checklist | None) -> list[dict[str, Any]]:
    if checklist is None:
        return []
    if any(not type(check).__module__.startswith("frictionless.") for check in checklist.checks):
        raise BeyondError(PYTHON)
    return [check.to_descriptor() for check in checklist.checks]


@contextmanager
def asking(folder: Path, tally: Tally, test: str) -> Iterator[None]:
    """Have what the suite's *test* asks of Frictionless asked of Publisher too."""
    asker = Asker(folder, tally)
    read, load = Field.read_cell, Field.from_descriptor.__func__
    check = Metadata.validate_descriptor.__func__
    tally.tests.add(test)

    @contextmanager
    def occupied() -> Iterator[None]:
        asker.busy = True
        try:
            with system.use_context(trusted=True):
                yield
        finally:
            asker.busy = False
        tally.asked.add(test)

    def read_cell(self: Field, cell: Any) -> Any:
        value, notes = read(self, cell)
        if asker.busy or not _asked_by_test():
            return value, notes
        if not isinstance(cell, str):
            tally.leave(test, NO_TEXT)
            return value, notes
        try:
            with occupied():
                found = asker.cell(self, cell)
        except BeyondError as reason:
            tally.leave(test, str(reason))
            return value, notes
        assert (found or {}) == (notes or {})
        return value, found

    def from_descriptor(cls: type[Field], descriptor: Any, **options: Any) -> Any:
        if not asker.busy and _asked_by_test() and isinstance(descriptor, dict):
            schema = {"$schema": PROFILE, "fields": [{"name": "f", **descriptor}]}
            with occupied():
                taken = asker.schema(schema)
            try:
                found = load(cls, descriptor, **options)
            except FrictionlessException:
                assert not taken
                raise
            assert taken
            return found
        return load(cls, descriptor, **options)

    def validate_descriptor(cls: Any, descriptor: Any, **options: Any) -> Any:
        found = check(cls, descriptor, **options)
        if not asker.busy and _asked_by_test() and cls is Schema and not options:
            with occupied():
                assert asker.schema(descriptor) == found.valid
        return found

    def validate(self: Any, checklist: Any = None, **options: Any) -> Any:
        if asker.busy:
            return VALIDATE(self, checklist, **options)
        try:
            with occupied():
                ours = asker.table(self, checklist, options)
        except BeyondError as reason:
            tally.leave(test, str(reason))
            ours = None
        found = VALIDATE(self, checklist, **options)
        return found if ours is None else ours

    with pytest.MonkeyPatch.context() as patch, asker.watched():
        patch.setattr(Field, "read_cell", read_cell)
        patch.setattr(Field, "from_descriptor", classmethod(from_descriptor))
        patch.setattr(Metadata, "validate_descriptor", classmethod(validate_descriptor))
        patch.setattr(Resource, "validate", validate)
        yield


def _asked_by_test() -> bool:
    return "__spec__" in sys._getframe(2).f_code.co_filename
