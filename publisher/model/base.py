from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """A frozen value read from outside: unknown keys are refused, names are camelCase there."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=True,
        arbitrary_types_allowed=True,
    )

    def descriptor(self) -> dict[str, Any]:
        """Give what was stated, under the names it has outside; nothing that was defaulted."""
        return self.model_dump(mode="json", by_alias=True, exclude_unset=True)
