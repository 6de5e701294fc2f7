"""Which datasets and tables a command means."""

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from publisher.errors import ConfigurationError, NotFoundError, PublisherError, UsageError
from publisher.model.values import TableRef

if TYPE_CHECKING:
    from publisher.app import Service
    from publisher.model.catalog import TableEntry
    from publisher.model.dataset import Dataset
    from publisher.registry import Finding


def tables(
    service: "Service", names: Sequence[str], *, everything: bool
) -> tuple[list["TableEntry"], list[PublisherError]]:
    """Give the tables that *names* (``dataset`` or ``dataset/table``) mean, each once.

    What cannot be run stands beside them: unknown names; with *everything*, broken files.
    Raises UsageError unless either names or everything was asked for.
    """
    _either(names, everything=everything, command="harvest")
    if everything:
        return list(service.catalog.entries.values()), broken(service)
    found: dict[TableRef, TableEntry] = {}
    problems: list[PublisherError] = []
    for name in names:
        try:
            found |= {entry.ref: entry for entry in _meant(service, name)}
        except PublisherError as error:
            problems.append(error)
    return list(found.values()), problems


def table(service: "Service", name: str) -> "TableEntry":
    """Give the one table that ``dataset/table`` names; a dataset's only table needs no name.

    Raises NotFoundError, ConfigurationError, UsageError.
    """
    found = _meant(service, name)
    if len(found) != 1:
        raise UsageError(
            "which-table", dataset=name, tables=", ".join(str(entry.ref) for entry in found)
        )
    return found[0]


def datasets(
    service: "Service", names: Sequence[str], *, everything: bool
) -> tuple[list["Dataset"], list[PublisherError]]:
    """Give the datasets that *names* mean, as ``tables`` does."""
    _either(names, everything=everything, command="publish")
    if everything:
        return list(service.catalog.datasets.values()), broken(service)
    found: dict[str, Dataset] = {}
    problems: list[PublisherError] = []
    for name in names:
        try:
            found[name] = dataset(service, name)
        except PublisherError as error:
            problems.append(error)
    return list(found.values()), problems


def dataset(service: "Service", name: str) -> "Dataset":
    """Raise NotFoundError, or ConfigurationError where its file is broken."""
    catalog = service.catalog
    if name in catalog.datasets:
        return catalog.datasets[name]
    for finding in service.findings:
        file = PurePosixPath(finding.file)
        if finding.severity == "error" and (finding.code == "no-catalog" or file.stem == name):
            raise _refusal(finding)
    raise nearest("unknown-dataset", name, catalog.datasets, {"dataset": name})


def broken(service: "Service", only: str = "") -> list[PublisherError]:
    """Name the files whose errors keep a part of the catalog from running; *only* one of them."""
    of_file = {found.file: found for found in service.findings if found.severity == "error"}
    if only:
        of_file = {file: found for file, found in of_file.items() if file == only}
    return [_refusal(of_file[file]) for file in sorted(of_file)]


def nearest(
    code: str, name: str, known: Iterable[str], params: Mapping[str, object]
) -> NotFoundError:
    """Give the refusal of an unknown *name*, with the nearest known one where there is any."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return (
        NotFoundError(f"{code}-near", **params, nearest=close[0])
        if close
        else NotFoundError(code, **params)
    )


def _meant(service: "Service", name: str) -> list["TableEntry"]:
    dataset_name, slash, table_name = name.partition("/")
    catalog = service.catalog
    found = dataset(service, dataset_name)
    if not slash:
        return list(catalog.tables(found.name))
    entry = catalog.entries.get(TableRef(dataset_name, table_name))
    if entry is None:
        known = [other.ref.table for other in catalog.tables(dataset_name)]
        raise nearest(
            "unknown-table", table_name, known, {"dataset": dataset_name, "table": table_name}
        )
    return [entry]


def _either(names: Sequence[str], *, everything: bool, command: str) -> None:
    if everything == bool(names):
        raise UsageError("names-or-all", command=command)


def _refusal(finding: "Finding") -> ConfigurationError:
    """Give what a command says of an error that ``check`` finds: it names the file."""
    if finding.code == "no-catalog":  # which is told by itself: there is no file to name
        return ConfigurationError("no-catalog", **finding.params)
    return ConfigurationError("broken-file", file=finding.file)
