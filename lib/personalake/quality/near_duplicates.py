"""Rows that are nearly the same: few edits apart in what is compared, within a block of rows worth comparing."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def near_duplicates(
    rows: DataFrame, key: str, columns: Sequence[str], block: Column, most_edits: int, largest_block: int = 500
) -> DataFrame:
    """Pairs of rows whose columns are at most so many edits apart (Levenshtein, 1966), summed over the columns.

    Args:
        rows: Rows with the key and the columns, best standardised.
        key: Column that identifies a row.
        columns: Columns of text that are compared; a missing one is as empty.
        block: What two rows must share to be compared at all, e.g. a postcode; a row without it is compared with nothing.
        most_edits: Edits up to which two rows are a pair.
        largest_block: Rows of a block beyond which it says too little to compare them all; such blocks are left out.

    Returns:
        `left_key`, `right_key` (the lesser first) and `edits`; each pair once.
    """
    size = F.count("*").over(Window.partitionBy("block"))
    texts = [F.coalesce(name, F.lit("")).alias(name) for name in columns]
    blocked = (
        rows.select(F.col(key).alias("key"), *texts, block.alias("block"))
        .where(F.col("block").isNotNull())
        .withColumn("size", size)
        .where(F.col("size") <= largest_block)
    )
    left, right = blocked.alias("l"), blocked.alias("r")
    pairs = left.join(right, (F.col("l.block") == F.col("r.block")) & (F.col("l.key") < F.col("r.key")), "inner")
    # The cheap bound first: lengths that differ by more cannot be mended by so few edits.
    lengths = [F.abs(F.length(f"l.{name}") - F.length(f"r.{name}")) for name in columns]
    each = [F.levenshtein(F.col(f"l.{name}"), F.col(f"r.{name}"), most_edits) for name in columns]
    is_within = [distance >= 0 for distance in each]  # -1 says: more than the threshold
    return (
        pairs.where(_total(lengths) <= most_edits)
        .where(_all(is_within))
        .select(F.col("l.key").alias("left_key"), F.col("r.key").alias("right_key"), _total(each).alias("edits"))
        .where(F.col("edits") <= most_edits)
    )


def left_out_for_size(rows: DataFrame, block: Column, largest_block: int) -> DataFrame:
    """Blocks too large to be compared, and their rows: one row with `blocks` and `rows`.

    Args:
        rows: Rows.
        block: What two rows must share to be compared.
        largest_block: Rows of a block beyond which it is left out.
    """
    sizes = rows.select(block.alias("block")).where(F.col("block").isNotNull()).groupBy("block").agg(F.count("*").alias("n"))
    too_large = sizes.where(F.col("n") > largest_block)
    return too_large.agg(F.count("*").alias("blocks"), F.coalesce(F.sum("n"), F.lit(0)).alias("rows"))


def without_near_duplicates(rows: DataFrame, key: str, pairs: DataFrame, order: Sequence[str]) -> DataFrame:
    """Rows that are no near duplicate of an earlier one.

    A row goes if it is like any earlier one, also one that goes itself: of a chain only the first stays.

    Args:
        rows: Rows with the key.
        key: Column that identifies a row.
        pairs: The result of `near_duplicates`.
        order: Columns that say which row is the earlier; ties go to the lesser key.
    """
    places = rows.select(F.col(key).alias("key"), F.struct(*order, key).alias("place"))
    left = places.select(F.col("key").alias("left_key"), F.col("place").alias("left"))
    right = places.select(F.col("key").alias("right_key"), F.col("place").alias("right"))
    later = F.when(F.col("left") <= F.col("right"), F.col("right_key")).otherwise(F.col("left_key"))
    dropped = pairs.join(left, "left_key").join(right, "right_key").select(later.alias(key)).distinct()
    return rows.join(dropped, key, "left_anti")


def _total(parts: Sequence[Column]) -> Column:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _all(parts: Sequence[Column]) -> Column:
    every = parts[0]
    for part in parts[1:]:
        every = every & part
    return every
