"""Descriptor files, read with the place of everything in them.

YAML is read by its events instead of PyYAML's own tree: that tree is built by recursion
without a bound (a line of 200,000 dashes ends the process) and forgets doubled keys. Values mean
what ``yaml.safe_load`` makes of them, which is what Frictionless uses; what it makes something
of that JSON does not have, a date for instance, is told. Spec: https://yaml.org/spec/1.1/
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import yaml

from publisher.registry.finding import Finding
from publisher.registry.paths import Gone, Steps

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
MAX_VALUES = 100_000  # with every alias counted as what it stands for
_INT64 = 2**63

_TAG = "tag:yaml.org,2002:"
_SCALARS = {f"{_TAG}{name}" for name in ("int", "float", "bool", "null")}
_COLLECTIONS = {f"{_TAG}{name}" for name in ("seq", "map")}
_DATE = f"{_TAG}timestamp"
_STRING = f"{_TAG}str"
_TEXT = {_STRING, _DATE, "!"}
_RESOLVER: Any = yaml.resolver.Resolver()
_FAST: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# What libyaml says, and the rule that tells it to a person.
_SYNTAX = {
    "mapping values are not allowed": "yaml-colon",
    "could not find expected ':'": "yaml-no-colon",
    "did not find expected key": "yaml-indent",
    "did not find expected '-' indicator": "yaml-indent",
    "found unexpected end of stream": "yaml-quote",
    "that cannot start any token": "yaml-character",
    "found a tab character that violates indentation": "yaml-character",
    "did not find expected ',' or": "yaml-bracket",
}


class Place(NamedTuple):
    """Counted from 1."""

    line: int
    column: int


_START = Place(1, 1)


class Node:
    """A value and its place; ``value`` is a scalar, a list of nodes or a mapping of entries."""

    __slots__ = ("place", "text", "value")

    def __init__(self, value: Any, place: Place, text: str = "") -> None:
        self.value = value
        self.place = place
        self.text = text
        """Of a scalar, as it is written."""


class Entry(NamedTuple):
    place: Place
    node: Node


@dataclass(frozen=True)
class Document:
    """A file's value, and where in the file each part of it stands."""

    file: str
    value: Any
    """What paths lead through: all that the file holds, or what is right of it."""
    text: str
    gone: Gone = field(default_factory=Gone)
    """What is unknown, by its path in the file: wrong values are not in ``value``."""
    kept: Mapping[Steps, Sequence[int]] = field(default_factory=dict)
    """Of a list that items were taken out of: where the others stand in the file."""

    @cached_property
    def _root(self) -> Node:
        # Read again where it is asked for: keeping the places of 500 right files costs seconds
        return _places(self.text, self.file, lambda *_, **__: None)

    def lost(self, path: Sequence[str | int]) -> bool:
        """Tell whether nobody knows what was meant to stand at *path*, which may hold ``ANY``.

        What is absent there is then not known to be left out by the steward.
        """
        return self.gone.holds(self.in_file(path))

    def place(self, path: Sequence[str | int]) -> Place:
        """Find the key or list item that *path* leads to, or as far as it leads."""
        return self._walk(path)[0]

    def value_at(self, path: Sequence[str | int]) -> Mapping[str, Any]:
        """Give the mapping at *path*, an empty one where there is none."""
        value = self.value
        for step in path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return {}
        return value if isinstance(value, dict) else {}

    def written(self, path: Sequence[str | int]) -> str:
        """Give a scalar's text as the file has it."""
        return self._walk(path)[1].text

    def known(self, path: Sequence[str | int]) -> list[str | int]:
        """Give the steps of *path* that the file has."""
        return self._walk(path)[2]

    def error(self, code: str, path: Sequence[str | int] = (), /, **params: object) -> Finding:
        line, column = self.place(path)
        return Finding(self.file, line, code, params, "error", column, self.in_file(path))

    def warning(self, code: str, path: Sequence[str | int] = (), /, **params: object) -> Finding:
        line, column = self.place(path)
        return Finding(self.file, line, code, params, "warning", column, self.in_file(path))

    def in_file(self, path: Sequence[str | int]) -> Steps:
        """Count positions in lists as the file has them."""
        if not self.kept:
            return tuple(path)
        found: Steps = ()
        for step in path:
            kept = self.kept.get(found)
            found += (kept[step] if kept and isinstance(step, int) and step < len(kept) else step,)
        return found

    def _walk(self, path: Sequence[str | int]) -> tuple[Place, Node, list[str | int]]:
        node, place, known = self._root, self._root.place, []
        for step in self.in_file(path):
            if isinstance(node.value, dict) and step in node.value:
                place, node = node.value[step]
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                place = node.place
            else:
                continue
            known.append(step)
        return place, node, known


