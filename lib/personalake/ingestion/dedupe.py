"""Duplicates: rows whose id is known already, in this micro-batch or from an earlier one."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from personalake.ingestion.contracts import Contract


def repeated_ids(valid: DataFrame, existing: DataFrame, row_id: str) -> DataFrame:
    """Ids that occur more than once among the valid rows, or that exist already; one column, named by `row_id`.

    Most rows are not duplicates, so only these few ids need a window over whole rows.
    """
    twice = valid.groupBy(row_id).count().where("count > 1").select(row_id)
    known = existing.select(row_id).join(F.broadcast(valid.select(row_id)), row_id, "left_semi")
    return twice.union(known).distinct()


def split_duplicates(valid: DataFrame, repeated: DataFrame, existing: DataFrame, contract: Contract) -> DataFrame:
    """Mark duplicates.

    Args:
        valid: Valid rows of one micro-batch, with `payload_hash` and `known_at`.
        repeated: Ids from `repeated_ids`, few enough to broadcast.
        existing: Rows of earlier batches: the id, and `payload_hash` where the table keeps it.
        contract: The contract of the rows.

    Returns:
        The valid rows with `is_duplicate`, and `is_exact` (null unless duplicate). Of several copies the earliest
        known one is kept, ties by payload.
    """
    row_id = contract.row_id
    copies = Window.partitionBy(row_id).orderBy("known_at", "payload_hash", "landed_at", "source_file")
    earlier = existing.select(row_id, F.col("payload_hash").alias("kept_hash"), F.lit(True).alias("is_kept")).join(
        F.broadcast(repeated), row_id, "left_semi"
    )
    suspects = valid.join(F.broadcast(repeated), row_id, "left_semi").join(earlier, row_id, "left")
    first_hash = F.when(F.col("is_kept"), F.col("kept_hash")).otherwise(F.first("payload_hash").over(copies))
    judged = suspects.withColumns(
        {
            "is_duplicate": F.col("is_kept").isNotNull() | (F.row_number().over(copies) > 1),
            "is_exact": F.col("payload_hash") == first_hash,
        }
    ).drop("kept_hash", "is_kept")
    others = valid.join(F.broadcast(repeated), row_id, "left_anti").withColumns(
        {"is_duplicate": F.lit(False), "is_exact": F.lit(None).cast("boolean")}
    )
    return others.unionByName(judged)
