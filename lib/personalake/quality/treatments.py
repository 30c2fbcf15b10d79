"""What is declared about a table's columns, done in order: one spelling, outliers, gaps; every change is marked."""

from collections.abc import Sequence

import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.common import standardise
from personalake.config.quality import ColumnTreatment, ImputeSettings, OutlierSettings
from personalake.quality.imputation import STATISTICS, constant, fit_from_others, neighbour, with_statistic
from personalake.quality.outliers import HIGH, LOW, capped, fit_bounds, is_outlier, with_bounds

MARKS, DROPPED = "quality_marks", "quality_dropped"
_DONE = {"flag": "outlier", "cap": "outlier, capped", "drop": "outlier, dropped"}
_BEFORE, _KNOWN = "value_before", "is_known"


def treated(
    rows: DataFrame,
    treatments: Sequence[ColumnTreatment],
    key: Sequence[str] = (),
    by: Sequence[str] = (),
    known: DataFrame | None = None,
) -> DataFrame:
    """Apply treatments column by column, in the order in which they are declared.

    Args:
        rows: Rows of one table.
        treatments: What is declared about its columns.
        key: Columns that identify a row; only KNN and MICE need them.
        by: Columns of the groups within which statistics are taken, e.g. `as_of`: none learns from a later one.
        known: Rows that the table holds already; forward filling goes on from them.

    Returns:
        The rows, with `quality_marks` (what was done, as `column: what`) and `quality_dropped`. Rows that are dropped
        take no part in what follows, and are still there to be counted.
    """
    kept = rows.withColumns({MARKS: F.array().cast("array<string>"), DROPPED: F.lit(False)})
    for treatment in treatments:
        if treatment.standardise:
            kept = _changed(kept, treatment.column, spelled(treatment), "standardised")
        if treatment.outliers:
            kept = _without_outliers(kept, treatment.column, treatment.outliers, by)
        if treatment.impute:
            kept = _imputed(kept, treatment.column, treatment.impute, key, by, known)
    return kept


def spelled(treatment: ColumnTreatment) -> Column:
    """The column of a treatment in the spelling that it declares."""
    text = F.col(treatment.column)
    match treatment.standardise:
        case "phone":
            from personalake.common.phones import e164

            return e164(text, treatment.region)
        case "day":
            return standardise.any_day(text, treatment.day_first)
        case "name":
            return standardise.standard_name(text)
        case "full_name":
            return standardise.full_name(text)
        case "email":
            return standardise.standard_email(text)
        case "address":
            return standardise.postal_address(text)
        case "postcode":
            return standardise.standard_postcode(text)
        case None:
            return text


def _without_outliers(rows: DataFrame, column: str, settings: OutlierSettings, by: Sequence[str]) -> DataFrame:
    if settings.method == "range":
        beside = rows.withColumns({LOW: F.lit(settings.low).cast("double"), HIGH: F.lit(settings.high).cast("double")})
    else:
        bounds = fit_bounds(rows.where(~F.col(DROPPED)), column, settings.method, settings.threshold, by)
        beside = with_bounds(rows, bounds, by)
    is_out = is_outlier(column) & ~F.col(DROPPED)
    changes = {MARKS: _marked(is_out, f"{column}: {_DONE[settings.action]}")}
    if settings.action == "cap":
        changes[column] = F.when(is_out, capped(column).cast(rows.schema[column].dataType)).otherwise(F.col(column))
    if settings.action == "drop":
        changes[DROPPED] = F.col(DROPPED) | is_out
    return beside.withColumns(changes).drop(LOW, HIGH)


