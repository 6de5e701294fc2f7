"""The profile ``opendata-dk``: the national portal's own fields, rules and habits.

What the portal asks stands in publisher/model/opendata_dk.py. Its extension writes the
translations of titles and descriptions itself, so that they are sent and not insisted on; it
makes root fields of extras named contact_name and contact_email, which are not sent.
"""

from collections.abc import Callable, Mapping
from typing import Any

from publisher.errors import TargetError
from publisher.model import opendata_dk as portal
from publisher.model.dataset import Theme
from publisher.model.run import Problem
from publisher.targets.ckan.metadata.plain import PlainProfile
from publisher.targets.ckan.metadata.said import Value
from publisher.targets.ckan.metadata.site import Site
from publisher.targets.facts import LANGUAGE, DatasetFacts, Download, TableFacts
from publisher.targets.licenses import LICENSES

_LANGUAGES = (LANGUAGE, "en")  # that the portal offers
_FREQUENCIES = {"CONT": "UPDATE_CONT"}  # the one EU code that the portal's list lacks
_PROMOTED = ("contact_name", "contact_email")


class OpenDataDk(PlainProfile):
    formats = {"api": "REST", "csv": "CSV", "parquet": "OCTET"}  # noqa: RUF012 - as the parent's
    habits = ("title_translated", "notes_translated")

    def check(self, facts: DatasetFacts) -> None:
        broken = [
            Problem(code, {"key": key, "dataset": facts.dataset.name})
            for code, key in portal.broken_rules(facts.dataset, facts.organization)
        ]
        if broken:
            raise TargetError(
                "ckan-profile",
                dataset=facts.dataset.name,
                problems=[problem.descriptor() for problem in broken],
            )

    def package(self, facts: DatasetFacts, told: Mapping[str, Value], site: Site) -> dict[str, Any]:
        del site  # its licences are the resources'
        return {
            "title": told["title"],
            "title_translated": _by_language(facts.title),
            "notes": told["description"],
            "notes_translated": _by_language(facts.description),
            "author": told["publisher"],
            "author_email": told["contact_email"] or told["publisher_email"],
            "data_themes": told["themes"],
            "update_frequency": _FREQUENCIES.get(
                facts.frequency or "", facts.frequency or "UNKNOWN"
            ),
            "temporal_start": told["temporal_start_day"] or "",
            "temporal_end": told["temporal_end_day"] or "",
            "documentation": told["documentation"] or "",
            "data_directory": True,
        }

    def extras(self, told: Mapping[str, Value]) -> dict[str, str]:
        return {name: it for name, it in super().extras(told).items() if name not in _PROMOTED}

    def resource(self, kind: str, facts: TableFacts, download: Download | None) -> dict[str, Any]:
        name = facts.license.get("name") or ""
        code = LICENSES[name].eu if name in LICENSES else portal.OTHER_LICENSE
        return {
            **super().resource(kind, facts, download),
            "license_id": portal.LICENSES.get(name, code),
        }

    def groups(self) -> Mapping[Theme, str]:
        return {**portal.GROUPS, **super().groups()}


def _by_language(tell: Callable[[str], str | None]) -> dict[str, str]:
    return {code: text for code in _LANGUAGES if (text := tell(code))}
