"""The types of target there are. A new one is one module, one line here, one page of docs."""

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from publisher.model import catalog
from publisher.once import made_once
from publisher.targets.base import Target, TargetContext
from publisher.targets.folder import FolderTarget


def _folder(spec: catalog.FolderTarget, context: TargetContext) -> Target:
    if spec.path is None:
        return FolderTarget(context.settings.published_path)
    return FolderTarget(context.settings.root / spec.path)


def _ckan(spec: catalog.CkanTarget, context: TargetContext) -> Target:
    from publisher.targets.ckan import CkanPublisher  # noqa: PLC0415 - a while to load

    return CkanPublisher(spec, context)


TARGETS: Mapping[str, Callable[..., Target]] = {
    "folder": _folder,
    "ckan": _ckan,
}


def open_target(spec: catalog.FolderTarget | catalog.CkanTarget, context: TargetContext) -> Target:
    return TARGETS[spec.type](spec, context)


def installation_id(data: Path) -> str:
    """Give the id of the installation in *data*, made when it is first asked for.

    Raises StorageFullError, StoreError.
    """
    content = made_once(data / "installation", lambda: f"{uuid.uuid4()}\n".encode("ascii"))
    return content.decode("ascii").strip()
