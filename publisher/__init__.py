"""Publisher: harvests, proves, publishes and serves a municipality's sensor data."""

__version__: str


def __getattr__(name: str) -> str:
    """Look the version up when it is asked for: a command that does not say it starts faster."""
    if name != "__version__":
        raise AttributeError(name)
    from importlib.metadata import version  # noqa: PLC0415

    globals()[name] = version("publisher")
    return globals()[name]  # type: ignore[no-any-return]
