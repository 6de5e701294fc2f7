"""The HTTP API: read-only questions over the store."""

from publisher.api.app import SERVER_OPTIONS, create_app
from publisher.api.parts import Parts

__all__ = ["SERVER_OPTIONS", "Parts", "create_app"]
