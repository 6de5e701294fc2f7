"""The formats of deliveries: one module each, and the one table of them."""

from publisher.validation.reading.open import READERS, format_of, open_table
from publisher.validation.reading.table import Cells, Reading, Table

__all__ = ["READERS", "Cells", "Reading", "Table", "format_of", "open_table"]
