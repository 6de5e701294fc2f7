"""JSON documents: an array of records, at the top or at the dialect's `json.property`.

A document is read as a stream: an element is in memory at a time, however many there are.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from frictionless.formats import JsonControl

from publisher.errors import DeliveryError
from publisher.validation.reading.bytes import checked_text, notes_on, wrong_encoding
from publisher.validation.reading.elements import nested_too_deep, steps_of, table_of
from publisher.validation.reading.jsontext import JsonText
from publisher.validation.reading.table import Cells, Reading, Table

_ERROR_KEYS = ("error", "errors", "message")
_KEYS_TOLD = 20
_TOO_DEEP = "the element is nested too deep"
_KINDS = {"[": "a list", '"': "a text", "t": "true", "f": "false", "n": "null"}


@contextmanager
def open_document(path: Path, reading: Reading) -> Iterator[Table]:
    encoding = checked_text(path, reading.encoding)
    property_ = JsonControl.from_dialect(reading.frictionless_dialect()).property or ""
    with path.open(encoding=encoding, newline="") as file:
        try:
            records = _Records(JsonText(file), property_).read()
            yield table_of(records, reading, notes_on(encoding, reading.encoding))
        except UnicodeDecodeError as error:
            raise wrong_encoding(path, encoding, reading.encoding) from error


class _Records:
    """Finds the records of one document on the way through it."""

    def __init__(self, text: JsonText, property_: str) -> None:
        self._text = text
        self._property = property_
        self._kind = ""
        self._keys: list[str] = []
        self._faults: dict[str, str] = {}
        self._found = False

    def read(self) -> Iterator[Any]:
        """Give the elements of the list of records, and go through the document to its end.

        Raises DeliveryError ``broken-json``, ``huge-element``, ``error-body`` or ``no-records``.
        """
        self._kind = self._text.peek()
        if self._kind == "{":
            yield from self._document()
        else:
            yield from self._within(steps_of(self._property))
        self._text.end()
        if not self._found:
            raise self._nothing()

    def _document(self) -> Iterator[Any]:
        """Go through an object at the top; a key that is the whole path goes before its steps."""
        steps = steps_of(self._property)
        for key in self._text.members():
            if len(self._keys) < _KEYS_TOLD:
                self._keys.append(key)
            if steps and key == self._property:
                yield from self._within(())
            elif steps and key == steps[0]:
                yield from self._within(steps[1:])
            elif key in _ERROR_KEYS:
                if value := self._text.value():
                    self._faults[key] = str(value)[:300]
            else:
                self._text.skip()

    def _within(self, steps: tuple[str | int, ...]) -> Iterator[Any]:
        """Go through one value; give the elements of the list that *steps* lead to in it."""
        kind = self._text.peek()
        if not steps and kind == "[":
            yield from self._elements()
        elif steps and kind == "{":
            for key in self._text.members():
                if key == steps[0]:
                    yield from self._within(steps[1:])
                else:
                    self._text.skip()
        elif steps and kind == "[":
            for index, _ in enumerate(self._text.items()):
                if index == steps[0]:
                    yield from self._within(steps[1:])
                else:
                    self._text.skip()
        else:
            self._text.skip()

    def _elements(self) -> Iterator[Any]:
        text = self._text
        if self._found:
            raise DeliveryError("broken-json", reason="it has the list of records twice")
        self._found = True
        for _ in text.items():
            element = text.value()
            if nested_too_deep(element, text.brackets()):
                yield Cells(raw=[text.last()], broken=_TOO_DEEP)
            else:
                yield element

    def _nothing(self) -> DeliveryError:
        for key in _ERROR_KEYS:
            if key in self._faults:
                return DeliveryError("error-body", message=self._faults[key])
        kind = _KINDS.get(self._kind, "a number")
        if self._kind == "{":
            kind = "an object with the keys " + ", ".join(self._keys)
        return DeliveryError("no-records", property=self._property, found=kind)
