"""`publisher validate`: Frictionless' own report on a file, and exact totals beside it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frictionless import Dialect, FrictionlessException, Resource, Schema, settings, system
from frictionless import Report as FrictionlessReport
from frictionless.resources import TableResource

from publisher.errors import ConfigurationError, UsageError


@dataclass(frozen=True)
class Report:
    descriptor: Mapping[str, Any]
    """Frictionless' report as it gives it, its truncation included."""
    rows: int
    errors: int
    """In the whole file, however many the report holds."""
    by_rule: Mapping[str, int]

    @property
    def valid(self) -> bool:
        return not self.errors


def validate_file(
    file: Path,
    schema: Path,
    *,
    dialect: Mapping[str, Any] | None = None,
    encoding: str | None = None,
    limit_errors: int | None = None,
) -> Report:
    """Validate a local file as Frictionless does; *limit_errors* is 1,000 if not stated.

    Raises UsageError ``no-such-file``, ConfigurationError ``unusable-schema`` for a schema or
    dialect Frictionless cannot read, ``frictionless-crash`` where it breaks down. Errors beyond
    the limit are counted and let go; of the rows only their keys are kept, as Frictionless
    keeps them.
    """
    for path in (file, schema):
        if not path.is_file():
            raise UsageError("no-such-file", file=str(path))
    options: dict[str, Any] = {"encoding": encoding} if encoding else {}
    # Trusted, for Frictionless takes paths from elsewhere only then; a file that is there and a
    # stated scheme keep it from ever taking one for a URL.
    with _explained(), system.use_context(trusted=True):
        parsed = Schema.from_descriptor(str(schema))

        def resource() -> Resource:
            if dialect:
                options["dialect"] = Dialect.from_descriptor(dict(dialect))
            return Resource(path=str(file), scheme="file", schema=parsed.to_copy(), **options)

        found = resource().validate(limit_errors=limit_errors or settings.DEFAULT_LIMIT_ERRORS)
        rows, rules = _count(resource()) if _truncated(found) else _counted(found)
    return Report(found.to_descriptor(), rows, rules.total(), dict(rules.most_common()))


def _truncated(report: FrictionlessReport) -> bool:
    return any("error limit" in warning for task in report.tasks for warning in task.warnings)


def _counted(report: FrictionlessReport) -> tuple[int, Counter[str]]:
    rules = Counter(error.type for error in report.errors)
    rows = 0
    for task in report.tasks:
        rules.update(error.type for error in task.errors)
        rows += int(task.stats.get("rows") or 0)
    return rows, rules


def _count(resource: Resource) -> tuple[int, Counter[str]]:
    """Count the errors of every row, as Frictionless' validation does but keeping none."""
    rows = 0
    rules: Counter[str] = Counter()
    if not isinstance(resource, TableResource):
        return rows, rules
    with resource:
        rules.update(error.type for error in resource.header.errors)
        while True:
            try:
                row = next(resource.row_stream)
            except StopIteration:
                return rows, rules
            except FrictionlessException as error:
                rules[error.error.type] += 1
                continue
            rows += 1
            rules.update(error.type for error in row.errors)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FrictionlessException as error:
        reason = "; ".join(part.note for part in (error.reasons or [error.error]))
        raise ConfigurationError("unusable-schema", reason=reason) from error
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        # It compares and hashes cells unguarded: a bound of another type, a key of arrays
        raise ConfigurationError("frictionless-crash", reason=str(error)) from error