class _UnreadableError(Exception):
    def __init__(self, code: str, place: Place = _START, **params: object) -> None:
        super().__init__(code)
        self.code, self.place, self.params = code, place, params


def read(path: Path, file: str) -> tuple[Document | None, list[Finding]]:
    """Read a YAML or JSON file; None where it is none, and what is wrong with it.

    *file* is how findings name it. Doubled keys and keys that are no text are told, and the
    rest of the file is still read.
    """
    findings: list[Finding] = []

    def tell(code: str, place: Place, **params: object) -> None:
        findings.append(Finding(file, place.line, code, params, "error", place.column))

    try:
        text = _text(path)
        root = _places(text, file, tell)
        value = _json(text) if file.endswith(".json") else _plain(root)
        return Document(file, value, text), findings
    except _UnreadableError as error:
        tell(error.code, error.place, **error.params)
    return None, findings


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _UnreadableError("unreadable-file", reason=error.strerror or "") from None
    if len(data) > MAX_BYTES:
        raise _UnreadableError("file-too-large", megabytes=MAX_BYTES // 1_000_000)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line_start = before.rfind(b"\n") + 1
        column = len(before[line_start:].decode("utf-8", "replace")) + 1
        place = Place(before.count(b"\n") + 1, column)
        raise _UnreadableError("not-utf-8", place) from None


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        place = Place(error.lineno, error.colno)
        raise _UnreadableError("json-syntax", place, problem=error.msg) from None


def _places(text: str, file: str, tell: Any) -> Node:
    if not file.endswith(".json"):
        return _Tree(text, tell).root()
    # JSON is YAML but for tabs between tokens (in texts they are escaped) and paired escapes;
    # values come from elsewhere, so others of the same length can stand in for both
    text = re.sub(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}", r"\\u0020", text.replace("\t", " "))
    try:
        return _Tree(text, tell).root()
    except _UnreadableError as error:
        if error.code in {"too-deep", "too-many-values"}:
            raise
        return Node(None, _START)


def _plain(root: Node) -> Any:
    """Build the value, with a bound on how large aliases of aliases may make it."""
    left = MAX_VALUES

    def build(node: Node) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _UnreadableError("too-many-values", node.place, most=MAX_VALUES)
        if isinstance(node.value, dict):
            return {key: build(entry.node) for key, entry in node.value.items()}
        if isinstance(node.value, list):
            return [build(item) for item in node.value]
        return node.value

    return build(root)


class _Tree:
    """Builds nodes from the events of one YAML document."""

    def __init__(self, text: str, tell: Any) -> None:
        self._text = text
        self._tell = tell
        self._anchors: dict[str, Node] = {}
        self._depth = 0

    def root(self) -> Node:
        try:
            # libyaml takes tabs in places where the reader that Frictionless uses does not
            loader = yaml.SafeLoader(self._text) if "\t" in self._text else _FAST(self._text)
        except yaml.reader.ReaderError as error:
            raise self._control_character(error) from None
        try:
            return self._root(loader)
        except yaml.reader.ReaderError as error:
            raise self._control_character(error) from None
        except yaml.MarkedYAMLError as error:
            raise _syntax(error) from None
        finally:
            loader.dispose()

    def _root(self, loader: Any) -> Node:
        self._loader = loader
        loader.get_event()  # of the stream
        if loader.check_event(yaml.StreamEndEvent):
            return Node(None, _START)
        loader.get_event()  # of the document
        node = self._node()
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            raise _UnreadableError("several-documents", _place(loader.peek_event()))
        # A finding about the whole file stands at its first line
        return Node(node.value, _START, node.text)

    def _node(self) -> Node:
        event = self._loader.get_event()
        place = _place(event)
        if isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                raise _UnreadableError("unknown-alias", place, alias=event.anchor)
            return self._anchors[event.anchor]
        if isinstance(event, yaml.ScalarEvent):
            node = self._scalar(event, place)
        else:
            if event.tag is not None and event.tag not in {*_COLLECTIONS, "!"}:
                raise _UnreadableError("yaml-tag", place, tag=event.tag)
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise _UnreadableError("too-deep", place, depth=MAX_DEPTH)
            sequence = isinstance(event, yaml.SequenceStartEvent)
            node = Node(self._items() if sequence else self._entries(), place)
            self._depth -= 1
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _items(self) -> list[Node]:
        items = []
        while not self._loader.check_event(yaml.SequenceEndEvent):
            items.append(self._node())
        self._loader.get_event()
        return items

    def _entries(self) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        merged: list[Node] = []
        while not self._loader.check_event(yaml.MappingEndEvent):
            key = self._node()
            value = self._node()
            if key.text == "<<":
                merged += value.value if isinstance(value.value, list) else [value]
                continue
            name = key.value
            if not isinstance(name, str):
                self._tell("key-not-text", key.place, key=key.text)
                name = key.text
            if name in entries:
                first = entries[name].place.line
                self._tell("doubled-key", key.place, key=name, first=first)
                continue
            entries[name] = Entry(key.place, value)
        self._loader.get_event()
        for node in merged:  # https://yaml.org/type/merge.html
            if isinstance(node.value, dict):
                entries = {**node.value, **entries}
        return entries

    def _scalar(self, event: Any, place: Place) -> Node:
        tag = event.tag
        if tag is None or tag == "!":
            tag = _implied_tag(event.value) if event.implicit[0] else _STRING
        if tag == _DATE:
            self._tell("date-not-text", place, value=event.value)
        if tag in _TEXT or event.value == "<<":
            return Node(event.value, place, event.value)
        if tag not in _SCALARS:
            raise _UnreadableError("yaml-tag", place, tag=tag)
        try:
            construct = self._loader.yaml_constructors[tag]
            value = construct(self._loader, yaml.ScalarNode(tag, event.value))
        except (ValueError, OverflowError, KeyError):
            raise _UnreadableError("number-out-of-range", place, value=event.value[:40]) from None
        too_large = isinstance(value, int) and not -_INT64 <= value < _INT64
        if too_large or (isinstance(value, float) and not math.isfinite(value)):
            raise _UnreadableError("number-out-of-range", place, value=event.value[:40])
        return Node(value, place, event.value)

    def _control_character(self, error: yaml.reader.ReaderError) -> _UnreadableError:
        # Neither reader counts lines here, and libyaml counts in bytes: look for it again
        found = yaml.reader.Reader.NON_PRINTABLE.search(self._text)
        position = found.start() if found else 0
        before = self._text[:position]
        place = Place(before.count("\n") + 1, position - before.rfind("\n"))
        character = f"U+{ord(self._text[position]):04X}" if found else str(error.reason)
        return _UnreadableError("control-character", place, character=character)


@lru_cache(maxsize=10_000)
def _implied_tag(text: str) -> str:
    """Tell the type that an unquoted scalar has by its looks."""
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))
    return tag


def _place(event: Any) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _syntax(error: yaml.MarkedYAMLError) -> _UnreadableError:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or ""
    code = next((code for said, code in _SYNTAX.items() if said in problem), "yaml-syntax")
    if code in {"yaml-quote", "yaml-bracket"} and error.context_mark is not None:
        mark = error.context_mark  # where it was opened, not where the file ended
    place = Place(mark.line + 1, mark.column + 1) if mark else _START
    return _UnreadableError(code, place, problem=problem)
