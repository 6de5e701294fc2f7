"""What is published of a dataset besides rows (stand-in)."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from publisher.targets.base import Difference
from publisher.targets.licenses import ckan_license

_NO_TAG = re.compile(r"[^\w \-.]", re.UNICODE)
_TEXTS = ("title", "notes", "url", "version", "author", "author_email", "license_id")


@dataclass(frozen=True, slots=True)
class WantedResource:
    name: str
    id: str
    table: str | None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    package: Mapping[str, Any]
    resources: tuple[WantedResource, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    differences: tuple[Difference, ...]
    revision: Mapping[str, Any]
    gone: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    version: str = ""


async def site(client: Any) -> Site:
    return Site()


def profile(spec: Any) -> "Profile":
    return Profile()


def _extras(package: Mapping[str, Any]) -> dict[str, str]:
    return {extra["key"]: extra["value"] for extra in package.get("extras") or ()}


class Profile:
    def wanted(
        self,
        facts: Any,
        *,
        installation: str,
        organization: str,
        resource_id: Callable[[str], str],
        site: Site,
    ) -> Wanted:
        dataset, publisher = facts.dataset, facts.organization
        tags = sorted(
            {
                tag
                for tag in (" ".join(_NO_TAG.sub(" ", k).split()) for k in dataset.keywords)
                if 2 <= len(tag) <= 100
            }
        )
        schemas = {
            table.name: f"{table.state.schema.name}@{table.state.schema.version}"
            for table in facts.tables
        }
        extras = {
            "publisher_installation": installation,
            "publisher_dataset": dataset.name,
            "publisher_versions": orjson.dumps(facts.versions).decode(),
            "publisher_schemas": orjson.dumps(schemas).decode(),
            "publisher_frequency": dataset.update_frequency or "",
        }
        return Wanted(
            package={
                "name": dataset.name,
                "title": dataset.title,
                "notes": dataset.description or "",
                "url": dataset.homepage or publisher.url or "",
                "version": dataset.version or "",
                "author": publisher.title,
                "author_email": publisher.email or "",
                "license_id": ckan_license(dataset.licenses),
                "owner_org": organization,
                "tags": [{"name": tag} for tag in tags],
                "extras": [{"key": k, "value": v} for k, v in sorted(extras.items())],
            },
            resources=tuple(
                WantedResource(
                    table.name,
                    resource_id(table.name),
                    table.name,
                    {
                        "name": table.resource.title or table.name,
                        "description": table.resource.description or "",
                        "format": "CSV",
                        "publisher_table": table.name,
                        "url": "_datastore_only_resource",
                        "url_type": "datastore",
                    },
                )
                for table in facts.tables
            ),
        )

    def changes(
        self, wanted: Wanted, package: Mapping[str, Any], *, keep: Collection[str]
    ) -> Changes:
        update = {
            k: wanted.package[k] for k in _TEXTS if (package.get(k) or "") != wanted.package[k]
        }
        found = [Difference(f"package.{k}", package.get(k), v) for k, v in update.items()]
        tags = sorted(tag["name"] for tag in package.get("tags", ()))
        wanted_tags = [tag["name"] for tag in wanted.package["tags"]]
        if tags != wanted_tags:
            update["tags"] = wanted.package["tags"]
            found.append(Difference("package.tags", tags, wanted_tags))
        held, ours = _extras(package), _extras(wanted.package)
        if {k: v for k, v in held.items() if k.startswith("publisher_")} != ours:
            others = [e for e in package["extras"] if not e["key"].startswith("publisher_")]
            update["extras"] = [*others, *wanted.package["extras"]]
            found.append(Difference("package.extras", held, ours))
        revision: dict[str, Any] = {"update": update} if update else {}
        there = {r["id"]: r for r in package["resources"]}
        for it in wanted.resources:
            if it.id not in there:
                continue
            diff = {
                k: v
                for k, v in it.fields.items()
                if k not in {"url", "url_type"} and (there[it.id].get(k) or "") != v
            }
            if diff:
                revision[f"update__resources__{it.id}"] = diff
                found += [
                    Difference(f"{it.name}.{k}", there[it.id].get(k), v) for k, v in diff.items()
                ]
        return Changes(tuple(found), revision)
