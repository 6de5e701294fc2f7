"""The further checks of ``harvest.checks``: Publisher's own in SQL, Frictionless' row by row."""
