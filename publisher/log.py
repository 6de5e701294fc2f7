"""Structured logs on stderr: JSON lines, or readable ones on a terminal, freed of secrets."""

import logging
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from publisher.secrets import REDACTED, Secrets

__all__ = ["configure", "redactor"]

_TELLING_KEY = re.compile(r"authorization|token|passw|secret|api[-_]?key|cookie", re.IGNORECASE)


def configure(level: str, secrets: Secrets | None = None, *, stream: TextIO | None = None) -> None:
    """Send the logs of this process, those of libraries included, to *stream* (stderr).

    *level* is the least one shown: debug, info, warning or error. Libraries speak from
    warning on. May be called again, as when the secrets become known.
    """
    stream = stream or sys.stderr
    least = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redactor(secrets or Secrets({})),
    ]
    renderer = _renderer(stream)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            keep_exc_info=False,
            keep_stack_info=False,
        )
    )
    logging.basicConfig(handlers=[handler], level=max(least, logging.WARNING), force=True)


def redactor(secrets: Secrets) -> Processor:
    """Give the processor that blanks out secrets, by their value and by the key's name."""

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return secrets.redact(value)
        if isinstance(value, Mapping):
            return {
                key: REDACTED if _TELLING_KEY.search(str(key)) else clean(item)
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [clean(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return secrets.redact(str(value))

    def process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {
            key: value if key.startswith("_") else cleaned
            for (key, value), cleaned in zip(event.items(), clean(event).values(), strict=True)
        }

    return process


def _renderer(stream: TextIO) -> Processor:
    if stream.isatty():
        return structlog.dev.ConsoleRenderer(
            exception_formatter=structlog.dev.plain_traceback, pad_event_to=0
        )
    return structlog.processors.JSONRenderer(_json)


def _json(event: object, default: Callable[[Any], Any] | None = None, **_: object) -> str:
    return orjson.dumps(event, default=default or str).decode()
