"""Judges small deliveries the way a harvest does; shared by the validation tests."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from publisher.engine import Connection, Engine
from publisher.model.catalog import TableEntry
from publisher.model.dataset import Dataset
from publisher.model.run import Delivery
from publisher.model.schema import Schema
from publisher.model.table import QuarantinedRow
from publisher.validation.judge import Judgement, Validator


def entry(schema: Mapping[str, Any], **harvest: Any) -> TableEntry:
    """Make the entry of a table whose schema and harvest say so."""
    resource = {
        "name": "observations",
        "path": "observations.csv",
        "schema": "schema.yaml",
        "harvest": {"source": {"type": "file", "path": "inbox/*"}, **harvest},
    }
    dataset = Dataset.model_validate(
        {"name": "made-up", "title": "Made up", "publisher": "nobody", "resources": [resource]}
    )
    table = Schema.model_validate({"name": "made-up", "version": "1.0.0", **schema})
    return TableEntry(dataset, dataset.resources[0], table)


@dataclass
class Court:
    """An engine, a folder, and what the last judgement left."""

    con: Connection
    folder: Path
    relations: dict[str, str] = field(default_factory=dict)

    def judge(
        self,
        table: TableEntry,
        content: bytes | str,
        *,
        origin: str = "delivery.csv",
        media_type: str | None = None,
        max_bytes: int = 1_000_000,
        stored: str | None = None,
    ) -> Judgement:
        raw = self.folder / "raw"
        raw.write_bytes(content.encode() if isinstance(content, str) else content)
        delivery = Delivery(
            id="1",
            ref=table.ref,
            origin=origin,
            sha256="",
            size=raw.stat().st_size,
            landed_at=datetime.now(UTC),
            media_type=media_type,
        )
        work = self.folder / "work"
        found = Validator(table).judge(
            self.con,
            delivery,
            raw,
            work=work,
            max_bytes=max_bytes,
            references=self.relations,
            stored=stored,
        )
        assert list(work.iterdir()) == []
        return found

    def rejudge(self, table: TableEntry, rows: list[QuarantinedRow]) -> Judgement:
        work = self.folder / "work"
        return Validator(table).rejudge(self.con, rows, work=work, references=self.relations)

    def quarantined(self, table: TableEntry) -> list[QuarantinedRow]:
        """Give the bad rows of the last judgement as the store would hold them."""
        return [
            QuarantinedRow(
                id=f"q{row['row_number']}",
                ref=table.ref,
                run="run",
                delivery="1",
                row_number=row["row_number"],
                labels=tuple(row["labels"]),
                cells=tuple(row["cells"]),
                errors=tuple(row["errors"]),
                version=0,
            )
            for row in self.bad()
        ]

    def good(self, columns: str = "*") -> list[tuple[Any, ...]]:
        return self.con.execute(
            f"SELECT {columns} FROM temp.judged_good ORDER BY _row_number"
        ).fetchall()

    def bad(self) -> list[dict[str, Any]]:
        found = self.con.execute(
            "SELECT row_number, labels, cells, errors, rules FROM temp.judged_bad "
            "ORDER BY row_number"
        ).fetchall()
        return [
            {
                "row_number": number,
                "labels": orjson.loads(labels),
                "cells": orjson.loads(cells),
                "errors": orjson.loads(errors),
                "rules": rules,
            }
            for number, labels, cells, errors, rules in found
        ]

    def refusals(self) -> list[tuple[int, str, str | None]]:
        """Give (row number, rule, label) of every error."""
        return [
            (row["row_number"], error["type"], error.get("fieldName"))
            for row in self.bad()
            for error in row["errors"]
        ]


@contextmanager
def court(folder: Path) -> Iterator[Court]:
    engine = Engine.open(None, work=folder)
    try:
        with engine.cursor() as con:
            yield Court(con, folder)
    finally:
        engine.close()
