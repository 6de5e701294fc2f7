"""What the service does on command, by name: the same for the command line and its socket."""

from collections.abc import Mapping
from types import MappingProxyType

from publisher.operations import (
    backup,
    export,
    harvest,
    keys,
    partners,
    publish,
    quarantine,
    status,
)
from publisher.operations.base import Answer, Context, Operation, Progress

__all__ = ["OPERATIONS", "Answer", "Context", "Operation", "Progress"]

OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "harvest": harvest.HARVEST,
        "publish": publish.PUBLISH,
        "quarantine-list": quarantine.LIST,
        "quarantine-show": quarantine.SHOW,
        "quarantine-release": quarantine.RELEASE,
        "quarantine-discard": quarantine.DISCARD,
        "status": status.STATUS,
        "partners": partners.PARTNERS,
        "export": export.EXPORT,
        "keys-make": keys.MAKE,
        "keys-list": keys.LIST,
        "keys-revoke": keys.REVOKE,
        "backup": backup.BACKUP,
    }
)
