"""The query grammar: parsed into one small tree, planned as SQL, answered page by page."""

from publisher.query.cursor import Signer, load_key
from publisher.query.render import (
    csv_rows,
    geojson_features,
    json_arrays,
    json_rows,
    ndjson_rows,
)
from publisher.query.rows import (
    Page,
    Prepared,
    fetch,
    next_pairs,
    prepare,
    prepare_newest,
)
from publisher.query.series import SeriesCache

__all__ = [
    "Page",
    "Prepared",
    "SeriesCache",
    "Signer",
    "csv_rows",
    "fetch",
    "geojson_features",
    "json_arrays",
    "json_rows",
    "load_key",
    "ndjson_rows",
    "next_pairs",
    "prepare",
    "prepare_newest",
]
