"""Destinations: where decisions leave to, and what they need."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Section
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION

# Properties of a decision that leave, and the profile's columns that may be sent as traits.
DECISION_PROPERTIES = ("decision_id", "action", "rule", "channel", "product_id", "category")
_NO_TRAITS = ("person_id", "customer_id", "consents", "preferences", "third_party", "provenance", "as_of")
TRAITS = tuple(field.name for field in CUSTOMER_PROFILE.fields if field.name not in _NO_TRAITS)
# Brackets, commas and the fixed keys around the items of one request.
ENVELOPE_BYTES = 256


class Destination(Section):
    """One destination of activation."""

    enabled: bool = Field(True, description="False leaves the destination alone")
    kind: Literal["file"] = Field("file", description="How it leaves: written as files, exactly as it would be sent")
    dialect: Literal["segment_batch", "braze_track", "csv"] = Field(description="Whose format is written")
    identifier: Literal["customer_id", "person_id", "pseudonym"] = Field(
        "customer_id",
        description="How the destination knows people: the source's key, the resolved person, or a keyed name of its own",
    )
    purposes: tuple[str, ...] = Field(
        min_length=1, description="Consent purposes that a person must have granted, all of them"
    )
    channels: tuple[str, ...] = Field((), description="Channels whose decisions go there; all by default")
    actions: tuple[str, ...] = Field((), description="Actions that go there; all by default")
    traits: tuple[str, ...] = Field((), description="Columns of gold.customer_profile that are sent along")
    max_items: int = Field(ge=1, description="Items in one request or file")
    max_bytes: int = Field(ge=1, description="Bytes in one request or file")
    max_item_bytes: int = Field(32_000, ge=1, description="Bytes of one item")

    @field_validator("traits")
    @classmethod
    def _known_traits(cls, traits: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in traits if name not in TRAITS]
        if unknown:
            raise ValueError(f"unknown column {', '.join(unknown)}; there are: {', '.join(TRAITS)}")
        return traits

    @model_validator(mode="after")
    def _lawful_and_feasible(self) -> "Destination":
        lacking: dict[str, list[str]] = {}
        for column, purpose in purpose_gaps(self):
            lacking.setdefault(purpose, []).append(column)
        problems = [
            f"{', '.join(columns)}: the purpose {purpose} is needed, which this destination lacks "
            f"(it has {', '.join(self.purposes)})"
            for purpose, columns in lacking.items()
        ]
        if self.max_item_bytes + ENVELOPE_BYTES > self.max_bytes:
            problems.append(
                f"max_item_bytes ({self.max_item_bytes}) must leave {ENVELOPE_BYTES} of max_bytes ({self.max_bytes}) free"
            )
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Every tagged or untagged column that leaves: traits, and properties of decisions."""
        return (*self.traits, *DECISION_PROPERTIES)


def purpose_gaps(destination: Destination) -> list[tuple[str, str]]:
    """Columns that may not leave through a destination, each with the purpose that is lacking."""
    needed = {field.name: field.purposes for table in (CUSTOMER_PROFILE, DECISION) for field in table.fields}
    return [
        (column, purpose)
        for column in destination.columns
        for purpose in needed[column]
        if purpose not in destination.purposes
    ]
