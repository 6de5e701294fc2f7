"""Series kept in memory: what is asked of sensors most, answered without a statement."""

from publisher.query.series.cache import SeriesCache

__all__ = ["SeriesCache"]
