"""Further checks that are stated outside catalog/, told as those in it are."""

from collections.abc import Sequence
from typing import Any

import orjson

from publisher.errors import UsageError
from publisher.model.base import Model
from publisher.model.checks import Check
from publisher.registry.document import Document
from publisher.registry.parse import parse


class _Stated(Model):
    checks: tuple[Check, ...]


def check_checks(listed: Sequence[Any]) -> None:
    """Raise UsageError ``wrong-check``, naming all that is wrong with *listed* checks."""
    value = {"checks": list(listed)}
    document = Document("--checks", value, orjson.dumps(value).decode())
    _, findings = parse(_Stated, document)
    if findings:
        reasons = [{"code": each.code, "params": each.params} for each in findings]
        raise UsageError("wrong-check", reason=reasons)
