"""The one error tree, and the one table from it to exit codes and HTTP statuses.

    PublisherError
    ├── UsageError             the command or the request is wrong
    │   └── ParameterError     ... and names the parameter
    ├── NotFoundError          no such dataset, table, schema, run
    ├── GoneError              it was there; its history is not kept any longer
    ├── ConfigurationError     catalog/, schemas/ or the settings are wrong
    ├── SourceError            a source is unreachable, or hands over what cannot be used
    │   ├── SourceUnavailableError   ... and asking again later may help
    │   └── DeliveryError      ... a delivery is no table the source view can read
    ├── HeldError              a steward's policy (maxBad, maxShrink) stopped the run
    ├── StoreError             the store cannot be read or written
    │   ├── StoreBusyError     another process holds it and does not answer
    │   ├── StoreFormatError   it was written by a newer Publisher
    │   ├── StorageFullError   the disk is full
    │   ├── EngineMemoryError  the work at hand needs more memory than the engine may hold
    │   └── SchemaChangeError  a schema change that would lose or re-read data
    ├── TargetError            a catalog cannot be brought up to date
    │   └── TargetUnavailableError   ... and asking again later may help
    └── InvalidDataError       `validate` found errors in the data

Each error carries a stable code, whose texts in English and Danish stand in
``publisher.messages``, and the parameters those texts use. Parameters hold no secrets.
"""

import errno
import os
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from publisher.messages import Language, render


class PublisherError(Exception):
    """An expected failure, told to a person by code.

    >>> str(UsageError("unknown-command", name="x"))  # doctest: +SKIP
    """

    def __init__(self, code: str, /, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params: Mapping[str, object] = params

    final: ClassVar[bool] = False
    """Trying again with the same bytes and the same catalog must end the same way."""

    def message(self, language: Language = "en") -> str:
        return render(self.code, self.params, language)[0]

    def remedy(self, language: Language = "en") -> str:
        return render(self.code, self.params, language)[1]

    def __str__(self) -> str:
        message, remedy = render(self.code, self.params)
        return f"{message}: {remedy}" if remedy else message

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.code, dict(self.params)))


def _rebuild(kind: type[PublisherError], code: str, params: dict[str, object]) -> PublisherError:
    return kind(code, **params)


class UsageError(PublisherError):
    pass


class ParameterError(UsageError):
    """A request parameter is wrong; ``params`` holds ``parameter`` and may hold ``allowed``."""


class NotFoundError(PublisherError):
    pass


class GoneError(PublisherError):
    pass


class ConfigurationError(PublisherError):
    final = True


class SourceError(PublisherError):
    pass


class SourceUnavailableError(SourceError):
    pass


class DeliveryError(SourceError):
    final = True


class HeldError(PublisherError):
    final = True


class StoreError(PublisherError):
    pass


class StoreBusyError(StoreError):
    pass


class StoreFormatError(StoreError):
    pass


class StorageFullError(StoreError):
    pass


class EngineMemoryError(StoreError):
    pass


class SchemaChangeError(StoreError):
    final = True


class TargetError(PublisherError):
    facts: Mapping[str, Any] = {}
    """What the catalog itself said of it, for the code that can do something about it."""


class TargetUnavailableError(TargetError):
    retry_after: float | None = None
    """Seconds before which another try is of no use; None where that is not known."""
    lost: bool = False
    """The request may have been carried out, or may yet be."""


class InvalidDataError(PublisherError):
    pass


_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FULL_WORDS = (
    *map(os.strerror, sorted(_FULL)),
    "max_temp_directory_size",  # of spilled data: by default what the disk has free
)


def is_full(error: BaseException) -> bool:
    """Tell whether the disk, a quota or the largest file allowed stopped the work.

    The operating system says it by number; the engine passes its words on.
    """
    if isinstance(error, OSError):
        return error.errno in _FULL
    text = str(error)
    return any(words in text for words in _FULL_WORDS)


class Answer(NamedTuple):
    exit_code: int
    """Of the command: 2 wrong command or configuration, 1 the work failed, 3 held."""
    status: int
    """Of the HTTP problem."""


ANSWERS: Mapping[type[PublisherError], Answer] = {
    PublisherError: Answer(1, 500),
    UsageError: Answer(2, 400),
    NotFoundError: Answer(2, 404),
    GoneError: Answer(2, 410),
    ConfigurationError: Answer(2, 500),
    SourceError: Answer(1, 502),
    HeldError: Answer(3, 409),
    StoreError: Answer(1, 503),
    TargetError: Answer(1, 502),
    InvalidDataError: Answer(1, 422),
}

CONFIGURATION_CODES = frozenset(
    {
        "check-of-mode",
        "check-of-other-type",
        "check-without-fields",
        "check-without-interval",
        "check-without-role",
        "http-header",
        "incompatible-units",
        "no-harvest",
        "no-plausible-range",
        "nonlinear-unit",
        "unit-of-no-number",
        "unit-without-unit",
        "unknown-check-field",
        "unknown-encoding",
        "unknown-unit",
        "unknown-view-field",
        "unreadable-constraint",
        "unreadable-secret",
        "unset-variable",
        "unusable-check",
        "unusable-field",
        "wrong-constant",
        "wrong-dialect",
    }
)
"""The codes of ConfigurationError that a run or a publication may fail with.

The ledger keeps the code of what went wrong and not its kind, which a command's exit code
depends on; a test compares these with what is raised.
"""


PASSING_CODES = frozenset(
    {
        "ckan-certificate",
        "ckan-contested",
        "ckan-differs",
        "ckan-failed",
        "ckan-missing",
        "ckan-settling",
        "ckan-strange",
        "ckan-timeout",
        "ckan-unreachable",
        "engine-memory",
        "folder-unusable",
        "storage-full",
        "store-busy",
        "store-unusable",
        "unexpected",
    }
)
"""The codes of failed publications that may pass by themselves; all others wait for a person."""


def answer_to(error: PublisherError) -> Answer:
    """Give what *error*, or the nearest of its kinds in the table, is answered with."""
    return next(ANSWERS[kind] for kind in type(error).__mro__ if kind in ANSWERS)
