"""What a route is: where it answers, to what, and with what."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from publisher.api.parts import Call
from publisher.model.base import Model
from publisher.query.parameters import Parameter

Handler = Callable[[Call], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    handler: Handler
    summary: str
    answer: type[Model] | None
    """Shape of the JSON; None where the content is described by its own standard."""
    place: tuple[Parameter, ...] = ()
    """What the path names."""
    query: tuple[Parameter, ...] = ()
    fields: bool = False
    """Takes conditions on fields as well; the handler reads the parameters itself."""
    formats: tuple[str, ...] = ("application/json",)
    posted: bool = False
    """Takes the parameters as a JSON object too, by POST."""
    metered: bool = True
    """Counts against the caller's quota."""

    @property
    def name(self) -> str:
        return self.handler.__name__
