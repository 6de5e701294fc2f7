"""Loads and cross-checks catalog/ and schemas/."""

from publisher.registry.finding import Finding
from publisher.registry.load import Loaded, load

__all__ = ["Finding", "Loaded", "load"]
