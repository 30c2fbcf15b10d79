"""What all settings have in common."""

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A part of the settings: unknown keys are refused, values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=False, allow_inf_nan=False)


class Ordered(Section):
    """A section of which one setting must not lie above another, named in `in_order`: a warning above the failure, say."""

    in_order: ClassVar[tuple[str, str]]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        lower, upper = self.in_order
        if getattr(self, lower) > getattr(self, upper):
            raise ValueError(f"{lower} ({getattr(self, lower)}) is above {upper} ({getattr(self, upper)})")
        return self
