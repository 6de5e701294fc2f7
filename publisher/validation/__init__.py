"""Proof of deliveries against their schema under the source view, with Frictionless' verdict."""

from publisher.validation.judge import Judgement, Validator
from publisher.validation.view import missing_column

__all__ = ["Judgement", "Validator", "missing_column"]
