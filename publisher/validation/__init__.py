"""Proof of deliveries against their schema under the source view, with Frictionless' verdict."""

from publisher.validation.judge import Judgement, Validator
from publisher.validation.staging import examples

__all__ = ["Judgement", "Validator", "examples"]
