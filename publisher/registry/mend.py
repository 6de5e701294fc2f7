"""What is left of a descriptor once its faults are cut out, so that the rest is judged too.

A wrong value is taken out, and what a model cannot do without is stood in for; the document
remembers both as lost (``Document.lost``), so that no rule takes an absence for the steward's
word. A descriptor that needed any of this is told about and never used.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from zlib import crc32

import orjson
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from publisher.model.base import Model
from publisher.registry.document import Document
from publisher.registry.keys import homes, known_keys, nearest
from publisher.registry.paths import ANY, Gone, Path, Steps

M = TypeVar("M", bound=Model)

_MAY_BE_NULL = {"constant", "example"}
_LEAVES_OUT = (("fields", "package"), ("fields", "resource"))  # of a target: not to be sent
_ROUNDS = 10
"""Each uncovers what the one before hid: a rule between two keys, an emptied list."""
# Where two keys contradict each other, the one to go: the other is judged by more rules
_ONE_OF_TWO = {"column-and-constant": "column", "every-and-cron": "every"}
_ABSENT = {"missing", "too_short", "union_tag_not_found"}


@dataclass(frozen=True)
class Parsed(Generic[M]):
    """A descriptor as far as it could be read."""

    model: M
    document: Document
    """Its values are those of the model; it knows which are lost."""
    whole: bool
    """Nothing had to be cut out."""


@dataclass(frozen=True)
class Fault:
    """What pydantic found, with its place in the file."""

    kind: str
    location: Steps
    """As pydantic gives it, with positions in the file's lists."""
    input: Any
    context: Mapping[str, Any]
    message: str


