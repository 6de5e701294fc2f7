"""The folder target: each dataset a Data Package on disk, whole at every instant.

``<path>/<dataset>`` is a link to ``.packages/<dataset>/<id>``, a folder that never changes
once it is linked. A package is written beside the one in use, made durable, and taken into
use by replacing the link, which POSIX promises to be atomic: whoever opens the folder sees
one package or the other. The one before stays until the next is published, for readers that
are under way, unless it holds what is not to be shown any more. Whatever else lies there was
left by a process that was killed, and goes.
"""

import errno
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any, TypeVar

import orjson

from publisher.errors import StorageFullError, TargetError, TargetUnavailableError, is_full
from publisher.targets.base import Difference, Receipt, Watch
from publisher.targets.datapackage import TableFiles, descriptor, file_name, fingerprint
from publisher.targets.snapshot import PinnedTable, Snapshot
from publisher.threads import beside, to_its_end

PACKAGES = ".packages"
T = TypeVar("T")


class FolderTarget:
    def __init__(self, path: Path) -> None:
        self._path = path

    async def publish(
        self,
        snapshot: Snapshot,
        remote: Mapping[str, Any],
        *,
        dry_run: bool,
        thorough: bool,
        watch: Watch,
    ) -> Receipt:
        """Write the package unless this very one is in use; one without a table goes.

        Raises StorageFullError (the last package stays) and TargetError.
        """
        del thorough  # files do not change
        dataset = snapshot.dataset.name
        if not snapshot.tables:
            return await self.withdraw(dataset, remote, dry_run=dry_run)
        name = _package_name(snapshot)
        changes = await self._disk(self._compare, snapshot, name)
        if changes and not dry_run:
            building = self._home(dataset) / f"{name}.{uuid.uuid4().hex}.tmp"
            await self._disk(self._prepare, dataset, building)
            try:
                await self._build(snapshot, building)
                await self._disk(self._take_into_use, dataset, building, name)
                for table in snapshot.tables:
                    watch.sent(table.name, table.state.rows)
            finally:
                await self._disk(lambda: shutil.rmtree(building, ignore_errors=True))
        return Receipt(changes=tuple(changes), remote={"package": name})

    async def withdraw(self, dataset: str, remote: Mapping[str, Any], *, dry_run: bool) -> Receipt:
        del remote
        link = self._path / dataset
        if not await self._disk(self._linked, dataset):
            return Receipt()
        if not dry_run:
            await self._disk(self._remove, dataset)
        return Receipt(changes=(Difference("package", str(link), None),))

    async def remove(self, dataset: str, remote: Mapping[str, Any]) -> Receipt:
        return await self.withdraw(dataset, remote, dry_run=False)

    async def close(self) -> None:
        return

    async def _disk(self, work: Callable[..., T], *arguments: Any) -> T:
        """Do *work* in a thread, to its end: it renames and links what is cleaned up next."""

        def call() -> T:
            with _explained(self._path):
                return work(*arguments)

        return await to_its_end(beside(call))

    def _home(self, dataset: str) -> Path:
        return self._path / PACKAGES / dataset

    def _linked(self, dataset: str) -> str | None:
        """Give the id of the package in use. Raises TargetError for what is no link of ours."""
        link = self._path / dataset
        try:
            target = link.readlink()
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.EINVAL:  # something that is no link
                raise TargetError("folder-occupied", path=str(link)) from error
            raise
        if target.parent != Path(PACKAGES) / dataset:
            raise TargetError("folder-occupied", path=str(link))
        return target.name

    def _whole(self, dataset: str) -> dict[str, Any] | None:
        """Give the descriptor of the package in use if all its files are there, at full length."""
        folder = self._path / dataset
        try:
            package: dict[str, Any] = orjson.loads((folder / "datapackage.json").read_bytes())
            sizes = [(folder / file["path"]).stat().st_size for file in package["resources"]]
        except (OSError, ValueError):
            return None
        stated = [file["bytes"] for file in package["resources"]]
        return package if sizes == stated else None

    def _compare(self, snapshot: Snapshot, name: str) -> list[Difference]:
        dataset = snapshot.dataset.name
        used = self._linked(dataset)
        before = self._whole(dataset) if used else None
        if before is None:
            return [Difference("package", None, str(self._path / dataset))]
        if used == name:
            return []
        versions = {
            resource["name"].removesuffix("-parquet"): resource.get("version")
            for resource in before["resources"]
        }
        found = [
            Difference(f"{table}.version", versions.get(table), snapshot.versions.get(table))
            for table in sorted({*versions, *snapshot.versions})
            if versions.get(table) != snapshot.versions.get(table)
        ]
        return found or [Difference("package.metadata", used, name)]

    def _prepare(self, dataset: str, building: Path) -> None:
        building.parent.mkdir(parents=True, exist_ok=True)
        used = self._linked(dataset)
        for other in building.parent.iterdir():
            # The one before the one in use is let go here, when the next is about to come.
            if other.is_symlink():
                other.unlink()
            elif other.name != used:
                shutil.rmtree(other, ignore_errors=True)
        building.mkdir()

    async def _build(self, snapshot: Snapshot, building: Path) -> None:
        files = {}
        for table in snapshot.tables:
            files[table.name] = await self._write(snapshot, table, building)
        package = descriptor(snapshot, files)
        content = orjson.dumps(package, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        await self._disk((building / "datapackage.json").write_bytes, content)
        await self._disk(_make_durable, building)

    async def _write(self, snapshot: Snapshot, table: PinnedTable, building: Path) -> TableFiles:
        null = await snapshot.null_text(table)
        paths: dict[str, str] = {}
        rows = 0
        for format_ in sorted(set(snapshot.dataset.publish.formats)):
            paths[format_] = file_name(table, format_)
            path = building / paths[format_]
            await self._disk(lambda path=path: path.parent.mkdir(parents=True, exist_ok=True))
            if format_ == "csv":
                rows = await snapshot.copy_csv(table, path, null=null)
            else:
                rows = await snapshot.copy_parquet(table, path)
        return TableFiles(
            paths=paths,
            hashes={
                format_: await self._disk(_hash, building / path) for format_, path in paths.items()
            },
            sizes={format_: (building / path).stat().st_size for format_, path in paths.items()},
            rows=rows,
            null=null,
            span=await snapshot.span(table),
        )

    def _take_into_use(self, dataset: str, building: Path, name: str) -> None:
        used = self._linked(dataset)
        final = building.with_name(name)
        shutil.rmtree(final, ignore_errors=True)
        building.rename(final)
        _sync(final.parent)
        link = building.with_suffix(".link")
        link.symlink_to(Path(PACKAGES) / dataset / name)
        link.replace(self._path / dataset)
        _sync(self._path)
        if used is not None and not _fields(final.with_name(used)) <= _fields(final):
            # What is not to be shown any more is not kept for readers under way
            shutil.rmtree(final.with_name(used), ignore_errors=True)

    def _remove(self, dataset: str) -> None:
        (self._path / dataset).unlink(missing_ok=True)
        _sync(self._path)
        shutil.rmtree(self._home(dataset), ignore_errors=True)


def _package_name(snapshot: Snapshot) -> str:
    """Give the same id for the same content, so that a repeat is recognised."""
    versions = [(table.name, table.version) for table in snapshot.tables]
    times = [table.state.committed_at.isoformat() for table in snapshot.tables]
    facts = orjson.dumps([versions, times, fingerprint(snapshot)])
    return sha256(facts).hexdigest()[:24]


def _fields(folder: Path) -> set[tuple[str, str]]:
    """Give the tables and fields of a package."""
    try:
        package = orjson.loads((folder / "datapackage.json").read_bytes())
    except (OSError, ValueError):
        return set()
    return {
        (resource["name"], field["name"])
        for resource in package["resources"]
        for field in resource.get("schema", {}).get("fields", ())
    }


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _make_durable(folder: Path) -> None:
    for directory, _, names in os.walk(folder):
        for name in names:
            _sync(Path(directory) / name)
        _sync(Path(directory))


def _sync(path: Path) -> None:
    descriptor_ = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor_)
    finally:
        os.close(descriptor_)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_full(error):
            raise StorageFullError("storage-full") from error
        raise TargetUnavailableError(
            "folder-unusable", path=str(path), reason=error.strerror or type(error).__name__
        ) from error
