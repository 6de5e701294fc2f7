"""A profile whose fields a steward has mapped to the schema of a site of its own.

``fields`` of the target says for each field of the site what stands in it: a text with the
names of facts in braces, a list of such texts, or nothing, which leaves the field out. A text
that is one name alone gives the fact as it is, a list for one.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from publisher.model.catalog import CkanTarget
from publisher.model.site_fields import FACT
from publisher.targets.ckan.metadata.base import Changes, Destination, Profile, Wanted
from publisher.targets.ckan.metadata.compare import listed
from publisher.targets.ckan.metadata.said import said, said_of
from publisher.targets.facts import DatasetFacts


class MappedProfile:
    def __init__(self, spec: CkanTarget, profile: Profile) -> None:
        self._spec = spec
        self._profile = profile

    def check(self, facts: DatasetFacts) -> None:
        self._profile.check(facts)

    def wanted(self, facts: DatasetFacts, to: Destination) -> Wanted:
        wanted = self._profile.wanted(facts, to)
        tables = {it.name: it for it in facts.tables}
        resources = []
        for it in wanted.resources:
            table, _, link = it.name.partition(".")
            files = {file.format: file for file in tables[table].downloads}
            told = said_of((tables[table], files.get(link)))
            fields = _filled(self._spec.fields.resource, told, it.fields)
            resources.append(replace(it, fields=fields))
        mapping = self._spec.fields.package
        package = _filled(mapping, said(facts), wanted.package)
        extras = {it["key"]: it["value"] for it in wanted.package["extras"]}
        package["extras"] = listed(extras, {*package, *mapping}, package.get("groups") or ())
        return replace(wanted, package=package, resources=tuple(resources))

    def changes(
        self, wanted: Wanted, package: Mapping[str, Any], *, keep: Collection[str]
    ) -> Changes:
        return self._profile.changes(wanted, package, keep=keep)


def _filled(
    mapping: Mapping[str, Any], told: Mapping[str, Any], fields: Mapping[str, Any]
) -> dict[str, Any]:
    found = dict(fields)
    for name, template in mapping.items():
        if template is None:
            found.pop(name, None)
        else:
            found[name] = _fill(template, told)
    return found


def _fill(template: Any, told: Mapping[str, Any]) -> Any:
    if isinstance(template, list | tuple):
        filled = (_fill(item, told) for item in template)
        spread = (it if isinstance(it, list) else [it] for it in filled)
        return [it for items in spread for it in items if it not in (None, "")]
    if isinstance(template, dict):
        return {name: _fill(item, told) for name, item in template.items()}
    if not isinstance(template, str):
        return template
    alone = FACT.fullmatch(template)
    if alone:
        value = told[alone[1]]
        return "" if value is None else value
    return FACT.sub(lambda match: _text(told[match[1]]), template)


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
