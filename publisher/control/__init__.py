"""One process holds ``<data>``; it listens on ``<data>/control.sock`` and works for the others.

DuckDB admits one process to a database. A command therefore asks the holder, where there is
one, and becomes the holder itself where there is none; what it answers is the same.
"""

from publisher.control.client import Notice, Place, perform
from publisher.control.lock import HolderKind, Lock
from publisher.control.protocol import Result

__all__ = ["HolderKind", "Lock", "Notice", "Place", "Result", "perform"]
