"""Whom we federate with, and how they are."""

import asyncio
from collections.abc import Mapping

from aiohttp import web

from publisher.api import answers
from publisher.api.negotiation import language_of
from publisher.api.parts import Call
from publisher.api.problems import detail
from publisher.api.replies import paged, reply
from publisher.errors import NotFoundError
from publisher.model.schema import Field
from publisher.partners import Remote, View

_SHOWN = 100


async def list_partners(call: Call) -> web.Response:
    partners = call.parts.partners
    names = sorted(partners.known) if partners is not None else []
    shown, next_url = paged(call, "partners", names, str)
    views = [] if partners is None else await asyncio.gather(*map(partners.view, shown))
    data = tuple(_partner(call, view) for view in views)
    return reply(call, answers.Partners(data=data, next=next_url), next_url=next_url)


async def get_partner(call: Call) -> web.Response:
    partners, name = call.parts.partners, call.path("partner")
    if partners is None or name not in partners.known:
        raise NotFoundError("partner-not-found", partner=name[:_SHOWN])
    view = await partners.view(name, seconds=call.parts.settings.partner_timeout)
    return reply(call, _partner(call, view))


def _partner(call: Call, view: View) -> answers.PartnerAnswer:
    health, spec = view.health, view.partner.spec
    problem = None
    if health.problem is not None:
        text = detail(health.problem, language_of(call.request))
        problem = answers.PartnerProblem(code=health.problem.code, detail=text)
    return answers.PartnerAnswer(
        id=view.partner.name,
        title=spec.title,
        type=spec.type,
        url=view.address,
        state=view.state,
        milliseconds=None if health.milliseconds is None else round(health.milliseconds, 1),
        asked=health.asked,
        failed=health.failed,
        answered_at=health.answered_at,
        problem=problem,
        problem_at=health.problem_at,
        tables=None if view.tables is None else tuple(_table(it, view) for it in view.tables),
    )


def _table(remote: Remote, view: View) -> answers.PartnerTable:
    copy = view.copies.get(remote.ref)
    own = remote.told is not None
    return answers.PartnerTable(
        name=remote.name,
        schema_name=None if own else f"{remote.schema.name}@{remote.schema.version}",
        fields=tuple(remote.fields),
        primary_key=remote.key,
        copied_at=None if copy is None else copy.checked_at,
        told=tuple(_told(it, remote.columns) for it in remote.fields.values()) if own else None,
    )


def _told(field: Field, columns: Mapping[str, str]) -> answers.ToldField:
    return answers.ToldField(
        name=field.name,
        column=columns.get(field.name, field.name),
        type=field.type,
        title=field.title,
        description=field.description,
        unit=field.unit,
    )
