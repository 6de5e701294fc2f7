"""Brings a source's new deliveries into the store, on command and on schedule."""

from publisher.harvest.harvester import Harvester, Progress

__all__ = ["Harvester", "Progress"]
