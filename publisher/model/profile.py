"""Text profiles: how a country's systems write text files, stated by one name.

A profile says what a steward could state property by property, of dialect and fields, and
fills in what she has not stated. Two things Table Schema has no property for: that a cell may
have any one of several time formats, and that a group character counts only before exactly
three digits (as it stands, Table Schema's ``groupChar`` reads ``1.5`` as 15).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

ProfileName = Literal["danish", "danish-windows-1252"]


@dataclass(frozen=True, slots=True)
class Writing:
    """How the cells of one field are written, as far as a profile decides it."""

    properties: Mapping[str, Any]
    """Properties of Table Schema, for the field's descriptor."""
    formats: tuple[str, ...] = ()
    """A time has any of these formats; the first is among the `properties` too."""
    thousands: str = ""
    """The group character, where it counts only before exactly three digits."""

    @property
    def beyond(self) -> bool:
        """Whether Table Schema's properties are not all."""
        return bool(self.formats or self.thousands)


AS_STATED = Writing({})


@dataclass(frozen=True, slots=True)
class Profile:
    encoding: str
    """Python's name; a UTF-8 byte order mark decides otherwise, whatever is stated."""
    delimiter: str
    decimal_char: str
    group_char: str
    timezone: str
    """IANA name of the zone of times without an offset."""
    formats: Mapping[str, tuple[str, ...]]
    """By type of field; the one that is most often met first."""

    def dialect(self, stated: Mapping[str, Any]) -> dict[str, Any]:
        """Fill in a Frictionless dialect descriptor."""
        control = stated.get("csv", {})
        if not isinstance(control, Mapping):  # whoever reads the dialect will refuse it
            return dict(stated)
        return {**stated, "csv": {"delimiter": self.delimiter, **control}}

    def writing(self, type_: str, stated: Mapping[str, Any]) -> Writing:
        """Tell how cells of a *type_* are written; *stated* are the field's own properties."""
        if type_ in self.formats:
            if "format" in stated:
                return AS_STATED
            formats = self.formats[type_]
            return Writing({"format": formats[0]}, formats=formats)
        if type_ not in {"number", "integer"}:
            return AS_STATED
        filled = {"decimalChar": self.decimal_char, "groupChar": self.group_char}
        if type_ == "integer":
            del filled["decimalChar"]
        # A character that she states for the one cannot be filled in for the other
        taken = {stated.get("decimalChar"), stated.get("groupChar")}
        filled = {
            name: char for name, char in filled.items() if name not in stated and char not in taken
        }
        group = stated.get("groupChar", filled.get("groupChar"))
        return Writing(filled, thousands=self.group_char if group == self.group_char else "")


_DAYS = ("%d-%m-%Y", "%d.%m.%Y", "%d/%m/%Y")
_CLOCKS = ("%H:%M", "%H:%M:%S")
_DANISH: dict[str, Any] = {
    "delimiter": ";",
    "decimal_char": ",",
    "group_char": ".",
    "timezone": "Europe/Copenhagen",
    "formats": {
        "date": (*_DAYS, "default"),
        "datetime": (
            *(f"{day} {clock}" for day in _DAYS for clock in _CLOCKS),
            "%Y-%m-%d %H:%M",
            "%Y-%m-%dT%H:%M",
            "default",
        ),
    },
}
PROFILES: Mapping[str, Profile] = {
    "danish": Profile(encoding="utf-8", **_DANISH),
    "danish-windows-1252": Profile(encoding="windows-1252", **_DANISH),
}
