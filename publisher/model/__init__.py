"""Frozen types that every part speaks. No input or output happens here."""
