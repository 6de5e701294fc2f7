"""Frictionless' checks as `publisher validate` runs them, its own errors' among them."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frictionless import Check, Checklist, Error, FrictionlessException, Resource, Row
from frictionless.checks import baseline
from frictionless.errors import UniqueError

from publisher.errors import UsageError
from publisher.model.run import ROWS_NAMED, Problem
from publisher.validation.checks.theirs import place_of
from publisher.validation.reason import reason

if TYPE_CHECKING:  # it loads the engine, which Frictionless itself does without
    from publisher.validation.profiled import Profiled

_OTHER_ROW = re.compile(r"the same as in the row at position (\d+)")
_MOST_NOTES = 100
"""Of one check, about the file as a whole."""


class Listed(Checklist):
    """A list of checks, of which some only warn; by a profile some keys may stand twice."""

    @classmethod
    def of(cls, stated: Sequence[Mapping[str, Any]], profiled: "Profiled | None") -> "Listed":
        """Read descriptors, with the key ``severity``. Raises UsageError ``wrong-check``."""
        plain = [{key: it[key] for key in it if key != "severity"} for it in stated]
        try:
            found = cls.from_descriptor({"checks": plain})
        except FrictionlessException as error:
            raise UsageError("wrong-check", reason=reason(error)) from error
        quiet = [it.get("severity") == "warning" for it in stated]
        vars(found).update(profiled=profiled, quiet=quiet, heard=())
        return found

    def connect(self, resource: Resource) -> list[Check]:
        known = vars(self)
        basic, *others = super().connect(resource)
        if known["profiled"] is not None:
            basic = _Forgiving(known["profiled"].forgiving())
            basic.connect(resource)
        listed = [
            _Quiet(it) if warns else it for it, warns in zip(others, known["quiet"], strict=True)
        ]
        known["heard"] = [it for it in listed if isinstance(it, _Quiet)]
        return [basic, *listed]

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What was found by the checks that only warn, when they were run last."""
        return tuple(note for check in vars(self)["heard"] for note in check.notes())


class _Forgiving(baseline):
    def __init__(self, forgives: Callable[[int, Mapping[str, str], int], bool]) -> None:
        super().__init__()
        self._forgives = forgives

    def validate_row(self, row: Row) -> Iterable[Error]:
        return (error for error in row.errors if not self._forgiven(row, error))

    def _forgiven(self, row: Row, error: Error) -> bool:
        found = _OTHER_ROW.fullmatch(error.note)
        if found is None:
            return False
        schema = self.resource.schema
        key = [error.field_name] if isinstance(error, UniqueError) else schema.primary_key
        texts = dict(zip(row.field_names, row.cells, strict=False))
        return self._forgives(row.row_number, {name: texts[name] for name in key}, int(found[1]))


class _Quiet(Check):
    """Tells what another check finds, without its being an error."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check
        self._counts: Counter[str] = Counter()
        """Rows by field."""
        self._rows: dict[str, list[int]] = {}
        """The first of them."""
        self._notes: list[str] = []

    def notes(self) -> Iterator[Problem]:
        check = self._check.type
        for field, count in self._counts.items():
            rows = ", ".join(map(str, self._rows[field]))
            about = {"check": check, "field": field or "-", "count": count, "rows": rows}
            yield Problem("check-warning", about)
        for note in sorted(self._notes):
            yield Problem("delivery-warning", {"check": check, "note": note})

    def validate_start(self) -> Iterable[Error]:
        return self._unheard(self._check.validate_start())

    def validate_row(self, row: Row) -> Iterable[Error]:
        return self._unheard(self._check.validate_row(row))

    def validate_end(self) -> Iterable[Error]:
        return self._unheard(self._check.validate_end())

    def _unheard(self, found: Iterable[Error]) -> Iterable[Error]:
        for error in found:
            if error.type == "check-error":
                yield error  # it cannot be run at all
                continue
            row, field = place_of(error)
            if row is None:
                if len(self._notes) < _MOST_NOTES:
                    self._notes.append(error.note)
                continue
            self._counts[field] += 1
            rows = self._rows.setdefault(field, [])
            if len(rows) < ROWS_NAMED:
                rows.append(row)
