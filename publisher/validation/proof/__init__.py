"""The vectorised pass that proves cells clean, and what Frictionless says of the rest."""
