"""``publisher partners``: whom we federate with, and how they are."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from publisher.errors import NotFoundError
from publisher.model.base import Model
from publisher.operations.base import Answer, Context, Operation, Told, first_that_applies
from publisher.operations.select import broken

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.partners import View


class Params(Model):
    partner: str | None = None
    """Every partner otherwise."""


class PartnerLine(Model):
    partner: str
    title: str
    type: str
    url: str
    state: str
    """Of its breaker: closed, open or half-open."""
    milliseconds: float | None
    answered_at: datetime | None
    tables: tuple[str, ...]
    """As ``from`` takes them."""
    copies: Mapping[str, datetime] = {}
    """Of those of which a copy is kept, when it was equal to the table last."""
    problem: Told | None

    @classmethod
    def of(cls, view: "View", context: Context) -> "PartnerLine":
        health, spec, name = view.health, view.partner.spec, view.partner.name
        return cls(
            partner=name,
            title=spec.title,
            type=spec.type,
            url=view.address,
            state=view.state,
            milliseconds=None if health.milliseconds is None else round(health.milliseconds, 1),
            answered_at=health.answered_at,
            tables=tuple(remote.name for remote in view.tables or ()),
            copies={f"{ref}@{name}": it.checked_at for ref, it in view.copies.items()},
            problem=None if health.problem is None else context.told(health.problem),
        )


class Listed(Answer):
    partners: tuple[PartnerLine, ...]

    @property
    def exit_code(self) -> int:
        failing = [1] if any(it.problem for it in self.partners) else []
        return first_that_applies([2, *failing] if self.problems else failing)


async def _list(service: "Service", params: Params, context: Context) -> Listed:
    await service.reload()
    known = service.partners.known
    if params.partner is not None and params.partner not in known:
        raise NotFoundError("partner-not-found", partner=params.partner)
    names = sorted(known) if params.partner is None else [params.partner]
    seconds = service.settings.partner_timeout
    views = await asyncio.gather(
        *(service.partners.view(name, seconds=seconds, fresh=0) for name in names)
    )
    return Listed(
        partners=tuple(PartnerLine.of(view, context) for view in views),
        problems=tuple(context.told(it) for it in broken(service, "catalog/partners.yaml")),
    )


PARTNERS = Operation(Params, Listed, _list)
