"""``publisher keys``: who may ask the API for more than everybody."""

from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import Field

from publisher.errors import NotFoundError
from publisher.model.base import Model
from publisher.operations.base import Answer, Context, Operation

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.store import ApiKey


class MakeParams(Model):
    name: str = Field(min_length=1, max_length=200)
    """Whom or what it is for."""


class ListParams(Model):
    pass


class RevokeParams(Model):
    id: str


class Key(Model):
    id: str
    name: str
    made_at: datetime
    revoked_at: datetime | None

    @classmethod
    def of(cls, key: "ApiKey") -> "Key":
        return cls(id=key.id, name=key.name, made_at=key.made_at, revoked_at=key.revoked_at)


class Made(Answer):
    made: Key
    key: str
    """Told this once."""


class Listed(Answer):
    keys: tuple[Key, ...]


class Revoked(Answer):
    revoked: Key


async def _make(service: "Service", params: MakeParams, context: Context) -> Made:
    del context
    made, key = await service.engine.run(lambda con: service.store.make_key(con, params.name))
    return Made(made=Key.of(made), key=key)


async def _list(service: "Service", params: ListParams, context: Context) -> Listed:
    del params, context
    keys = await service.engine.run(service.store.api_keys, lane="query")
    return Listed(keys=tuple(map(Key.of, keys)))


async def _revoke(service: "Service", params: RevokeParams, context: Context) -> Revoked:
    del context
    found = await service.engine.run(lambda con: service.store.revoke_key(con, params.id))
    if found is None:
        raise NotFoundError("unknown-api-key-id", id=params.id)
    return Revoked(revoked=Key.of(found))


MAKE = Operation(MakeParams, Made, _make, repeatable=False)
LIST = Operation(ListParams, Listed, _list)
REVOKE = Operation(RevokeParams, Revoked, _revoke)
