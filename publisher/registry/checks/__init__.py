"""What cannot be told from one key alone: rules between keys, and between files.

Each module yields findings about one kind of thing; none reads files.
"""
