"""Frictionless' checks as `publisher validate` runs them, its own errors' among them."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from frictionless import Check, Checklist, Error, FrictionlessException, Resource, Row
from frictionless.checks import baseline
from frictionless.errors import UniqueError

from publisher.errors import UsageError
from publisher.model.run import ROWS_NAMED, Problem
from publisher.validation.reason import reason

if TYPE_CHECKING:  # it loads the engine, which Frictionless itself does without
    from publisher.validation.profiled import Profiled

_OTHER_ROW = re.compile(r"the same as in the row at position (\d+)")
_Told = dict[tuple[str, str], list[int]]
"""Rows by check and field."""


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
        vars(found).update(
            profiled=profiled, quiet=[it.get("severity") == "warning" for it in stated], told={}
        )
        return found

    def connect(self, resource: Resource) -> list[Check]:
        known = vars(self)
        told: _Told = defaultdict(list)
        known["told"] = told
        basic, *others = super().connect(resource)
        if known["profiled"] is not None:
            basic = _Forgiving(known["profiled"].forgiving())
            basic.connect(resource)
        quiet = zip(others, known["quiet"], strict=True)
        return [basic, *(_Quiet(it, told) if warns else it for it, warns in quiet)]

    @property
    def notes(self) -> tuple[Problem, ...]:
        """What was found by the checks that only warn, when they were run last."""
        return tuple(
            Problem(
                "check-warning",
                {
                    "check": check,
                    "field": field or "-",
                    "count": len(rows),
                    "rows": ", ".join(map(str, [row for row in rows if row][:ROWS_NAMED])) or "-",
                },
            )
            for (check, field), rows in vars(self)["told"].items()
        )


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

    def __init__(self, check: Check, told: _Told) -> None:
        super().__init__()
        self._check, self._told = check, told

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
            about = (self._check.type, getattr(error, "field_name", ""))
            self._told[about].append(getattr(error, "row_number", 0))
