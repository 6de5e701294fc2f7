"""Questions to several tables at once: ``from=`` read, versions settled, one query made of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from publisher.engine import Connection
from publisher.errors import ParameterError
from publisher.model.catalog import TableEntry
from publisher.model.query import LOCAL, Groups, Member
from publisher.model.values import NAME, TableRef
from publisher.query.cursor import Signer
from publisher.query.grammar import Ask, Pairs, distinct, read_query, read_when
from publisher.query.groups import key_of, shown_fields
from publisher.query.names import nearest
from publisher.query.rows import (
    Prepared,
    bad_cursor,
    bound_to_query,
    check_version,
    complete_order,
    fields_at,
    query_of,
)
from publisher.query.times import fault
from publisher.query.union import Part, common_key, united_fields
from publisher.store import Store

MOST_TABLES = 50
_TABLE = re.compile(f"{NAME}/{NAME}")
_SCHEMA = "schema:"
_ALL = "*"


@dataclass(frozen=True, slots=True)
class Known:
    """What may be asked: the public tables, by name, and the partners."""

    tables: Mapping[TableRef, TableEntry]
    partners: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Tables of partners that are meant: one by its name, or all under a schema."""

    partners: tuple[str, ...]
    ref: TableRef | None = None
    schema: str | None = None
    text: str = ""
    """As it was stated."""


@dataclass(frozen=True, slots=True)
class Wanted:
    entries: tuple[TableEntry, ...]
    """Ours, each once, in the order of their names."""
    elsewhere: tuple[Elsewhere, ...] = ()


def read_from(pairs: Pairs, known: Known) -> Wanted:
    """Give the tables that ``from`` names; raises ParameterError."""
    found: dict[TableRef, TableEntry] = {}
    elsewhere: dict[Elsewhere, None] = {}
    texts = [text for name, text in pairs if name == "from"]
    if not texts:
        raise ParameterError("from-needed", parameter="from")
    if len(texts) > MOST_TABLES:
        raise ParameterError("many-tables", parameter="from", most=MOST_TABLES)
    for text in texts:
        entries, others = _named(text, known)
        found |= {entry.ref: entry for entry in entries}
        elsewhere |= dict.fromkeys(others)
        if len(found) > MOST_TABLES:
            raise ParameterError("many-tables", parameter="from", most=MOST_TABLES)
    return Wanted(tuple(found[ref] for ref in sorted(found)), tuple(elsewhere))


def prepare_several(
    con: Connection,
    store: Store,
    entries: Sequence[TableEntry],
    pairs: Pairs,
    *,
    signer: Signer,
    now: datetime,
) -> Prepared:
    """Read *pairs* as a query of the tables together, and settle the version of each.

    Raises what ``prepare`` does.
    """
    stated = distinct([pair for pair in pairs if pair[0] != "from"])
    _, as_of = read_when(stated)
    parts = tuple(local_part(con, store, entry, None, as_of) for entry in entries)
    fields = united_fields(parts, stated.values.get("original"))
    asked = read_query(stated, fields.values(), now, Ask("query"))
    order = complete_order(asked.order, key_of_parts(parts, asked.groups))
    place = None
    if asked.cursor is not None:
        tables = tuple((part.member.source, part.member.table) for part in parts)
        place = signer.place(asked.cursor, bound_to=bound_to_query(tables, asked, order))
        versions, place = place[: len(parts)], place[len(parts) :]
        if versions != [part.member.version for part in parts]:
            if asked.as_of is not None:
                raise bad_cursor()
            parts = tuple(
                local_part(con, store, entry, version, None)
                for entry, version in zip(entries, versions, strict=True)
            )
            fields = united_fields(parts, stated.values.get("original"))
            asked = read_query(stated, fields.values(), now, Ask("query"))
    members = tuple(part.member for part in parts)
    query = replace(query_of(asked, members, order), united=True)
    shown = fields if asked.groups is None else shown_fields(asked.groups, fields)
    return Prepared(query, asked, fields, shown, place, None, parts)


def key_of_parts(parts: Sequence[Part], groups: Groups | None) -> Sequence[str]:
    """Give what completes the order of the rows of all parts, or of groups of them."""
    return common_key(parts) if groups is None else key_of(groups)


def local_part(
    con: Connection, store: Store, entry: TableEntry, version: int | None, as_of: datetime | None
) -> Part:
    """Give the table at a *version*; else at the newest, by then where that is stated."""
    state = store.state(con, entry.ref)
    if version is None and state is not None:
        version = state.version
        if as_of is not None:
            version = store.version_at(con, entry.ref, as_of.replace(tzinfo=UTC))
    version = version or 0
    check_version(entry.ref, state, version)
    fields = fields_at(con, store, entry, state, version)
    key = (state.schema if state else entry.schema).primary_key
    shown = tuple(it for it in key if it in fields)
    return Part(Member(entry.ref, version), fields, shown, state)


def _named(text: str, known: Known) -> tuple[list[TableEntry], list[Elsewhere]]:
    name, at, partner = text.partition("@")
    here, there = _whose(at, partner, known)
    if name.startswith(_SCHEMA):
        schema = name.removeprefix(_SCHEMA)
        if not at:  # wherever it is
            there = tuple(known.partners)
        found = [it for it in known.tables.values() if it.schema.name == schema] if here else []
        if found or there:
            return found, [Elsewhere(there, schema=schema, text=text)] if there else []
        raise unknown_schema(schema, known.tables.values())
    ref = ref_of(name)
    if not here:
        if ref is None:
            raise fault("from-unknown-table", "from", name, allowed=[])
        return [], [Elsewhere(there, ref=ref, text=text)]
    entry = known.tables.get(ref) if ref is not None else None
    if entry is None:
        raise _unknown("table", name, [str(it) for it in known.tables], "")
    return [entry], []


def _whose(at: str, partner: str, known: Known) -> tuple[bool, tuple[str, ...]]:
    """Tell whether our tables are meant, and which partners'."""
    if not at or partner == LOCAL:
        return True, ()
    if partner == _ALL and known.partners:
        return False, tuple(known.partners)
    if partner in known.partners:
        return False, (partner,)
    raise fault("unknown-partner", "from", partner, allowed=[LOCAL, *known.partners])


def ref_of(name: str) -> TableRef | None:
    """Read ``dataset/table``; None where it is not written so."""
    return TableRef(*name.split("/")) if _TABLE.fullmatch(name) else None


def unknown_schema(name: str, tables: Iterable[TableEntry]) -> ParameterError:
    """Give the refusal of a schema that none of our *tables*, and nobody else's, is under."""
    return _unknown("schema", name, sorted({it.schema.name for it in tables}), _SCHEMA)


def _unknown(kind: str, name: str, known: Sequence[str], prefix: str) -> ParameterError:
    near = nearest(name, known)
    allowed = [f"{prefix}{it}" for it in known]
    if near is None:
        return fault(f"from-unknown-{kind}", "from", name, allowed=allowed)
    return fault(f"from-unknown-{kind}-near", "from", name, allowed=allowed, nearest=prefix + near)
