"""Sources: the families of department systems that data is collected from.

A new one is a small file here, a line in ``SOURCES``, a spec in ``publisher.model.dataset``
and a page in docs/sources.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from publisher.model.dataset import SourceSpec
from publisher.sources.base import Http, Source, SourceContext
from publisher.sources.file import FileSource

__all__ = ["SOURCES", "Http", "Source", "SourceContext", "open_source"]


def _http(spec: Any, context: SourceContext) -> Source:
    from publisher.sources.http import HttpSource  # noqa: PLC0415 - see Http

    return HttpSource(spec, context)


SOURCES: Mapping[str, Callable[[Any, SourceContext], Source]] = MappingProxyType(
    {
        "file": FileSource,
        "http": _http,
    }
)
"""By the ``type`` that a dataset file states."""


def open_source(spec: SourceSpec, context: SourceContext) -> Source:
    """Give the source that *spec* describes; nothing is fetched yet."""
    return SOURCES[spec.type](spec, context)
