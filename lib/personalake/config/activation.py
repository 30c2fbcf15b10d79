"""Destinations: where decisions leave to, and what they need."""

from typing import Literal

from pydantic import Field

from personalake.config.base import Section


class Destination(Section):
    """One destination of activation."""

    enabled: bool = Field(True, description="False leaves the destination alone")
    kind: Literal["file"] = Field("file", description="How it leaves: written as files, exactly as it would be sent")
    dialect: Literal["segment_batch", "braze_track", "csv"] = Field(description="Whose format is written")
    purposes: tuple[str, ...] = Field(min_length=1, description="Consent purposes that a person must have granted")
    actions: tuple[str, ...] = Field((), description="Actions that go there; all by default")
    max_items: int = Field(ge=1, description="Items in one request or file")
    max_bytes: int = Field(ge=1, description="Bytes in one request or file")
    max_item_bytes: int = Field(32_000, ge=1, description="Bytes of one item")