def _imputed(
    rows: DataFrame,
    column: str,
    settings: ImputeSettings,
    key: Sequence[str],
    by: Sequence[str],
    known: DataFrame | None,
) -> DataFrame:
    what, method = f"imputed ({settings.method})", settings.method
    if method == "constant":
        filled = constant(column, "" if settings.value is None else settings.value).cast(rows.schema[column].dataType)
        return _changed(rows, column, filled, what)
    if method == "forward":
        return _carried(rows, column, settings, what, known)
    if method == "backward":
        return _changed(rows, column, neighbour(column, settings.within, settings.order or "", method), what)
    held = rows.withColumn(_BEFORE, F.col(column))
    if method in STATISTICS:
        return _compared(_of_kept(held, column, method, by), column, what)
    few = rows.where(~F.col(DROPPED)).select(*key, *by_not_in(by, key), column, *settings.features)
    if few.limit(settings.max_rows + 1).count() > settings.max_rows:
        told = f"imputed (median: more than {settings.max_rows:,} rows for {method})"
        return _compared(_of_kept(held, column, "median", by), column, told)
    return _compared(_from_others(held, few, column, settings, key, by), column, what)


def _carried(rows: DataFrame, column: str, settings: ImputeSettings, what: str, known: DataFrame | None) -> DataFrame:
    """The last value of the group goes on, from what the table held before these rows if need be."""
    place = [*settings.within, settings.order or ""]
    filled = neighbour(column, settings.within, settings.order or "", "forward")
    if known is None:
        return _changed(rows, column, filled, what)
    before = known.select(*place, column).join(rows.select(*place).distinct(), place, "left_anti")
    beside = rows.withColumn(_KNOWN, F.lit(False)).unionByName(
        before.withColumn(_KNOWN, F.lit(True)), allowMissingColumns=True
    )
    carried = beside.withColumns({_BEFORE: F.col(column), column: filled}).where(~F.col(_KNOWN)).drop(_KNOWN)
    return _compared(carried, column, what)


def by_not_in(by: Sequence[str], key: Sequence[str]) -> list[str]:
    """Columns of the groups that are no part of the key."""
    return [name for name in by if name not in key]


def _of_kept(rows: DataFrame, column: str, method: str, by: Sequence[str]) -> DataFrame:
    """Statistics are those of the rows that stay; a dropped one must not shape what fills a gap."""
    shown = rows.withColumn(column, F.when(~F.col(DROPPED), F.col(column)))
    filled = with_statistic(shown, column, method, by)
    return filled.withColumn(column, F.when(F.col(DROPPED), F.col(_BEFORE)).otherwise(F.col(column)))


def _from_others(
    rows: DataFrame, few: DataFrame, column: str, settings: ImputeSettings, key: Sequence[str], by: Sequence[str]
) -> DataFrame:
    """Gaps filled from other columns, group by group on the driver, in the order of the key so that a rerun is equal."""
    frame = few.toPandas().sort_values(list(key)).reset_index(drop=True)
    groups = [group for _, group in frame.groupby(list(by), sort=True)] if by else [frame]
    filled = pd.concat(
        [
            group.assign(imputed=fit_from_others(group, column, settings.features, settings.method, settings.neighbours))
            for group in groups
        ]
    )
    gaps = filled[filled[column].isna() & filled["imputed"].notna()]
    if gaps.empty:
        return rows
    found = rows.sparkSession.createDataFrame(gaps[[*key, "imputed"]])
    whole = rows.schema[column].dataType
    return (
        rows.join(F.broadcast(found), list(key), "left")
        .withColumn(column, F.coalesce(column, F.col("imputed").cast(whole)))
        .drop("imputed")
    )


def _changed(rows: DataFrame, column: str, value: Column, what: str) -> DataFrame:
    return _compared(rows.withColumns({_BEFORE: F.col(column), column: value}), column, what)


def _compared(rows: DataFrame, column: str, what: str) -> DataFrame:
    """Mark rows whose value is another than before."""
    is_other = ~F.col(column).eqNullSafe(F.col(_BEFORE)) & ~F.col(DROPPED)
    return rows.withColumn(MARKS, _marked(is_other, f"{column}: {what}")).drop(_BEFORE)


def _marked(condition: Column, mark: str) -> Column:
    return F.when(condition, F.array_append(MARKS, F.lit(mark))).otherwise(F.col(MARKS))
