"""The query grammar: parsed into one small tree, planned as SQL, answered page by page."""

from publisher.query.cursor import Signer, load_key
from publisher.query.render import csv_rows, json_rows
from publisher.query.rows import Page, Prepared, fetch, next_pairs, prepare

__all__ = [
    "Page",
    "Prepared",
    "Signer",
    "csv_rows",
    "fetch",
    "json_rows",
    "load_key",
    "next_pairs",
    "prepare",
]
