"""CQL2 (OGC 21-065r2) as text, parsed into its JSON form.

Numbers keep their digits in either form: a condition compares with the value that was written.
"""

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

from lark import Lark, Token, Transformer, UnexpectedInput, UnexpectedToken, v_args
from lark.exceptions import VisitError

from publisher.errors import ParameterError
from publisher.query.parameters import MOST_DEPTH
from publisher.query.times import fault

_GRAMMAR = r"""
start: condition
?condition: conjunction (_OR conjunction)*      -> either
?conjunction: term (_AND term)*                 -> both
?term: _NOT term                                -> negated
     | "(" condition ")"
     | predicate
?predicate: operand COMPARISON operand          -> compared
     | name _BETWEEN literal _AND literal       -> between
     | name _NOT _BETWEEN literal _AND literal  -> not_between
     | name _IN "(" literal ("," literal)* ")"  -> among
     | name _NOT _IN "(" literal ("," literal)* ")" -> not_among
     | name _LIKE text                          -> like
     | name _NOT _LIKE text                     -> not_like
     | name _IS _NULL                           -> is_null
     | name _IS _NOT _NULL                      -> is_not_null
     | TEMPORAL "(" name "," literal ")"        -> temporal
     | SPATIAL "(" name "," geometry ")"        -> spatial
     | truth
?operand: name | literal
?literal: number | text | truth | instant | interval
name: NAME | QUOTED
number: NUMBER
text: TEXT
truth: _TRUE -> true | _FALSE -> false
instant: INSTANT "(" text ")"
interval: _INTERVAL "(" text "," text ")"
?geometry: _BBOX "(" number ("," number)* ")"   -> bbox
     | _POLYGON polygon                         -> polygon
     | _MULTIPOLYGON "(" polygon ("," polygon)* ")" -> multipolygon
polygon: "(" ring ("," ring)* ")"               -> list
ring: "(" position ("," position)* ")"          -> list
position: number number                         -> list

COMPARISON: "<>" | "<=" | ">=" | "=" | "<" | ">"
_AND.9: /AND\b/i
_OR.9: /OR\b/i
_NOT.9: /NOT\b/i
_BETWEEN.9: /BETWEEN\b/i
_IN.9: /IN\b/i
_LIKE.9: /LIKE\b/i
_IS.9: /IS\b/i
_NULL.9: /NULL\b/i
_TRUE.9: /TRUE\b/i
_FALSE.9: /FALSE\b/i
TEMPORAL.9: /T_(AFTER|BEFORE|DURING|EQUALS|INTERSECTS)\b/i
SPATIAL.9: /S_INTERSECTS\b/i
INSTANT.9: /(TIMESTAMP|DATE)(?=\s*\()/i
_INTERVAL.9: /INTERVAL(?=\s*\()/i
_BBOX.9: /BBOX(?=\s*\()/i
_POLYGON.9: /POLYGON(?=\s*\()/i
_MULTIPOLYGON.9: /MULTIPOLYGON(?=\s*\()/i
NAME: /[^\W\d][\w.]*/
QUOTED: /"(?:[^"]|"")*"/
TEXT: /'(?:[^']|'')*'/
NUMBER: /[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/
%ignore /\s+/
"""


Members = Callable[[list[tuple[str, Any]]], dict[str, Any]]


class Number(str):
    """The digits of a number as they were written."""

    __slots__ = ()


def loads(text: str, *, members: Members | None = None) -> Any:
    """Read JSON as filters are read from it; ValueError, RecursionError where it is none.

    *members* makes an object of the names and values that stand in one.
    """
    return json.loads(
        text,
        parse_int=Number,
        parse_float=Number,
        parse_constant=_no_number,
        object_pairs_hook=members,
    )


def dumps(value: Any) -> str:
    """Write what ``loads`` read, digit by digit; RecursionError where it is too deep."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(dumps, value))}]"
    if isinstance(value, dict):
        return f"{{{','.join(f'{json.dumps(name)}:{dumps(it)}' for name, it in value.items())}}}"
    return json.dumps(value)


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def from_json(text: str) -> Any:
    try:
        return loads(text)
    except json.JSONDecodeError as error:
        raise _syntax(text, error.pos) from None
    except ValueError:
        raise _syntax(text, 0) from None
    except RecursionError:
        raise too_deep() from None


def from_text(text: str) -> Any:
    try:
        return _parser().parse(text)
    except UnexpectedInput as error:
        ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
        raise _syntax(text, len(text) if ended else error.pos_in_stream or 0) from None
    except VisitError as error:
        raise error.orig_exc from None


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", transformer=_ToJson())


def _syntax(text: str, at: int) -> ParameterError:
    return fault("filter-syntax", "filter", text[at:] or "…", position=at + 1)


def too_deep() -> ParameterError:
    return ParameterError("filter-too-deep", parameter="filter", most=MOST_DEPTH)


@v_args(inline=True)
class _ToJson(Transformer[Token, Any]):
    """Gives what was parsed in the JSON form of CQL2."""

    def start(self, found: Any) -> Any:
        return found

    def either(self, *parts: Any) -> Any:
        return parts[0] if len(parts) == 1 else op("or", *parts)

    def both(self, *parts: Any) -> Any:
        return parts[0] if len(parts) == 1 else op("and", *parts)

    def negated(self, part: Any) -> Any:
        return op("not", part)

    def compared(self, one: Any, how: Token, other: Any) -> Any:
        return op(str(how), one, other)

    def between(self, *args: Any) -> Any:
        return op("between", *args)

    def not_between(self, *args: Any) -> Any:
        return op("not", op("between", *args))

    def among(self, name: Any, *values: Any) -> Any:
        return op("in", name, list(values))

    def not_among(self, name: Any, *values: Any) -> Any:
        return op("not", op("in", name, list(values)))

    def like(self, *args: Any) -> Any:
        return op("like", *args)

    def not_like(self, *args: Any) -> Any:
        return op("not", op("like", *args))

    def is_null(self, name: Any) -> Any:
        return op("isNull", name)

    def is_not_null(self, name: Any) -> Any:
        return op("not", op("isNull", name))

    def temporal(self, how: Token, *args: Any) -> Any:
        return op(how.lower(), *args)

    def spatial(self, how: Token, *args: Any) -> Any:
        return op(how.lower(), *args)

    def name(self, token: Token) -> Any:
        text = str(token)
        return {"property": text[1:-1].replace('""', '"') if text[0] == '"' else text}

    def number(self, token: Token) -> Number:
        return Number(token)

    def text(self, token: Token) -> str:
        return str(token)[1:-1].replace("''", "'")

    def true(self) -> bool:
        return True

    def false(self) -> bool:
        return False

    def instant(self, kind: Token, text: str) -> Any:
        return {kind.lower(): text}

    def interval(self, start: str, end: str) -> Any:
        return {"interval": [start, end]}

    def bbox(self, *numbers: Any) -> Any:
        return {"bbox": list(numbers)}

    def polygon(self, rings: Any) -> Any:
        return {"type": "Polygon", "coordinates": rings}

    def multipolygon(self, *polygons: Any) -> Any:
        return {"type": "MultiPolygon", "coordinates": list(polygons)}

    def list(self, *items: Any) -> Any:
        return [*items]


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": [*args]}
