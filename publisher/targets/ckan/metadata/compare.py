"""Compares what a site shows of a package with what is wanted.

Sites give values back in another dress: a list as JSON text, a day with a time, a truth as text.
A foreign value that we say nothing of is left alone.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from publisher.targets.base import Difference
from publisher.targets.ckan.metadata.base import Changes, Wanted, WantedResource
from publisher.targets.ckan.packages import extras_of

FIELDS, GROUPS = "publisher_fields", "publisher_groups"
"""The extras that list the names of the extras, and of the groups, that we wrote."""
_MIDNIGHT = {
    f"00:00:00{fraction}{zone}" for fraction in ("", ".000000") for zone in ("", "Z", "+00:00")
}
_DATASTORE = ("url", "url_type")  # CKAN puts its own in their place


def listed(
    extras: Mapping[str, str], package: Collection[str], groups: Iterable[Mapping[str, str]] = ()
) -> list[dict[str, str]]:
    """Give extras as CKAN takes them, without those that the package has fields of its own for.

    A site with a schema refuses both. *groups* are those that the package is put in.
    """
    told = {name: it for name, it in extras.items() if name not in {*package, FIELDS, GROUPS}}
    if names := sorted(group["name"] for group in groups):
        told[GROUPS] = orjson.dumps(names).decode()
    told[FIELDS] = orjson.dumps(sorted(told)).decode()
    return [{"key": name, "value": value} for name, value in sorted(told.items())]


def same(wanted: Any, held: Any) -> bool:
    """Tell whether a site shows *held* for what was sent as *wanted*."""
    return bool(_plain(wanted) == _plain(held))


def _plain(value: Any) -> Any:
    if value in (None, "", [], {}):
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[:1] in {"[", "{"}:
        try:
            return _plain(orjson.loads(value))
        except orjson.JSONDecodeError:
            return value
    if isinstance(value, list | tuple):
        items = [_plain(item) for item in value]
        # A site keeps choices in the order of its own schema
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    text = str(value)
    if text in {"True", "False"}:
        return text.lower()
    day, found, clock = text.replace(" ", "T", 1).partition("T")
    return day if found and clock in _MIDNIGHT else text


class Comparison:
    """One package, being compared."""

    def __init__(
        self,
        wanted: Wanted,
        package: Mapping[str, Any],
        *,
        keep: Collection[str],
        habits: Collection[str] = (),
    ) -> None:
        self._wanted = wanted
        self._package = package
        self._keep = keep
        self._habits = habits
        self._there = {it["id"]: it for it in package.get("resources") or ()}
        self._found: list[Difference] = []
        self._update: dict[str, Any] = {}
        self._revision: dict[str, Any] = {}
        self._replaced: list[str] = []
        """What goes before the update: CKAN merges a list into the one that is there."""

    def changes(self) -> Changes:
        for name, value in self._wanted.package.items():
            # An editor may give the package another name: it is known by its id
            if name in self._keep or name == "name":
                continue
            if name == "extras":
                self._extras()
            elif name == "tags":
                self._names(name, value, others=())
            elif name == "groups":
                self._names(name, value, others=self._others(value))
            elif name == "owner_org":
                self._organization(value)
            else:
                self._field(name, value)
        self._resources()
        if self._update:
            self._revision["update"] = self._update
        if self._replaced:
            self._revision["filter"] = self._replaced
        gone = self._gone()
        return Changes(tuple(self._found), self._revision, gone)

    def _field(self, name: str, value: Any) -> None:
        held = self._package.get(name)
        if name in self._habits and held:
            return
        if not same(value, held):
            self._tell(f"package.{name}", held, value)
            self._replace(name, value)

    def _others(self, value: list[Mapping[str, str]]) -> list[str]:
        """Give the groups that others put it in; one that we did and want no more is none."""
        held = {it["name"] for it in self._package.get("groups") or ()}
        ours = _names(extras_of(self._package).get(GROUPS))
        return sorted(held - {it["name"] for it in value} - ours)

    def _names(self, name: str, value: list[Mapping[str, str]], *, others: Collection[str]) -> None:
        held = [it["name"] for it in self._package.get(name) or ()]
        wanted = [it["name"] for it in value]
        if sorted(held) != sorted([*wanted, *others]):
            self._tell(f"package.{name}", sorted(held), wanted)
            self._replace(name, [*value, *({"name": other} for other in others)])

    def _organization(self, value: str) -> None:
        held = self._package.get("organization") or {}
        if value not in {held.get("name"), self._package.get("owner_org")}:
            self._tell("package.owner_org", held.get("name"), value)
            self._update["owner_org"] = value

    def _extras(self) -> None:
        held = extras_of(self._package)
        wanted = extras_of(self._wanted.package)
        kept = {name for name in wanted if f"extras.{name}" in self._keep}
        ours = {name for name in wanted if name not in kept}
        # A site may show an extra as a field of its own
        shown = {name: held.get(name, self._package.get(name)) for name in ours}
        stale = {
            name
            for name in _names(held.get(FIELDS)) - {*wanted}
            if f"extras.{name}" not in self._keep
        }
        differing = [name for name in sorted(ours) if not same(wanted[name], shown[name])]
        if not differing and not stale & held.keys():
            return
        for name in differing:
            self._tell(f"package.{name}", shown[name], wanted[name])
        for name in sorted(stale & held.keys()):
            self._tell(f"package.{name}", held[name], None)
        left = {name: it for name, it in held.items() if name not in stale | ours}
        told = {**left, **{name: wanted[name] for name in sorted(ours)}}
        self._replace("extras", [{"key": name, "value": it} for name, it in told.items()])

    def _resources(self) -> None:
        new = []
        for it in self._wanted.resources:
            if it.id not in self._there:
                if it.table is None:  # those of tables are the target's own business
                    new.append({**it.fields, "id": it.id})
                    self._tell(f"{it.name}.resource", None, it.fields.get("url"))
                continue
            self._resource(it, self._there[it.id])
        if new:
            self._revision["update__resources__extend"] = new

    def _resource(self, it: WantedResource, held: Mapping[str, Any]) -> None:
        differing = {
            name: value
            for name, value in it.fields.items()
            if f"resources.{name}" not in self._keep
            and not (it.table and name in _DATASTORE)
            and not same(value, held.get(name))
        }
        for name, value in differing.items():
            self._tell(f"{it.name}.{name}", held.get(name), value)
        if differing:
            self._revision[f"update__resources__{it.id}"] = differing
            self._replaced += [
                f"-resources__{it.id}__{name}"
                for name, value in differing.items()
                if isinstance(value, list | dict)
            ]

    def _replace(self, name: str, value: Any) -> None:
        self._update[name] = value
        if isinstance(value, list | dict):
            self._replaced.append(f"-{name}")

    def _gone(self) -> tuple[str, ...]:
        gone = tuple(it for it in self._wanted.former if it in self._there)
        for it in gone:
            self._tell("resource", it, None)
        return gone

    def _tell(self, what: str, before: Any, after: Any) -> None:
        self._found.append(Difference(what, before, after))


def _names(text: Any) -> frozenset[str]:
    try:
        found = orjson.loads(text or "[]")
    except (orjson.JSONDecodeError, TypeError):
        return frozenset()
    return frozenset(map(str, found)) if isinstance(found, list) else frozenset()
