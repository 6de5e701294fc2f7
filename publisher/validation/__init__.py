"""Proof of deliveries against their schema under the source view, with Frictionless' verdict."""
