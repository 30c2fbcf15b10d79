"""How a table's values should be spread: as they were, alike in every group, and as an experiment planned."""

from typing import ClassVar

from pydantic import Field, model_validator

from personalake.config.base import Ordered, Section
from personalake.tables import Table

# Whatever names or reaches somebody must not be told in words.
_UNTELLABLE = ("identifier", "contact", "payload")
# A day is never what it was, and what holds several values has no share of rows.
_COUNTED = ("string", "int", "bigint", "double", "boolean", "decimal(12,3)", "decimal(18,2)")


class Drift(Ordered):
    """How far the values of the newest days may have moved from those before them."""

    days: int = Field(7, ge=1, description="Newest days before the as-of")
    history_days: int = Field(28, ge=1, description="Days before these, with which they are compared")
    warn_psi: float = Field(0.1, gt=0, description="Population stability index beyond which it is a warning")
    fail_psi: float = Field(0.25, gt=0, description="Index beyond which it is a failure")
    bins: int = Field(10, ge=2, le=50, description="Groups of equally many earlier rows into which numbers are cut")
    fewest_rows: int = Field(200, ge=20, description="Rows on each side below which there is no verdict")

    in_order: ClassVar[tuple[str, str]] = ("warn_psi", "fail_psi")


class Evenness(Ordered):
    """Whether as many rows have a value in one group as in all others."""

    by: str = Field(description="Column of the groups, e.g. store_id")
    unit: str | None = Field(None, description="Column of what counts once, e.g. order_id; every row by default")
    most_below: float = Field(0.2, gt=0, lt=1, description="How far a group's share may lie below that of all others, 0..1")
    fail_below: float = Field(0.6, gt=0, lt=1, description="How far below it is a failure, 0..1")
    fewest_rows: int = Field(50, ge=10, description="Rows, or units, below which a group is not judged")
    days: int = Field(90, ge=1, description="Newest days before the as-of that are looked at")

    in_order: ClassVar[tuple[str, str]] = ("most_below", "fail_below")


class SampleRatio(Section):
    """Whether the arms of experiments came out as large as planned; each unit counts once."""

    experiment: str = Field("experiment_id", description="Column of the experiment")
    variant: str = Field("variant", description="Column of the arm")
    unit: str = Field("cookie_id", description="Column of who was assigned, e.g. a cookie; rows without one do not count")
    by: str | None = Field(None, description="Column within whose values arms are compared as well, e.g. device_type")
    shares: dict[str, float] = Field(
        default_factory=dict, description="Arm: its planned share, for all experiments; equal shares by default"
    )
    days: int = Field(90, ge=1, description="Newest days before the as-of that are looked at; more than experiments last")
    alpha: float = Field(0.001, gt=0, lt=0.5, description="Chance of a false alarm per experiment")

    @model_validator(mode="after")
    def _whole(self) -> "SampleRatio":
        if self.shares and (min(self.shares.values()) <= 0 or abs(sum(self.shares.values()) - 1) > 1e-6):
            raise ValueError("shares are each above 0, and 1 together")
        return self


class GroupGaps(Ordered):
    """How far a rate of a model may differ between groups of a protected attribute."""

    most_difference: float = Field(
        0.1, gt=0, lt=1, description="Difference of flagged share, recall or false positive rate that is fine, 0..1"
    )
    fail_difference: float = Field(0.3, gt=0, le=1, description="Difference beyond which it is a failure, 0..1")

    in_order: ClassVar[tuple[str, str]] = ("most_difference", "fail_difference")


class DistributionChecks(Section):
    """Checks of how values are spread."""

    drift: dict[str, Drift] = Field(default_factory=dict, description="Column: how far its newest values may have moved")
    evenness: dict[str, Evenness] = Field(default_factory=dict, description="Column: in which groups as many rows have it")
    sample_ratio: SampleRatio | None = Field(None, description="Arms of experiments; not looked at by default")


def unreadable(table: Table, checks: DistributionChecks) -> list[str]:
    """What is wrong with the columns that the checks of a table name."""
    kinds = {field.name: field.pii for field in table.fields}
    told = [*checks.drift, *(each.by for each in checks.evenness.values())]
    ratio = checks.sample_ratio
    told += [ratio.experiment, ratio.variant, *([ratio.by] if ratio.by else [])] if ratio else []
    units = [each.unit for each in checks.evenness.values() if each.unit] + ([ratio.unit] if ratio else [])
    read = [*told, *checks.evenness, *units]
    problems = [f"{table.full_name} has no column {name}" for name in read if name not in kinds]
    types = {field.name: field.type for field in table.fields}
    problems += [
        f"{table.full_name}.{name} is {types[name]}; drift is looked for in text, numbers and yes or no"
        for name in checks.drift
        if name in types and types[name] not in _COUNTED
    ]
    problems += [
        f"{table.full_name}.{name}: the column, its groups and what counts once must be three columns, or two without a unit"
        for name, each in checks.evenness.items()
        if len({name, each.by, each.unit}) < 3
    ]
    return problems + [
        f"{table.full_name}.{name} is personal ({kinds[name]}), and its values must not be told by a verdict"
        for name in told
        if kinds.get(name) in _UNTELLABLE
    ]
