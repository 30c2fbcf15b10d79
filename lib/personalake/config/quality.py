"""Quality beyond single rows: what is done about outliers and gaps, and what a sound table looks like."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Ordered, Section
from personalake.config.distributions import DistributionChecks, GroupGaps, unreadable
from personalake.config.near_duplicates import NearDuplicates
from personalake.config.nearest import closest, nearest
from personalake.config.sources import ContractName
from personalake.config.sql import columns_of
from personalake.tables import BY_NAME, Table

# Lines of many kinds; and what persons and destinations said, which nobody may put in other words.
_NEVER = ("event", "consent", "erasure_request", "delivery_receipt")
# Tables that are treated before they are written; each is cut into groups within which statistics are taken. In silver it
# is every table that sources fill; in gold those of measures: what is scored, chosen, sent or logged stands as it was said.
TREATED: dict[str, tuple[str, ...]] = {
    "gold.customer_profile": (),
    "gold.customer_feature": ("as_of",),
    **{
        table.full_name: ()
        for table in BY_NAME.values()
        if table.layer == "silver" and "warnings" in table.columns and table.name not in _NEVER
    },
}
# What identifies a row or a customer of silver, or tells when: as the source has it, or rows would not be found again.
_AS_IT_CAME = ("namespace", "customer_id", "occurred_at", "source", "known_at", "warnings", "batch_id")
_NUMBERS = ("int", "bigint", "double", "decimal(12,3)", "decimal(18,2)")
_IN_ORDER = ("forward", "backward")


class OutlierSettings(Section):
    """What is an outlier, and what is done about it."""

    method: Literal["z_score", "iqr", "mad", "range"] = Field(
        description="z_score: standard deviations from the mean; iqr: spreads of the quartiles beyond them; mad: scaled "
        "median absolute deviations from the median; range: beyond low or high, the one that a table of silver can have"
    )
    threshold: float | None = Field(None, gt=0, description="How far out; by default 3, 1.5 and 3.5; not for range")
    low: float | None = Field(None, description="Least sound value, for range")
    high: float | None = Field(None, description="Greatest sound value, for range")
    action: Literal["flag", "cap", "drop"] = Field(
        "flag",
        description="flag: mark only; cap: to the nearest bound; drop: leave the row out, not in silver; see "
        "gold.quality_mark and the warnings of a row",
    )

    @model_validator(mode="after")
    def _bounded(self) -> "OutlierSettings":
        ends = [end for end in (self.low, self.high) if end is not None]
        if (self.method == "range") != bool(ends) or (self.method == "range" and self.threshold is not None):
            raise ValueError("low and high belong to method range, which needs one of them and no threshold")
        if ends != sorted(ends):
            raise ValueError(f"low is {self.low:g}, and high {self.high:g} is below it")
        return self


class ImputeSettings(Section):
    """What stands in for a missing value."""

    method: Literal["mean", "median", "mode", "constant", "forward", "backward", "knn", "mice"] = Field(
        description="forward: the last value known of the group, those in the table included; backward: the next one within "
        "one write, never for features, which must not know what comes later; knn and mice: from the other columns"
    )
    value: str | float | None = Field(None, description="The constant, e.g. unknown")
    within: tuple[str, ...] = Field((), description="Columns of the group for forward and backward, e.g. person_id")
    order: str | None = Field(None, description="Column that orders the rows for forward and backward, e.g. as_of")
    features: tuple[str, ...] = Field((), description="Columns from which knn and mice infer")
    neighbours: int = Field(5, ge=1, description="Neighbours of knn")
    max_rows: int = Field(50_000, ge=10, description="Rows up to which knn and mice run, on the driver; beyond: the median")

    @model_validator(mode="after")
    def _complete(self) -> "ImputeSettings":
        if (self.method == "constant") != (self.value is not None):
            raise ValueError("value belongs to method constant, and to no other")
        if self.method in _IN_ORDER and not (self.within and self.order):
            raise ValueError(f"method {self.method} needs within and order, e.g. within: [person_id], order: as_of")
        if self.method in ("knn", "mice") and not self.features:
            raise ValueError(f"method {self.method} needs features, the columns to infer from")
        return self


class ColumnTreatment(Section):
    """What is done to one column before its table is written: standardised, then outliers, then gaps."""

    column: str = Field(min_length=1, description="Name of the column")
    standardise: Literal["name", "full_name", "email", "phone", "address", "postcode", "day"] | None = Field(
        None, description="The spelling that text is brought to; what says nothing becomes null"
    )
    day_first: bool = Field(True, description="How 3/4/2020 is read by standardise day: true is the third of April")
    region: str = Field("US", min_length=2, max_length=2, description="Country of a phone number that names none, ISO 3166")
    outliers: OutlierSettings | None = Field(None, description="Outliers of a number; none are looked for by default")
    impute: ImputeSettings | None = Field(None, description="Missing values; they stay missing by default")


class Freshness(Ordered):
    """How old the newest row may be."""

    warn_days: float = Field(gt=0, description="Days from the newest row to the as-of beyond which it is a warning")
    fail_days: float = Field(gt=0, description="Days beyond which it is a failure")

    in_order: ClassVar[tuple[str, str]] = ("warn_days", "fail_days")


class Volume(Ordered):
    """How far the rows of the newest day may be from those of earlier days."""

    history_days: int = Field(28, ge=7, description="Days that the newest one is compared with")
    warn_z: float = Field(3.5, gt=0, description="Robust z-score beyond which it is a warning")
    fail_z: float = Field(7.0, gt=0, description="Robust z-score beyond which it is a failure")

    in_order: ClassVar[tuple[str, str]] = ("warn_z", "fail_z")


class DatasetChecks(DistributionChecks):
    """What a sound table looks like."""

    clock: str = Field("known_at", description="Column of time, or day, that freshness, volume and drift go by")
    freshness: Freshness | None = Field(None, description="Age of the newest row; not looked at by default")
    volume: Volume | None = Field(None, description="Rows of the newest day; not looked at by default")
    completeness: dict[str, float] = Field(default_factory=dict, description="Column: least share of rows with it, 0..1")
    near_duplicates: NearDuplicates | None = Field(None, description="Rows that are nearly the same; costs a Spark job")
    fail_below: float = Field(0.9, gt=0, le=1, description="Part of a wanted share below which it is a failure")

    @field_validator("completeness")
    @classmethod
    def _shares(cls, wanted: dict[str, float]) -> dict[str, float]:
        wrong = [f"{name}: {share}" for name, share in wanted.items() if not 0 <= share <= 1]
        if wrong:
            raise ValueError(f"shares lie within 0..1; found {', '.join(wrong)}")
        return wanted


class Consistency(Ordered):
    """What two tables must agree on: a measure of each, or keys of one that the other knows."""

    kind: Literal["foreign_key", "equal"] = Field(description="foreign_key: values are known to the other; equal: measures")
    left: str = Field(description="`layer.table.column`; for equal `rows(table)`, `sum(column)`, `distinct(column)`")
    right: str = Field(description="The other one, in the same form")
    tolerance: float = Field(0.0, ge=0, le=1, description="Share of unknown rows, or relative difference, that is a pass")
    fail_beyond: float = Field(0.05, ge=0, le=1, description="Share or difference beyond which it is a failure")

    in_order: ClassVar[tuple[str, str]] = ("tolerance", "fail_beyond")

    @model_validator(mode="after")
    def _readable(self) -> "Consistency":
        for text in (self.left, self.right):
            _, table, column = measure_of(text, self.kind)
            if column is not None and column not in table.columns:
                raise ValueError(f"{text}: {table.full_name} has no column {column}; there are: {', '.join(table.columns)}")
        return self


class RefusedRows(Section):
    """How many rows of what sources must not lose may wait in quarantine."""

    days: int = Field(7, ge=1, description="Newest days of arrivals with which refused rows are compared")
    fail_share: float = Field(
        0.01, ge=0, le=1, description="Share of a source's arrivals beyond which it is a failure; a single row is a warning"
    )


class QualitySettings(Section):
    """conf/quality.yml."""

    columns: dict[str, tuple[ColumnTreatment, ...]] = Field(
        default_factory=dict, description="Table: what is done to its columns before it is written"
    )
    datasets: dict[str, DatasetChecks] = Field(default_factory=dict, description="Table: what a sound one looks like")
    consistency: dict[str, Consistency] = Field(default_factory=dict, description="What tables must agree on, by name")
    refused: dict[ContractName, RefusedRows] = Field(
        default_factory=dict,
        description="Contract: how many rows of each of its sources may be refused, e.g. of consent",
    )
    gaps: GroupGaps | None = Field(
        None, description="How far models may differ between groups of a protected attribute; not looked at by default"
    )
    stop_on_fail: bool = Field(
        False, description="True: a failed check ends monitor_health with exit code 6, and nothing is planned for sending"
    )

    @field_validator("columns")
    @classmethod
    def _treatable(cls, columns: dict[str, tuple[ColumnTreatment, ...]]) -> dict[str, tuple[ColumnTreatment, ...]]:
        problems = [text for table, treatments in columns.items() for text in _untreatable(table, treatments)]
        if problems:
            raise ValueError("; ".join(problems))
        return columns

    @field_validator("datasets")
    @classmethod
    def _declared(cls, datasets: dict[str, DatasetChecks]) -> dict[str, DatasetChecks]:
        problems = []
        for name, checks in datasets.items():
            if name not in BY_NAME:
                problems.append(f"{name} is not a table; {nearest_table(name)}")
                continue
            needs_clock = bool(checks.freshness or checks.volume or checks.drift or checks.evenness or checks.sample_ratio)
            wanted = [*checks.completeness, *([checks.clock] if needs_clock else [])]
            if checks.near_duplicates:
                wanted += [*checks.near_duplicates.columns, *columns_of(checks.near_duplicates.block)]
                problems += [] if BY_NAME[name].key else [f"{name} has no key to tell its rows apart by"]
            problems += [
                f"{name} has no column {column}; {nearest(column, BY_NAME[name].columns)}"
                for column in wanted
                if column not in BY_NAME[name].columns
            ]
            problems += unreadable(BY_NAME[name], checks)
            types = {field.name: field.type for field in BY_NAME[name].fields}
            if needs_clock and types.get(checks.clock) not in (None, "timestamp", "date"):
                problems.append(f"{name}.{checks.clock} is no time; name a timestamp or a day as clock, e.g. as_of")
        if problems:
            raise ValueError("; ".join(problems))
        return datasets


def nearest_table(name: str) -> str:
    """What to say of a table that is none: the one that is meant, or where all are.

    >>> nearest_table("order_line")
    'did you mean silver.order_line?'
    """
    meant = closest(name, tuple(BY_NAME)) or next((known for known in BY_NAME if known.endswith(f".{name}")), None)
    return f"did you mean {meant}?" if meant else "see docs/tables.md"


def measure_of(text: str, kind: str) -> tuple[str, Table, str | None]:
    """What one side of a consistency check measures: the measure, the table, and the column if it has one.

    >>> measure_of("sum(gold.customer_profile.orders)", "equal")[0::2]
    ('sum', 'orders')

    Raises:
        ValueError: If it is in no known form, or names no table.
    """
    what, inside = "keys", text
    if kind == "equal":
        what, _, rest = text.partition("(")
        inside = rest.removesuffix(")")
        if what not in ("rows", "sum", "distinct") or not rest.endswith(")"):
            raise ValueError(f"{text!r} is no measure; write rows(table), sum(table.column) or distinct(table.column)")
    parts = inside.split(".")
    name, column = ".".join(parts[:2]), None if what == "rows" else ".".join(parts[2:])
    if name not in BY_NAME or column == "":
        wanted = "a declared table" if what == "rows" else "a declared table and a column"
        raise ValueError(f"{text!r}: expected {wanted}; see docs/tables.md")
    return what, BY_NAME[name], column


def _untreatable(name: str, treatments: tuple[ColumnTreatment, ...]) -> list[str]:
    if name not in TREATED:
        return [f"{name} is not treated; there are: {', '.join(sorted(TREATED))}"]
    types = {field.name: field.type for field in BY_NAME[name].fields}
    problems = []
    for treatment in treatments:
        place, type_ = f"{name}.{treatment.column}", types.get(treatment.column)
        impute = treatment.impute
        needed = [] if impute is None else [*impute.within, *impute.features, *([impute.order] if impute.order else [])]
        problems += [f"{place}: {name} has no column {column}" for column in needed if column not in types]
        if type_ is None:
            problems.append(f"{name} has no column {treatment.column}")
        elif treatment.standardise and type_ != "string":
            problems.append(f"{place} is no text, and cannot be standardised")
        elif treatment.outliers and type_ not in _NUMBERS:
            problems.append(f"{place} is no number, and has no outliers")
        elif impute and impute.method in ("mean", "median", "knn", "mice") and type_ not in _NUMBERS:
            problems.append(f"{place} is no number; impute mode or a constant")
        if impute and impute.method == "backward" and name == "gold.customer_feature":
            problems.append(
                f"{place}: backward fills a gap with what became known later, which a feature must not; use forward"
            )
        if name.startswith("silver.") and treatment.column in (*_AS_IT_CAME, *BY_NAME[name].key):
            problems.append(f"{place} tells rows, customers or times apart, and stays as it came")
        if name.startswith("silver.") and not _is_row_wise(treatment):
            problems.append(
                f"{place}: rows of silver arrive as a stream and are treated one by one, since a batch is no population; "
                "standardise, outliers of method range (flag or cap) and impute constant do that. What looks at many rows "
                "is declared for gold.customer_profile or gold.customer_feature, which are made of silver"
            )
    return problems


def _is_row_wise(treatment: ColumnTreatment) -> bool:
    """Whether a row can be treated without a look at others, and none is lost."""
    outliers, impute = treatment.outliers, treatment.impute
    is_known = outliers is None or (outliers.method == "range" and outliers.action != "drop")
    return is_known and (impute is None or impute.method == "constant")
