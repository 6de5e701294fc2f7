"""Whether the service lives and is ready."""

from aiohttp import web

from publisher.api import answers
from publisher.api.negotiation import NEVER
from publisher.api.parts import Call
from publisher.api.replies import reply
from publisher.engine import Connection


async def get_health(call: Call) -> web.Response:
    return reply(call, answers.Health(status="ok"), cache=NEVER)


async def get_ready(call: Call) -> web.Response:
    """Answer once the store is read from."""

    def ask(con: Connection) -> None:
        con.execute("SELECT max(number) FROM store.meta.format").fetchone()

    await call.read(ask)
    return reply(call, answers.Health(status="ready"), cache=NEVER)
