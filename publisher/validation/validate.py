"""`publisher validate`: Frictionless' verdict on a file, as fast as it can be had."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from publisher.errors import UsageError
from publisher.model.profile import Profile
from publisher.validation.reporting import Report
from publisher.validation.request import Request


@contextmanager
def validated(
    file: Path,
    schema: Path,
    *,
    dialect: Mapping[str, Any] | None = None,
    encoding: str | None = None,
    profile: Profile | None = None,
    limit_errors: int | None = None,
    checks: Sequence[Any] = (),
    stop_at_limit: bool = False,
) -> Iterator[Report]:
    """Validate a local file as Frictionless does; *limit_errors* is 1,000 if not stated.

    A *profile* fills in what *dialect*, *encoding* and the schema do not state.

    Raises UsageError ``no-such-file`` and ``unreadable-input``, ConfigurationError
    ``unusable-schema`` for a schema or dialect Frictionless cannot read, ``frictionless-crash``
    where it breaks down. *checks* are descriptors of further checks; UsageError
    ``wrong-check`` where one cannot be read, ConfigurationError where the schema is not
    made for it. The report can be read inside the context; errors beyond the limit are counted
    and let go, or with *stop_at_limit* not looked for, where the limit is soon reached.
    """
    for path in (file, schema):
        check_readable(path)
    if profile is not None:
        dialect = profile.dialect(dialect or {})
        encoding = encoding or ("utf-8-sig" if _marked(file) else profile.encoding)
    request = Request(file, schema, dialect, encoding, profile, limit_errors, checks)
    if stop_at_limit:
        from publisher.validation.outright import stopped  # noqa: PLC0415

        early = stopped(request)
        if early is not None:
            yield early
            return
    from publisher.validation.proof.scan import hashing  # noqa: PLC0415

    hashes = hashing(file)
    # Loading the engine takes a while, and loading Frictionless longer than many a proof: the
    # file is hashed meanwhile, and only who needs them waits for them.
    from publisher.validation.workspace import workspace  # noqa: PLC0415

    with workspace() as work:
        from publisher.validation.lean import proved_clean  # noqa: PLC0415
        from publisher.validation.proof.prove import Doubt  # noqa: PLC0415

        # Further checks look at typed rows, which that proof does without
        clean: Report | Doubt = Doubt.UNKNOWN
        if not checks:
            clean = proved_clean(request, hashes, work)
        if not isinstance(clean, Doubt):
            yield clean
            return
        from publisher.validation.report import reported  # noqa: PLC0415

        with reported(request, hashes, work, unclean=clean is Doubt.UNCLEAN) as report:
            yield report


def check_readable(path: Path) -> None:
    """Raise UsageError for what is no file, or cannot be read."""
    if not path.is_file():
        raise UsageError("folder-for-file" if path.is_dir() else "no-such-file", file=str(path))
    try:
        path.open("rb").close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError("unreadable-input", file=str(path), reason=reason) from None


def _marked(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
