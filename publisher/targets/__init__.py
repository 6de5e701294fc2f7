"""Catalogs that datasets are pushed to, and the outbox that keeps them up to date."""

from publisher.targets.base import Difference, PublishResult, Receipt, Target
from publisher.targets.kinds import TARGETS
from publisher.targets.outbox import Outbox

__all__ = ["TARGETS", "Difference", "Outbox", "PublishResult", "Receipt", "Target"]
