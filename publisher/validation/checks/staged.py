"""The rows of a file that is validated, typed as the checks look at them.

They are typed in the engine where their cells are proved, as in a harvest; the others by
Frictionless' readers.
"""

# ruff: noqa: S608 - the names are ours or quoted
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import orjson
from frictionless import Field as FrictionlessField
from frictionless import FrictionlessException
from frictionless.formats import CsvControl
from frictionless.resources import TableResource

from publisher.engine import Connection, identifier
from publisher.model.schema import Field, FieldType, Schema
from publisher.model.table import sql_type
from publisher.validation.proof.cells import NUMBER, UnsplittableError
from publisher.validation.proof.exact import Table
from publisher.validation.proof.scan import scanning
from publisher.validation.rows import BAD, ROW
from publisher.validation.spool import spool
from publisher.validation.storing import UnstorableError, check_text, encoder

Opened = Callable[[], TableResource]
_TYPED = {"string", "number", "integer", "datetime", "date"}
"""What a proved cell of theirs is in the engine, a stored one is as well."""


def schema_of(resource: TableResource) -> Schema:
    """Make our schema of a resource's: as far as the checks ask, and whatever it is called."""
    fields = tuple(_field(each) for each in resource.schema.fields)
    return Schema.model_construct(
        name=resource.schema.name or "",
        version="",
        fields=fields,
        primary_key=tuple(resource.schema.primary_key),
        foreign_keys=(),
    )


def _field(theirs: FrictionlessField) -> Field:
    told = theirs.to_descriptor()
    return Field.model_construct(
        name=theirs.name,
        type=cast("FieldType", theirs.type),
        role=told.get("role"),
        unit=told.get("unit"),
    )


def stage(con: Connection, opened: Opened, schema: Schema, file: Path, folder: Path) -> None:
    """Make `judged_good` of the rows of *file*, good or bad."""
    try:
        _stage_proved(con, opened, schema, file, folder)
    except UnsplittableError:
        _stage_read(con, opened, schema, folder)


def _columns(schema: Schema) -> dict[str, str]:
    fields = {field.name: sql_type(field) for field in schema.fields}
    return {ROW: "BIGINT", BAD: "BOOLEAN", **fields}


def _stage_proved(
    con: Connection,
    opened: Opened,
    schema: Schema,
    file: Path,
    folder: Path,
) -> None:
    """Raise UnsplittableError where only Frictionless can tell the rows."""
    if not {field.type for field in schema.fields} <= _TYPED:
        raise UnsplittableError
    resource = opened()
    if resource.format not in {"csv", "tsv"}:
        raise UnsplittableError
    try:
        resource.open()  # type: ignore[no-untyped-call]
    except FrictionlessException as error:
        raise UnsplittableError from error
    encode = [encoder(field) for field in schema.fields]
    with resource, spool(folder, "wrong") as wrong, spool(folder, "staged") as doubted:
        table = Table(resource)
        if [field.name for field in table.fields] != list(schema.by_name):
            raise UnsplittableError
        delimiter = CsvControl.from_dialect(resource.dialect).delimiter
        plain = table.plain(file, scanning(file, delimiter.encode()))
        proof = table.load(con, plain, folder)
        table.judge_rows(
            con, proof, folder, lambda found: wrong.add({"position": found[0]["rowNumber"]})
        )
        for number, values in table.doubtful(con, proof):
            row = {ROW: number}
            for field, value, code in zip(schema.fields, values, encode, strict=False):
                if (encoded := _encoded(value, code)) is not None:
                    row[field.name] = encoded
            doubted.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        doubted.load(con, "judged_good", _columns(schema))
        wrong.load(con, "judged_wrong", {"position": "BIGINT"})
        typed = ", ".join(
            f"CAST({value} AS {sql_type(field)}) AS {identifier(field.name)}"
            for field, value in zip(schema.fields, table.values, strict=True)
        )
        con.execute(
            f"INSERT INTO temp.judged_good BY NAME SELECT {NUMBER} AS {ROW}, {typed} "
            f"FROM {table.proved(proof)}"
        )
        con.execute(
            f"UPDATE temp.judged_good SET {BAD} = true "
            f"WHERE {ROW} IN (SELECT position FROM temp.judged_wrong)"
        )
        con.execute("DROP TABLE temp.judged_wrong")
        con.execute("DROP TABLE temp.judged_cells")


def _stage_read(con: Connection, opened: Opened, schema: Schema, folder: Path) -> None:
    encode = {field.name: encoder(field) for field in schema.fields}
    with spool(folder, "staged") as file:
        for row in _stream(opened):
            values: dict[str, Any] = {ROW: row.row_number}
            for name in encode.keys() & set(row.field_names):
                value = _encoded(row[name], encode[name])
                if value is not None:
                    values[name] = value
            if not row.valid:
                values[BAD] = True
            file.write(orjson.dumps(values, option=orjson.OPT_APPEND_NEWLINE))
        file.load(con, "judged_good", _columns(schema))


def _encoded(value: Any, encode: Callable[[Any], Any] | None) -> Any:
    """Give a value as the engine takes it; None where it cannot: it is not checked then."""
    if value is None:
        return None
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    try:
        check_text(value)
        return encode(value) if encode else value
    except UnstorableError:
        return None


def _stream(opened: Opened) -> Iterator[Any]:
    """Give the rows that Frictionless can read."""
    with opened() as resource:
        while True:
            try:
                yield next(resource.row_stream)
            except StopIteration:
                return
            except FrictionlessException:
                continue
