"""Several tables as one relation, whose rows say which table they are of.

It has the fields that any of the tables has; where a table lacks one its rows have null. Numbers
in another unit than the first table's are converted. Fields of one name that hold different types
are text, as each table's own answers write them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from publisher.engine import identifier, literal
from publisher.errors import ConfigurationError
from publisher.model.query import ROW, Member
from publisher.model.schema import Field
from publisher.model.table import TableState, sql_type
from publisher.query.relations import empty_source
from publisher.query.sql import converted, rendered
from publisher.query.times import fault
from publisher.query.values import read_names
from publisher.store import Store
from publisher.validation.units import conversion

SOURCE, DATASET, TABLE = "_source", "_dataset", "_table"
ORIGINAL, UNIT = "_original_", "_unit_"
"""Before a field's name: its number as its table has it, and the unit of that."""
SPREAD = 64
"""More than tables can be united: a row's id times this and its table's number is its id among all.

It does not hang on how many tables there are, so that it stays the same where one comes or goes.
"""
_NUMBERS = frozenset({"integer", "number"})
_NO_UNITS: Mapping[str, str] = MappingProxyType({})
_TEXT = Field(name="text", type="string")


@dataclass(frozen=True, slots=True)
class Part:
    """One of the tables, and what it shows at its version."""

    member: Member
    fields: Mapping[str, Field]
    key: tuple[str, ...]
    state: TableState | None
    """Of its newest version; None of a partner's."""
    relation: tuple[str, Sequence[object]] | None = None
    """Where its rows stand, where that is not in the store."""


def united_fields(
    parts: Sequence[Part], original: str | None = None, units: Mapping[str, str] = _NO_UNITS
) -> dict[str, Field]:
    """Give the fields that the rows of all *parts* have together.

    *original* names those that are wanted as their tables have them too; *units* are those that
    fields have already. A role is kept where no table has it on another field. Raises
    ParameterError where numbers of one name cannot be converted to one unit.
    """
    fields = {name: _text(name) for name in (SOURCE, DATASET, TABLE)}
    names = dict.fromkeys(name for part in parts for name in part.fields)
    for name in names:
        same = [part.fields[name] for part in parts if name in part.fields]
        fields[name] = _united(name, same, parts, units.get(name))
    for name in () if original is None else read_names("original", original, fields):
        if fields[name].type not in _NUMBERS:
            raise fault("field-without-unit", "original", name)
        fields[f"{ORIGINAL}{name}"] = _number(f"{ORIGINAL}{name}")
        fields[f"{UNIT}{name}"] = _text(f"{UNIT}{name}")
    return fields


def common_key(parts: Sequence[Part]) -> tuple[str, ...]:
    """Give the key that all tables have; nothing where they differ in it."""
    keys = {part.key for part in parts}
    return keys.pop() if len(keys) == 1 else ()


def united_relation(
    store: Store, parts: Sequence[Part], fields: Mapping[str, Field]
) -> tuple[str, Sequence[object]]:
    """Give a FROM item with the *fields*, and an id of each row among those of all tables."""
    selects = []
    values: list[object] = []
    for number, part in enumerate(parts):
        member = part.member
        if part.relation is not None:
            text, parameters = part.relation
        elif member.version:
            text, parameters = store.relation(member.table, member.version)
        else:
            text, parameters = empty_source(part.fields.values()).text, []
        columns = list(columns_of(part, fields))
        columns.append(f"{ROW} * {SPREAD} + {number} AS {ROW}")
        selects.append(f"SELECT {', '.join(columns)} FROM {text} AS t")  # noqa: S608
        values += parameters
    if not selects:
        return empty_source(fields.values()).text, []
    return f"({' UNION ALL '.join(selects)})", values


def columns_of(part: Part, fields: Mapping[str, Field]) -> Iterator[str]:
    """Give for each of the *fields* what it is of the part's own; null where it has none."""
    member = part.member
    told = {
        SOURCE: literal(member.source),
        DATASET: literal(member.table.dataset),
        TABLE: literal(member.table.table),
    }
    for name, field in fields.items():
        own = part.fields.get(name.removeprefix(ORIGINAL))
        if name.startswith(UNIT):
            unit = getattr(part.fields.get(name.removeprefix(UNIT)), "unit", None)
            own, told[name] = None, "CAST(NULL AS VARCHAR)" if unit is None else literal(unit)
        yield f"{told.get(name) or _cell(own, field)} AS {identifier(name)}"


def units_of(fields: Iterable[Field]) -> dict[str, str]:
    """Give the unit of each of the *fields* that has one."""
    return {it.name: it.unit for it in fields if it.unit is not None}


def _united(name: str, same: Sequence[Field], parts: Sequence[Part], unit: str | None) -> Field:
    first = same[0]
    role = first.role
    if role is not None and (
        any(it.role != role for it in same)
        or any(it.role == role for part in parts for it in part.fields.values() if it.name != name)
    ):
        role = None
    if {it.type for it in same} <= _NUMBERS:
        units = {it.unit for it in same}
        if len({sql_type(it) for it in same}) == 1 and len(units) == 1 and unit in {None, *units}:
            return first.model_copy(update={"role": role})
        stated = [it for it in same if it.unit]
        if unit is None and len(stated) == len(same):
            unit = first.unit
        for other in stated[1:]:
            _check_unit(name, stated[0], other, alike=unit is None)
        number = {"type": "number", "decimal": None, "unit": unit, "role": role}
        return first.model_copy(update=number)
    if len({it.type for it in same}) == 1:
        return first.model_copy(update={"role": role})
    return _text(name)


def _check_unit(name: str, first: Field, other: Field, *, alike: bool) -> None:
    """Raise ParameterError where one cannot become the other, or has to be *alike* and is not."""
    try:
        conversion(str(other.unit), str(first.unit))
    except ConfigurationError:
        fits = False
    else:
        fits = not alike or other.unit == first.unit
    if not fits:
        raise fault("units-differ", "from", name, units=f"{first.unit}, {other.unit}")


def _cell(own: Field | None, wanted: Field) -> str:
    """Give the expression of a table's *own* field as the *wanted* one."""
    kind = sql_type(wanted)
    if own is None:
        return f"CAST(NULL AS {kind})"
    if wanted.type in {own.type, "number"}:
        if own.unit != wanted.unit and own.unit is not None and wanted.unit is not None:
            how = conversion(own.unit, wanted.unit)
            return converted(own, (how.factor, how.offset))
        same = sql_type(own) == kind
        return identifier(own.name) if same else f"CAST({identifier(own.name)} AS {kind})"
    return f"CAST({rendered(own, 'UTC', 'csv')} AS {kind})"


def _number(name: str) -> Field:
    return _text(name).model_copy(update={"type": "number"})


def _text(name: str) -> Field:
    # Its name may be one that no schema's field can have
    return _TEXT.model_copy(update={"name": name})
