"""Which keys a model knows at which place of a descriptor."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from publisher.model.base import Model
from publisher.model.dataset import Dialect

_ALIKE = 0.65
_PREFIX = 3
_LONGEST = 200


def known_keys(model: type[Model], path: Sequence[str | int]) -> list[str]:
    """List the keys that *model* has at *path*, a pydantic location below it."""
    kinds: list[Any] = [model]
    for step in path:
        kinds = [below for kind in kinds for below in _below(kind, step)]
    return sorted({key for kind in kinds if _is_model(kind) for key in _keys(kind)})


def homes(model: type[Model], key: str) -> list[str]:
    """List the places below *model* where *key* is known, written like ``resources[].harvest``."""
    return _homes(model).get(key, [])


def nearest(word: str, known: Sequence[str]) -> str:
    """Give the one of *known* that *word* was probably meant to be, empty where none is near.

    Near is what shares two thirds of its letters, and what one of the two begins with.
    """
    lower = {name.lower(): name for name in reversed(known)}
    asked = word[:_LONGEST].lower()
    found = get_close_matches(asked, lower, 1, _ALIKE)
    if not found:
        begun = [
            name
            for name in lower
            if min(len(name), len(asked)) >= _PREFIX
            and (asked.startswith(name) or name.startswith(asked))
        ]
        found = get_close_matches(asked, begun, 1, 0)
    return lower[found[0]] if found else ""


@cache
def _keys(model: type[Model]) -> Mapping[str, Any]:
    keys: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        keys[field.alias or name] = Dialect if name == "dialect" else annotation
    return keys


@cache
def _homes(model: type[Model]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}

    def visit(kind: Any, path: str) -> None:
        if _is_model(kind):
            for key, annotation in _keys(kind).items():
                found.setdefault(key, []).append(path)
                for below in _unfold(annotation):
                    visit(below, f"{path}.{key}" if path else key)
        elif get_origin(kind) is tuple:
            visit(_member(kind, 0), f"{path}[]")
        elif get_args(kind) and path:
            for below in _unfold(_member(kind, -1)):
                visit(below, f"{path}.*")

    visit(model, "")
    return {
        key: list(dict.fromkeys(path for path in paths if path)) for key, paths in found.items()
    }


def _below(kind: Any, step: str | int) -> Iterator[Any]:
    if _is_model(kind):
        keys = _keys(kind)
        if step in keys:
            yield from _unfold(keys[str(step)])
        elif "type" in keys and step in get_args(keys["type"]):
            yield kind  # pydantic names the member of a union that is told by its type
    elif get_origin(kind) is tuple and isinstance(step, int):
        yield from _unfold(_member(kind, 0))
    elif get_origin(kind) in {dict, Mapping}:
        yield from _unfold(_member(kind, -1))


def _unfold(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _unfold(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for member in get_args(annotation):
            yield from _unfold(member)
    elif origin is not Literal:
        yield annotation


def _member(kind: Any, index: int) -> Any:
    return get_args(kind)[index]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)