class Mender(Generic[M]):
    """Reads what *document* holds at *base* as a *model*, round by round."""

    def __init__(self, model: type[M], document: Document, base: Path) -> None:
        self._model = model
        self._document = document
        self._base = tuple(base)
        self._stated = document.value
        for step in base:
            self._stated = self._stated[step]
        self._cut: set[Steps] = set()
        self._meant: set[Steps] = set()
        """Lost without having been there: what a cut key may have been meant to be."""
        self._gone = Gone()
        self._stand_ins: dict[Steps, Any] = {}
        self._added: dict[Steps, list[str]] = {}
        """The keys of stand-ins, by where they are put."""
        self._kept: dict[Steps, list[int]] = {}
        self._value: Any = None
        self._unnamed = 0

    def nulls(self) -> Iterator[Steps]:
        """Cut out the keys that nothing is written for; Frictionless refuses them too."""
        for path in _without_value(self._stated, self._base):
            self._cut.add(path)
            yield path

    def unknown_nulls(self) -> Iterator[Fault]:
        """Give the faults of keys that nothing is written for and nobody knows either."""
        self._value = self._stated
        cut = set(self._cut)
        for fault in self._faults(self._stated):
            path = (*self._base, *fault.location)
            if fault.kind == "extra_forbidden" and self._located(path) in cut:
                self._cut_out(fault)
                yield fault

    def mend(self, tell: Callable[[Fault], None]) -> Parsed[M] | None:
        """Cut until the rest is a model; each fault is told once. None where it never is one."""
        told: set[tuple[str, Steps]] = set()

        def take(fault: Fault) -> None:
            if (fault.kind, fault.location) not in told and not self._follows(fault):
                told.add((fault.kind, fault.location))
                tell(fault)
            self._cut_out(fault)

        for _ in range(_ROUNDS):
            self._kept.clear()
            self._value = self._rest(self._stated, self._base)
            try:
                return self._parsed(_validate(self._model, self._value))
            except ValidationError as error:
                faults = [self._fault(details) for details in error.errors(include_url=False)]
            before = (len(self._cut), len(self._stand_ins))
            faults = self._as_written(faults)
            # Unknown keys first: they say which absent ones were meant to be there
            for fault in faults:
                if fault.kind == "extra_forbidden":
                    take(fault)
            self._gone = Gone(self._cut | self._meant)
            for fault in faults:
                if fault.kind != "extra_forbidden":
                    take(fault)
            if self._base in self._cut or before == (len(self._cut), len(self._stand_ins)):
                return None
        return None

    def _parsed(self, model: M) -> Parsed[M]:
        if not self._cut and not self._stand_ins:
            return Parsed(model, self._document, whole=True)
        gone = Gone({*self._cut, *self._meant, *self._stand_ins})
        value = self._document.value
        value = self._value if not self._base else {**value, self._base[0]: self._value}
        # A list that must not be empty, and whose items nobody knows, holds none
        empty: dict[str, tuple[()]] = {
            str(path[-1]): ()
            for path, stand_in in self._stand_ins.items()
            if len(path) == len(self._base) + 1 and isinstance(stand_in, list)
        }
        document = replace(
            self._document,
            value=value,
            gone=gone,
            kept={p: tuple(k) for p, k in self._kept.items()},
        )
        return Parsed(model.model_copy(update=empty), document, whole=False)

    def _rest(self, value: Any, path: Steps) -> Any:
        """Give *value* without what is cut out, and with the stand-ins."""
        if path in self._stand_ins:
            return self._stand_ins[path]
        if isinstance(value, dict):
            rest = {
                key: self._rest(below, (*path, key))
                for key, below in value.items()
                if (*path, key) not in self._cut or (*path, key) in self._stand_ins
            }
            for key in self._added.get(path, ()):
                rest[key] = self._stand_ins[(*path, key)]
            return rest
        if isinstance(value, list):
            kept = [index for index in range(len(value)) if (*path, index) not in self._cut]
            if len(kept) < len(value):
                self._kept[path] = kept
            return [self._rest(value[index], (*path, index)) for index in kept]
        return value

    def _faults(self, value: Any) -> list[Fault]:
        try:
            _validate(self._model, value)
        except ValidationError as error:
            return [self._fault(details) for details in error.errors(include_url=False)]
        return []

    def _fault(self, details: ErrorDetails) -> Fault:
        location = self._in_file(details["loc"])
        context = details.get("ctx", {})
        return Fault(details["type"], location, details["input"], context, details["msg"])

    def _in_file(self, location: Steps) -> Steps:
        """Count positions in lists as the file has them; pydantic's own steps stay."""
        value, path, found = self._value, self._base, list(location)
        for at, step in enumerate(location):
            if not _has(value, step):
                continue
            if isinstance(step, int) and path in self._kept:
                found[at] = self._kept[path][step]
            value, path = value[step], (*path, found[at])
        return tuple(found)

    def _located(self, path: Steps) -> Steps:
        """Give the steps of *path* that lead through what is stated."""
        value, found = self._stated, self._base
        for step in path[len(self._base) :]:
            if (*found, step) in self._stand_ins:
                return (*found, step)
            if _has(value, step):
                value, found = value[step], (*found, step)
        return found

    def _follows(self, fault: Fault) -> bool:
        """Tell whether the fault is there only because something was cut out."""
        if fault.kind == "too_short" and fault.input:
            return True  # its items are wrong
        if fault.kind not in _ABSENT:
            return False
        path = (*self._base, *fault.location)
        if fault.kind == "too_short":
            return self._located(path) in self._kept
        key = "type" if fault.kind == "union_tag_not_found" else path[-1]
        parent = path if fault.kind == "union_tag_not_found" else path[:-1]
        return self._gone.holds((*self._located(parent), key))

    def _as_written(self, faults: list[Fault]) -> list[Fault]:
        """Where a text is asked for and quotes alone would not do, give what else is wrong."""
        quoted = {
            place: self._document.written(place) or str(fault.input)
            for fault in faults
            if fault.kind == "string_type"
            and isinstance(fault.input, int | float)
            and (place := self._located((*self._base, *fault.location)))
        }
        if not quoted:
            return faults
        before = self._stand_ins
        self._stand_ins = {**before, **quoted}
        trial = self._rest(self._stated, self._base)
        self._stand_ins = before
        still = {fault.location: fault for fault in self._faults(trial)}
        return [
            still.get(fault.location, fault) if fault.kind == "string_type" else fault
            for fault in faults
        ]

    def _cut_out(self, fault: Fault) -> None:
        path = (*self._base, *fault.location)
        match fault.kind:
            case "missing":
                parent = self._located(path[:-1])
                self._stand_in((*parent, path[-1]))
                return
            case "union_tag_not_found" | "union_tag_invalid":
                self._choose_member(self._located(path), fault)
                return
        place = self._located(path)
        if fault.kind == "extra_forbidden":
            self._guess_key(place, fault)
        elif fault.kind in _ONE_OF_TWO:
            place = (*place, _ONE_OF_TWO[fault.kind])
        if place in self._stand_ins:
            del self._stand_ins[place]
            if place[-1] in self._added.get(place[:-1], []):
                self._added[place[:-1]].remove(str(place[-1]))
            place = place[:-1]
        self._cut.add(place)

    def _guess_key(self, place: Steps, fault: Fault) -> None:
        key = str(fault.location[-1])
        near = nearest(key, known_keys(self._model, fault.location[:-1]))
        if near:
            self._meant.add((*place[:-1], near))
            return
        self._meant.add((*self._base, key))
        for home in homes(self._model, key):
            steps = re.findall(r"\w+|\[\]|\*", home)
            above = (ANY if step in {"[]", ANY} else step for step in steps)
            self._meant.add((*self._base, *above, key))

    def _choose_member(self, place: Steps, fault: Fault) -> None:
        """Judge a source of an unknown type as one of the type that its steward is told of."""
        allowed = re.findall(r"'([^']*)'", str(fault.context.get("expected_tags", "")))
        near = nearest(str(fault.context.get("tag", "")), allowed)
        if near and (*place, "type") not in self._stand_ins:
            self._cut.add((*place, "type"))
            self._stand_ins[(*place, "type")] = near
        else:
            self._stand_in(place)

    def _stand_in(self, place: Steps) -> None:
        found = self._substitute(str(place[-1]), top=len(place) == len(self._base) + 1)
        if found is None or place in self._stand_ins:
            self._cut.add(place[:-1])
        else:
            self._stand_ins[place] = found
            self._added.setdefault(place[:-1], []).append(str(place[-1]))

    def _substitute(self, key: str, *, top: bool) -> Any:
        """Give something that breaks no rule and is like nothing else in any file."""
        self._unnamed += 1
        name = f"unnamed{self._unnamed}_{crc32(self._document.file.encode()):x}"
        match key:
            case "name" | "publisher" | "title" | "type":
                return name
            case "path":
                return f"{name}.csv"
            case "version":
                return "0.0.0"
            case "url":
                return "https://example.org"
            case "token" | "resource" | "schema":
                return ""
            case "source":
                return {"type": "file", "path": name}
            case "reference":
                return {"resource": "", "fields": []}
            case "fields":
                return [{"name": name}] if top else []
            case "resources":
                return [{"name": name, "path": f"{name}.csv", "schema": ""}]
            case _:
                return None


def _validate(model: type[M], value: Any) -> M:
    # As JSON: strict there refuses numbers written as text, but takes lists for tuples
    return model.model_validate_json(orjson.dumps(value), strict=True, by_alias=True, by_name=False)


def _has(value: Any, step: str | int) -> bool:
    if isinstance(step, int):
        return isinstance(value, list) and step < len(value)
    return isinstance(value, dict) and step in value


def _without_value(value: Any, path: Steps) -> Iterator[Steps]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _without_value(item, (*path, index))
    elif isinstance(value, dict):
        for key, below in value.items():
            if below is None and key not in _MAY_BE_NULL and path[1:3] not in _LEAVES_OUT:
                yield (*path, key)
            else:
                yield from _without_value(below, (*path, key))
