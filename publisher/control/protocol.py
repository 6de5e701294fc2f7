"""What goes over the control socket: a request in one line, then events, a line each.

-> {"protocol": 1, "version": "0.1.0", "operation": "harvest", "params": {...}, ...}
<- {"event": "accepted", "protocol": 1, "version": "0.1.0", "pid": 4711}
<- {"event": "progress", "task": "vandstand-ribe/observations", "rows": 100000}
<- {"event": "result", "exit": 0, "answer": {...}}   or   {"event": "refusal", ...}
"""

import os
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, TypeAdapter

from publisher import __version__, errors
from publisher.errors import PublisherError
from publisher.messages import Language
from publisher.model.base import Model
from publisher.operations import Progress

PROTOCOL = 1
LONGEST_REQUEST = 1_000_000
"""Bytes."""
LONGEST_EVENT = 64_000_000
"""Bytes; a page of quarantined rows is the largest answer."""
_LONGEST_ADDRESS = 100  # of the 108 bytes that Linux has for a socket's path


class Request(Model):
    protocol: int = PROTOCOL
    version: str = __version__
    operation: str
    params: Mapping[str, Any]
    language: Language = "en"


class Accepted(Model):
    """The first event: from here on the operation may have begun."""

    event: Literal["accepted"] = "accepted"
    protocol: int = PROTOCOL
    version: str = __version__
    pid: int


class Result(Model):
    event: Literal["result"] = "result"
    exit: int
    answer: Mapping[str, Any]


class Refusal(Model):
    """A PublisherError on its way to the one who asked."""

    event: Literal["refusal"] = "refusal"
    kind: str
    code: str
    params: Mapping[str, Any] = {}

    @classmethod
    def of(cls, error: PublisherError) -> "Refusal":
        return cls(kind=type(error).__name__, code=error.code, params=dict(error.params))

    def error(self) -> PublisherError:
        kind = getattr(errors, self.kind, PublisherError)
        return kind(self.code, **self.params)


Event = Accepted | Progress | Result | Refusal
EVENTS: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="event")])


def line(message: Model) -> bytes:
    """Write *message* as one line of JSON."""
    return orjson.dumps(message.model_dump(by_alias=True), default=str) + b"\n"


@contextmanager
def address(path: Path) -> Iterator[str]:
    """Give an address of the socket at *path* that fits the kernel's 108 bytes."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def may_ask(peer: socket.socket) -> bool:
    """Tell whether the process at the other end belongs to this user, or to root."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True  # not Linux: the socket's mode alone keeps others out
    size = struct.calcsize("3i")
    _pid, uid, _gid = struct.unpack(
        "3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    )
    return uid in {0, os.geteuid()}
