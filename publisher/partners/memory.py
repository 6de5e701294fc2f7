"""What was known of other Publishers' tables, kept over a restart: walks go on without them."""

import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson
import structlog

from publisher.model.base import Model
from publisher.model.schema import Schema
from publisher.model.values import TableRef
from publisher.partners.base import Origin, Remote

log = structlog.get_logger(__name__)


class _Known(Model):
    partner: str
    dataset: str
    table: str
    schema_: Schema
    version: int
    origin: str | None = None
    whole: bool = True

    def remote(self) -> Remote:
        fields = {field.name: field for field in self.schema_.fields}
        ref = TableRef(self.dataset, self.table)
        key = self.schema_.primary_key
        origin = None if self.origin is None else Origin(self.origin, self.whole)
        return Remote(self.partner, ref, fields, key, self.schema_, self.version, origin)


def recalled(file: Path) -> Iterator[Remote]:
    """Give what was written; nothing where that cannot be read."""
    try:
        for stated in orjson.loads(file.read_bytes()):
            yield _Known.model_validate(stated).remote()
    except FileNotFoundError:
        return
    except (OSError, ValueError, TypeError):
        log.warning("what was known of partners cannot be read", file=str(file))


def remember(file: Path, remotes: Iterable[Remote]) -> None:
    """Write all of it, whole or not at all."""
    known = [
        _Known(
            partner=it.partner,
            dataset=it.ref.dataset,
            table=it.ref.table,
            schema_=it.schema,
            version=it.version,
            **({} if it.origin is None else {"origin": it.origin.url, "whole": it.origin.whole}),
        ).model_dump(mode="json", by_alias=True, exclude_unset=True)
        for it in remotes
    ]
    begun = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    try:
        begun.write_bytes(orjson.dumps(known))
        begun.replace(file)
    except OSError as error:
        log.warning("what is known of partners cannot be kept", reason=error.strerror)
        begun.unlink(missing_ok=True)
