"""Exact conversion between units of UCUM (https://ucum.org/ucum)."""

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import cache, lru_cache
from math import isfinite
from threading import RLock
from typing import Any

from publisher.errors import ConfigurationError

# Wide enough for every quotient a sensor can need; nothing traps, so NaN and infinities pass on
# to be judged where they are stored.
_ARITHMETIC = Context(prec=50, traps=[])
# The parser and pint's registry are built and asked by one thread at a time: neither is made
# for more, and `cache` alone would let two threads build them at once.
_ONE_AT_A_TIME = RLock()
_REMEMBERED = 1_000
"""Units: callers of the API may name any."""
_LONGEST, _MOST = 60, 1_000
"""Characters of a unit, without what is annotated and with it."""
_COMMENT = re.compile(r"\{[^{}]*\}")
_LARGE_POWER = re.compile(r"[^\d.(/][+-]?\d{3}")
"""An exponent of three digits; a number that has no unit before it is a factor."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """``to = from * factor + offset``, as exact fractions."""

    factor: Fraction
    offset: Fraction

    @property
    def is_finite(self) -> bool:
        """Whether floats can hold its numbers."""
        try:
            return all(isfinite(it) for it in (*self.factor.as_integer_ratio(), self.offset))
        except OverflowError:
            return False

    @property
    def power_of_ten(self) -> int | None:
        """The exponent, where the factor is a power of ten and there is no offset."""
        if self.offset or self.factor <= 0:
            return None
        exponent = len(str(self.factor.numerator)) - len(str(self.factor.denominator))
        return exponent if self.factor == Fraction(10) ** exponent else None

    def apply(self, value: Decimal) -> Decimal:
        """Convert *value*; 50 significant digits where the quotient has no end."""
        common = self.factor.denominator * self.offset.denominator
        slope = Decimal(self.factor.numerator * self.offset.denominator)
        start = Decimal(self.offset.numerator * self.factor.denominator)
        scaled = _ARITHMETIC.add(_ARITHMETIC.multiply(value, slope), start)
        return _ARITHMETIC.divide(scaled, Decimal(common))


@lru_cache(_REMEMBERED)
def conversion(from_: str, to: str) -> Conversion:
    """Find how values in the UCUM unit *from_* become values in *to*.

    Raises ConfigurationError ``unknown-unit`` for a code UCUM does not have, or that is very long
    or has an exponent of three digits or more,
    ``incompatible-units`` where they measure different things, and ``nonlinear-unit`` for
    logarithmic scales such as dB, which no factor converts, and where no float holds the factor.
    """
    if from_ == to:
        return Conversion(Fraction(1), Fraction(0))
    with _ONE_AT_A_TIME:
        return _conversion(from_, to)


def _conversion(from_: str, to: str) -> Conversion:
    source, target = _quantity(from_), _quantity(to)
    if source.dimensionality != target.dimensionality:
        raise ConfigurationError("incompatible-units", source=from_, target=to)
    try:
        points = [_convert(point, source, target) for point in (0, 1, 2)]
    except Exception as error:  # pint's own kinds, and what its exact numbers cannot do
        raise ConfigurationError("nonlinear-unit", source=from_, target=to) from error
    if not all(isinstance(point, int | Fraction) for point in points):
        raise ConfigurationError("nonlinear-unit", source=from_, target=to)
    zero, one, two = (Fraction(point) for point in points)
    found = Conversion(one - zero, zero)
    if two - one != one - zero or not found.is_finite:
        raise ConfigurationError("nonlinear-unit", source=from_, target=to)
    return found


def known(unit: str) -> bool:
    """Tell whether UCUM has *unit*."""
    try:
        with _ONE_AT_A_TIME:
            _quantity(unit)
    except ConfigurationError:
        return False
    return True


def _convert(point: int, source: Any, target: Any) -> Any:
    registry = _registry()
    magnitude = registry.Quantity(point * Fraction(source.magnitude), source.units)
    found = magnitude.to(target.units).magnitude
    if isinstance(found, float):
        return found  # pint leaves its exact numbers only for logarithmic units
    return found / Fraction(target.magnitude)


@lru_cache(_REMEMBERED)
def _quantity(unit: str) -> Any:
    # Numbers are exact, however large: working out `10*999999999` would never end
    bare = unit if len(unit) > _MOST else _COMMENT.sub("", unit)
    if len(bare) > _LONGEST or _LARGE_POWER.search(bare):
        raise ConfigurationError("unknown-unit", unit=unit[:_LONGEST])
    registry = _registry()
    try:
        return registry.from_ucum(unit)
    except Exception as error:  # the parser's and pint's errors have no common kind
        raise ConfigurationError("unknown-unit", unit=unit) from error


@cache
def _registry() -> Any:
    # Imported here: with the registry it costs 2 s, which only a table with another unit pays.
    from ucumvert import PintUcumRegistry  # noqa: PLC0415

    return PintUcumRegistry(non_int_type=Fraction)
