"""Loads and cross-checks catalog/ and schemas/."""

from publisher.registry.finding import Finding
from publisher.registry.load import Described, Loaded, load

__all__ = ["Described", "Finding", "Loaded", "load"]
