"""Duplicates: rows whose id is known already, in this micro-batch or from an earlier one."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from personalake.common.transformation import Transformation

ROW = "row_in_batch"
ID_HASH = "id_hash"
# Between the id of a content and the moment at which it came back.
RETURNED = "~"


def repeated_ids(valid: DataFrame, existing: DataFrame | None, row_id: str) -> DataFrame:
    """64-bit hashes of ids that occur more than once among the valid rows, or that exist already; one column, `id_hash`.

    Most rows are no duplicates, so only these few need a look at whole rows. Two ids may share a hash by chance: what is a
    duplicate is then told by the ids themselves.

    Args:
        valid: Valid rows of one micro-batch.
        existing: Rows of earlier batches; None if there are none.
        row_id: Column that identifies a row across runs.
    """
    twice = valid.groupBy(F.xxhash64(row_id).alias(ID_HASH)).count().where("count > 1").select(ID_HASH)
    if existing is None:
        return twice
    known, new = (rows.select(F.xxhash64(row_id).alias(ID_HASH)) for rows in (existing, valid))
    return twice.union(known.join(new, ID_HASH, "left_semi")).distinct()


def duplicates(valid: DataFrame, repeated: DataFrame, existing: DataFrame | None, row_id: str) -> DataFrame:
    """Rows to drop. Of several copies the earliest known one is kept, ties by payload and file.

    Args:
        valid: Valid rows of one micro-batch, with `row_in_batch`, `payload_checksum` and `known_at`.
        repeated: Hashes from `repeated_ids`, few enough to broadcast.
        existing: Rows of earlier batches with the id and `payload_checksum`; None if there are none.
        row_id: Column that identifies a row across runs.

    Returns:
        One row per duplicate: `row_in_batch`, and `is_exact` (the payload is that of the row that is kept).
    """
    suspects = valid.transform(_among(repeated, row_id)).select(
        ROW, row_id, "payload_checksum", "known_at", "landed_at", "source_file"
    )
    if existing is None:
        kept = suspects.withColumns({"kept_checksum": F.lit(None).cast("bigint"), "is_kept": F.lit(None).cast("boolean")})
    else:
        earlier = existing.transform(_among(repeated, row_id)).select(
            row_id, F.col("payload_checksum").alias("kept_checksum"), F.lit(True).alias("is_kept")
        )
        kept = suspects.join(earlier, row_id, "left")
    copies = Window.partitionBy(row_id).orderBy("known_at", "payload_checksum", "landed_at", "source_file", ROW)
    first = F.when(F.col("is_kept"), F.col("kept_checksum")).otherwise(F.first("payload_checksum").over(copies))
    return (
        kept.withColumns({"place": F.row_number().over(copies), "first_checksum": first})
        .where(F.col("is_kept").isNotNull() | (F.col("place") > 1))
        .select(ROW, F.coalesce(F.col("payload_checksum") == F.col("first_checksum"), F.lit(False)).alias("is_exact"))
    )


def _among(repeated: DataFrame, row_id: str) -> Transformation:
    return lambda rows: rows.withColumn(ID_HASH, F.xxhash64(row_id)).join(F.broadcast(repeated), ID_HASH, "left_semi")


def returned(
    valid: DataFrame, repeated: DataFrame, existing: DataFrame | None, row_id: str, key: Sequence[str]
) -> DataFrame:
    """Rows that bring an earlier version of a record back: it said one thing, then another, and now the first again.

    An id that is made of a record's content cannot tell such a row from a copy; the version before it can. Where its
    moment, or the one before, tells several things of one key, they are a list and no versions, and nothing comes back.

    Args:
        valid: Valid rows of one micro-batch, with `row_in_batch`, the key, `known_at`, `landed_at` and `source_file`.
        repeated: Hashes from `repeated_ids`.
        existing: Rows of earlier batches with the id, the key and `known_at`; None if there are none.
        row_id: Column that is made of the content.
        key: What a record is about, e.g. source and customer.

    Returns:
        One row per such row: `row_in_batch`, and `own_id`, its content's id with the moment at which it became known.
    """
    touched = valid.transform(_among(repeated, row_id)).select(*key).distinct()
    order = ("known_at", "landed_at", "source_file", ROW)
    new = valid.select(row_id, *key, *order).join(F.broadcast(touched), list(key), "left_semi")
    columns = (row_id, *key, *order)
    told = new.select(*columns)
    if existing is not None:
        gaps = [F.lit(None).cast(valid.schema[name].dataType).alias(name) for name in order[1:]]
        old = existing.join(F.broadcast(touched), list(key), "left_semi").select(row_id, *key, "known_at", *gaps)
        told = old.unionByName(told)
    content = content_of(row_id)
    in_time = Window.partitionBy(*key).orderBy(*(F.col(name).asc_nulls_first() for name in order))
    same = Window.partitionBy(*key, "content").orderBy(*(F.col(name).asc_nulls_first() for name in order))
    at_once = F.size(F.collect_set("content").over(Window.partitionBy(*key, "known_at")))
    return (
        told.withColumn("content", content)
        .withColumns({"times": F.row_number().over(same), "at_once": at_once})
        .withColumns({"before": F.lag("content").over(in_time), "before_at_once": F.lag("at_once").over(in_time)})
        .where(F.col(ROW).isNotNull() & (F.col("at_once") == 1) & (F.col("before_at_once") == 1))
        .where((F.col("before") != F.col("content")) & (F.col("times") > 1))
        .select(ROW, _own_id().alias("own_id"))
    )


def restated(accepted: DataFrame, existing: DataFrame, dropped: DataFrame, row_id: str, key: Sequence[str]) -> DataFrame:
    """Versions that hold again: copies of them were dropped, and now something else is said of the time before the copy.

    As in `returned`, a moment at which several things are told of one key is a list, and nothing holds again there.

    Args:
        accepted: Rows of one micro-batch that are new, with the id, the key and `known_at`.
        existing: Rows of earlier batches, likewise.
        dropped: `known_at` and id of every copy that was dropped.
        row_id: Column that is made of the content.
        key: What a record is about, e.g. source and customer.

    Returns:
        One row per such version: the id of its content, `known_at`, and `own_id`, the id with that moment.
    """
    columns = [content_of(row_id).alias("content"), *map(F.col, key), F.col("known_at")]
    touched = F.broadcast(accepted.select(*key).distinct())
    told = existing.join(touched, list(key), "left_semi").select(*columns).union(accepted.select(*columns)).distinct()
    owners = told.select("content", *key).distinct()
    copies = dropped.select(content_of(row_id).alias("content"), "known_at").distinct().join(owners, "content")
    in_time = Window.partitionBy(*key).orderBy("known_at", "is_copy")
    at_once = F.size(F.collect_set("content").over(Window.partitionBy(*key, "known_at")))
    return (
        told.withColumn("is_copy", F.lit(False))
        .unionByName(copies.withColumn("is_copy", F.lit(True)))
        .withColumn("at_once", at_once)
        .withColumns({"before": F.lag("content").over(in_time), "before_at_once": F.lag("at_once").over(in_time)})
        .where(F.col("is_copy") & (F.col("at_once") == 1) & (F.col("before_at_once") == 1))
        .where(F.col("before") != F.col("content"))
        .select(F.col("content").alias(row_id), "known_at", _own_id().alias("own_id"))
    )


def content_of(row_id: str) -> Column:
    """The id of the content alone, also of a version that came back."""
    return F.substring_index(row_id, RETURNED, 1)


def _own_id() -> Column:
    return F.concat("content", F.lit(RETURNED), F.unix_micros("known_at").cast("string"))
