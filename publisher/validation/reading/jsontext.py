"""The text of a JSON document, read as a stream: a window of it is in memory.

Python's own reader finds where a value ends. It takes more than JSON has (NaN), which is
then judged as a cell.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from publisher.errors import DeliveryError

LARGEST_ELEMENT = 16 * 1024 * 1024
"""Characters of one record, or of one value beside the records: as much is held in memory."""

_WINDOW = 64 * 1024
_LONGEST_WORD = 16  # characters of a word or escape that the window's end may have cut in two
_BLANK = re.compile(r"[ \t\n\r]*")
_AFTER_NUMBER = frozenset(" \t\n\r,]}")
_decode = json.JSONDecoder().raw_decode


class JsonText:
    """Reads value by value. Every method raises DeliveryError ``broken-json``."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._begin = 0
        self._before = 0
        """Characters that have left the window."""
        self._ended = False

    def peek(self) -> str:
        """Go to the next character that is no blank, and give it; nothing at the end."""
        while True:
            self._at = _BLANK.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._more(_WINDOW)

    def value(self) -> Any:
        """Read the next value whole; DeliveryError ``huge-element`` where it is too long."""
        self.peek()
        size = _WINDOW
        while True:
            try:
                value, end = _decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # Only what the window has cut off may still turn out well
                torn = error.msg.startswith("Unterminated") or (
                    error.pos >= len(self._text) - _LONGEST_WORD
                )
                if self._ended or not torn:
                    raise self._broken(error.msg, error.pos) from error
            except RecursionError as error:
                raise self._broken("it is nested too deep", self._at) from error
            else:
                if end - self._at <= LARGEST_ELEMENT and (
                    self._ended or not self._open(value, end)
                ):
                    self._begin, self._at = self._at, end
                    return value
            if len(self._text) - self._at > LARGEST_ELEMENT:
                raise DeliveryError("huge-element", max_chars=LARGEST_ELEMENT)
            self._more(size)
            size *= 2

    def last(self) -> str:
        """Give the text of the value that was read last."""
        return self._text[self._begin : self._at]

    def brackets(self) -> int:
        """Count the brackets that open in the value that was read last, those in texts too."""
        return self._text.count("[", self._begin, self._at) + self._text.count(
            "{", self._begin, self._at
        )

    def skip(self) -> None:
        """Read the next value and drop it; a list or an object part by part."""
        kind = self.peek()
        if kind == "{":
            for _ in self.members():
                self.value()
        elif kind == "[":
            for _ in self.items():
                self.value()
        else:
            self.value()

    def members(self) -> Iterator[str]:
        """Go through the object that begins here: gives each key, its value is to be read then."""
        self._take("{")
        if self.peek() != "}":
            while True:
                if self.peek() != '"':
                    raise self._broken("Expecting property name enclosed in double quotes")
                key = self.value()
                self._take(":")
                yield key
                if self.peek() != ",":
                    break
                self._take(",")
        self._take("}")

    def items(self) -> Iterator[None]:
        """Go through the list that begins here: each item is to be read when this comes by."""
        self._take("[")
        if self.peek() != "]":
            while True:
                yield None
                if self.peek() != ",":
                    break
                self._at += 1
        self._take("]")

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self.peek():
            raise self._broken("Extra data")

    def _take(self, character: str) -> None:
        if self.peek() != character:
            raise self._broken(f"Expecting {character!r}")
        self._at += 1

    def _open(self, value: Any, end: int) -> bool:
        """Tell whether the window may have cut a number in two; other values show their end."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if end == len(self._text):
            return number
        torn = self._text[end] not in _AFTER_NUMBER and end >= len(self._text) - _LONGEST_WORD
        return number and torn

    def _more(self, size: int) -> None:
        text = self._file.read(size)
        self._before += self._at
        self._text = self._text[self._at :] + text
        self._at = 0
        self._ended = not text

    def _broken(self, message: str, at: int | None = None) -> DeliveryError:
        position = self._before + (self._at if at is None else at)
        return DeliveryError("broken-json", reason=f"{message} (character {position})")
