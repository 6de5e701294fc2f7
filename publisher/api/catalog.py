"""The catalog as DCAT, for portals that harvest: in pages, and a dataset by itself."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from publisher.api.negotiation import BRIEF, NEVER, held, respond, unchanged
from publisher.api.parts import Call
from publisher.api.replies import site
from publisher.query.parameters import Parameter
from publisher.query.times import fault
from publisher.query.values import read_count
from publisher.targets.dcat.catalog import PAGE
from publisher.targets.dcat.feed import Plan, Shape
from publisher.targets.dcat.writing import MEDIA_TYPES, Form

_MOST_PAGES = 1_000_000
_PROFILES = ("dcat-ap-dk", "dcat-ap")
_PROFILE = Parameter(
    "profile",
    "`dcat-ap-dk` is valid under DCAT-AP 3 and its Danish profile. `dcat-ap` adds the sizes and"
    " SHA-256 checksums of bulk files, which the Danish profile wants in other ways.",
    {"type": "string", "enum": list(_PROFILES), "default": _PROFILES[0]},
)
DATASET_QUERY = (_PROFILE,)
CATALOG_QUERY = (
    Parameter(
        "page",
        f"The page, {PAGE} datasets on each; `hydra:next` leads to the one behind.",
        {"type": "integer", "minimum": 1, "maximum": _MOST_PAGES, "default": 1},
    ),
    _PROFILE,
)
Handler = Callable[[Call], Awaitable[web.StreamResponse]]


def get_catalog(form: Form) -> Handler:
    """Make the handler that gives the catalog in *form*."""

    async def handle(call: Call) -> web.StreamResponse:
        number = read_count("page", call.stated.get("page", "1"), 1, _MOST_PAGES)
        plan = await call.feed.plan_page(call.catalog, _shape(call, form), number)
        return await _answer(call, plan)

    handle.__name__ = f"get_catalog_{form}"
    return handle


def get_catalog_dataset(form: Form) -> Handler:
    """Make the handler that gives one dataset in *form*."""

    async def handle(call: Call) -> web.StreamResponse:
        name = call.dataset().name
        plan = await call.feed.plan_dataset(call.catalog, _shape(call, form), name)
        return await _answer(call, plan)

    handle.__name__ = f"get_catalog_dataset_{form}"
    return handle


def _shape(call: Call, form: Form) -> Shape:
    profile = call.stated.get("profile", _PROFILES[0])
    if profile not in _PROFILES:
        raise fault(
            "not-a-profile",
            "profile",
            profile,
            allowed=list(_PROFILES),
            choices=", ".join(_PROFILES),
        )
    return Shape(site(call), form, files=profile == "dcat-ap")


async def _answer(call: Call, plan: Plan) -> web.StreamResponse:
    etag = call.signer.etag(plan.key.encode())
    media_type = MEDIA_TYPES[plan.shape.form]
    if (tag := held(call.request, etag)) is not None:
        return unchanged(tag, BRIEF)
    text, whole = await call.feed.text(plan)
    if not whole:
        # Nobody is to hold what lacks something
        return respond(call.request, text, media_type, cache=NEVER)
    return respond(call.request, text, media_type, etag=etag, cache=BRIEF)
