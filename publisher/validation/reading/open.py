"""Which format a delivery has, and the table of readers."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from publisher.model.dataset import DeliveryFormat, Harvest
from publisher.model.run import Delivery
from publisher.validation.reading.bytes import unpacked
from publisher.validation.reading.delimited import open_delimited
from publisher.validation.reading.document import open_document
from publisher.validation.reading.lines import open_lines
from publisher.validation.reading.table import Reader, Reading, Table
from publisher.validation.reading.workbook import open_workbook

READERS: Mapping[DeliveryFormat, Reader] = {
    "csv": open_delimited,
    "json": open_document,
    "ndjson": open_lines,
    "excel": open_workbook,
}

_CONTROLS: Mapping[str, DeliveryFormat] = {"csv": "csv", "excel": "excel", "ods": "excel"}
_ENDINGS: Mapping[str, DeliveryFormat] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xlsb": "excel",
    ".xls": "excel",
    ".ods": "excel",
}
_MEDIA_TYPES: Mapping[str, DeliveryFormat] = {
    "text/csv": "csv",
    "application/json": "json",
    "application/x-ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/vnd.ms-excel": "excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "excel",
    "application/vnd.oasis.opendocument.spreadsheet": "excel",
}


def format_of(harvest: Harvest, delivery: Delivery) -> DeliveryFormat:
    """Tell the format: as stated, by the dialect's control, the name's ending, the media type."""
    if harvest.format:
        return harvest.format
    for control, format_ in _CONTROLS.items():
        if control in harvest.dialect:
            return format_
    path = Path(urlsplit(delivery.origin).path.removesuffix(".gz"))
    media_type = (delivery.media_type or "").partition(";")[0].strip().lower()
    told = _ENDINGS.get(path.suffix.lower()) or _MEDIA_TYPES.get(media_type)
    if "json" in harvest.dialect:
        return "ndjson" if told == "ndjson" else "json"
    return told or "csv"


@contextmanager
def open_table(
    raw: Path, format_: DeliveryFormat, reading: Reading, *, work: Path, max_bytes: int
) -> Iterator[Table]:
    """Open a landed delivery; it can be opened again.

    Raises DeliveryError for what is no table, or larger than *max_bytes* once decompressed.
    """
    with (
        unpacked(raw, work, max_bytes) as path,
        READERS[format_](path, reading) as table,
    ):
        yield table
