"""What a validation is asked, by whatever way it then goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from publisher.model.profile import Profile


@dataclass(frozen=True, slots=True)
class Request:
    """A file, what it is to be judged under, and how many errors are to be kept."""

    file: Path
    schema: Path
    dialect: Mapping[str, Any] | None = None
    encoding: str | None = None
    profile: Profile | None = None
    limit_errors: int | None = None
    checks: Sequence[Any] = ()
