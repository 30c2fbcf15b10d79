"""Measures how values are spread: rows by value, by group, by arm; past Spark where the lake is a folder."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from personalake.config.distributions import DistributionChecks, Drift, Evenness, SampleRatio
from personalake.lake import Lake
from personalake.lake.conditions import Conditions
from personalake.pipelines.job import JobContext
from personalake.quality.distributions import AFTER, BEFORE, VALUE, as_planned, moved, uneven
from personalake.quality.verdicts import Verdict
from personalake.tables import Table

_AT_ONCE = 1 << 20


def distribution_verdicts(context: JobContext, table: Table, clock: str, checks: DistributionChecks) -> Iterator[Verdict]:
    """The verdicts on how the values of one table are spread.

    Args:
        context: What the job is given.
        table: The table.
        clock: Column of time, or day.
        checks: What is wanted.
    """
    for column, wanted in checks.drift.items():
        yield moved(table.full_name, column, _before_and_after(context, table, clock, column, wanted), wanted)
    for column, groups in checks.evenness.items():
        yield uneven(table.full_name, column, _by_group(context, table, clock, column, groups), groups)
    if checks.sample_ratio is not None:
        arms = _arms(context, table, clock, checks.sample_ratio)
        for experiment, counts in arms.groupby("experiment", sort=True):
            yield as_planned(table.full_name, str(experiment), counts, checks.sample_ratio)


def _before_and_after(context: JobContext, table: Table, clock: str, column: str, wanted: Drift) -> pd.DataFrame:
    """Rows by value in the newest days before the as-of, and in the days before these."""
    cuts = {BEFORE: (wanted.days + wanted.history_days, wanted.days), AFTER: (wanted.days, 0)}
    parts = []
    for side, (oldest, newest) in cuts.items():
        counted = _counted(context.lake, table, [column], _between(context, table, clock, oldest, newest))
        parts.append(counted.rename(columns={column: VALUE, "rows": side}).set_index(VALUE))
    return pd.concat(parts, axis=1).astype("float64").fillna(0).reset_index()


def _between(context: JobContext, table: Table, clock: str, oldest: int, newest: int = 0) -> Conditions:
    """Rows of the days that lie between so many days before the as-of."""
    # A snapshot of an as-of is of the day before it.
    end = context.as_of + timedelta(days=clock == "as_of" and clock in table.key)
    start, stop = (_moment(context, table, clock, end - timedelta(days=back)) for back in (oldest, newest))
    return [(clock, ">=", start), (clock, "<", stop)]


def _moment(context: JobContext, table: Table, clock: str, day: date) -> date:
    is_day = next(field.type for field in table.fields if field.name == clock) == "date"
    return day if is_day else datetime.combine(day, time(), ZoneInfo(context.settings.business_timezone))


def _by_group(context: JobContext, table: Table, clock: str, column: str, wanted: Evenness) -> pd.DataFrame:
    """Rows, or units, of each group in the newest days, and those of them with a value."""
    units, where = [wanted.unit] if wanted.unit else [], _between(context, table, clock, wanted.days)
    counted = _counted(context.lake, table, [wanted.by, *units], where, column).dropna(subset=[wanted.by, *units])
    if units:
        counted = counted.groupby([wanted.by, *units])[column].any().reset_index().assign(rows=1)
    told = counted["rows"].where(counted[column].astype(bool), 0)
    by_group = counted.assign(told=told).groupby(wanted.by)[["rows", "told"]].sum()
    return by_group.rename_axis("group").reset_index()


def _arms(context: JobContext, table: Table, clock: str, wanted: SampleRatio) -> pd.DataFrame:
    """Units of each arm in the newest days, in all and by slice."""
    names = [wanted.experiment, wanted.variant, *([wanted.by] if wanted.by else [])]
    where = _between(context, table, clock, wanted.days)
    seen = _counted(context.lake, table, [*names, wanted.unit], where).dropna(
        subset=[wanted.experiment, wanted.variant, wanted.unit]
    )
    seen = seen.rename(columns={wanted.experiment: "experiment", wanted.variant: "variant"})
    whole = seen.assign(slice="")
    parts = (
        [whole] if wanted.by is None else [whole, seen.dropna(subset=[wanted.by]).assign(slice=lambda rows: rows[wanted.by])]
    )
    units = pd.concat(parts).groupby(["experiment", "slice", "variant"])[wanted.unit].nunique()
    return units.rename("units").reset_index()


def _counted(
    lake: Lake, table: Table, columns: Sequence[str], where: Conditions = (), present: str | None = None
) -> pd.DataFrame:
    """Rows by the values of columns, and by whether another one has a value."""
    names = [*columns, *([present] if present else [])]
    counts = []
    for batch in _batches(lake, table, names, where):
        arrays = [_countable(batch.column(name)) for name in columns]
        arrays += [pc.is_valid(batch.column(present))] if present else []
        found = pa.table(arrays, names=names).group_by(names).aggregate([([], "count_all")])
        counts.append(found.to_pandas())
    if not counts:
        return pd.DataFrame(columns=[*names, "rows"]).astype({"rows": "int64"})
    rows: pd.DataFrame = pd.concat(counts).groupby(names, dropna=False)["count_all"].sum().rename("rows").reset_index()
    return rows


def _countable(values: pa.Array) -> pa.Array:
    """Decimals become numbers that can be cut into groups."""
    return pc.cast(values, pa.float64()) if pa.types.is_decimal(values.type) else values


def _batches(lake: Lake, table: Table, columns: Sequence[str], where: Conditions) -> Iterator[pa.RecordBatch]:
    if lake.locations.catalog:
        yield from lake.ledger.arrow(table, columns, where).to_batches()
        return
    yield from lake.ledger.scan(table, where).reader(columns, _AT_ONCE)
