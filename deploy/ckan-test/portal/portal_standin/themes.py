"""data_themes as the portal keeps and reads it.

The field has no validator that makes JSON of a list, so the list reaches PostgreSQL as an array
and lies in the text column as ``{ENVI,TRAN}``. That form is what is read back. A JSON string is
taken for such a form too, which leaves its first theme only.
"""

import json


def read(stored):
    if isinstance(stored, list):
        stored = stored[0] if stored else None
    return stored.strip("{}").split(",") if isinstance(stored, str) and stored else []


def promoted(value):
    """The list that an extra named data_themes is made into."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            pass
    return value if isinstance(value, list) else [str(value)]
