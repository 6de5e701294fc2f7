"""Publisher: harvests, proves, publishes and serves a municipality's sensor data."""

from importlib.metadata import version

__version__ = version("publisher")
