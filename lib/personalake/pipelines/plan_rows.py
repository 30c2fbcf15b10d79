"""The rows of a plan while it is judged and written: many stay in Spark, few are brought to the driver at once."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from personalake.activation.syncs.counts import Counts, counted, row_hash
from personalake.activation.syncs.diff import (
    audience_rows,
    only_taking_away,
    only_withdrawn,
    outbox_rows,
    without_withdrawn,
)
from personalake.activation.syncs.few import ROW_HASH, few_counted, few_of_audience, few_to_outbox
from personalake.lake import Lake
from personalake.lake.direct import frame_of
from personalake.tables.gold import ACTIVATION_OUTBOX

Groups = Sequence[Mapping[str, Any]]
# Payloads of all rows together that the driver takes in.
_MOST_BYTES = 64 << 20
_SIZE = "payloads_size"


class PlanRows:
    """Rows in Spark.

    Args:
        rows: Rows of `changes`, or what was made of them.
    """

    def __init__(self, rows: DataFrame) -> None:
        self._frame = rows

    @property
    def frame(self) -> DataFrame:
        """The rows in Spark."""
        return self._frame

    def release(self) -> None:
        """The rows are not needed any more."""
        self._frame.unpersist()

    def counted(self, rest: Groups) -> Counts:
        """The plan in figures, with those who were not looked at."""
        return counted(self._frame, rest)

    def persons(self, most: int) -> int:
        """How many different people are wanted; not counted beyond `most`."""
        return self._frame.where("is_wanted").select("person_id").distinct().limit(most).count()

    def of_audience(self) -> pa.Table:
        """What became of each person of the audience, see `audience_rows`."""
        return audience_rows(self._frame).toArrow()

    def to_outbox(self, lake: Lake, about: int, plan_id: str, sync: str, destination: str, how: str, day: date) -> None:
        """Write what leaves, about so many rows, as deliveries of a plan."""
        rows = outbox_rows(self._frame, plan_id, sync, destination, how, day)
        lake.append(rows, ACTIVATION_OUTBOX, about=about)

    def taking_away(self) -> "PlanRows":
        """The plan of an audience that has become too small to be told anything, see `only_taking_away`."""
        return PlanRows(only_taking_away(self.frame))

    def withdrawals(self, lacking: DataFrame, refusal: str) -> "PlanRows":
        """Of a plan that may not leave as it is those who have to go all the same, see `only_withdrawn`."""
        return PlanRows(only_withdrawn(self.frame, lacking, refusal))

    def without_withdrawals(self, lacking: DataFrame) -> "PlanRows":
        """The rest of it, see `without_withdrawn`."""
        return PlanRows(without_withdrawn(self.frame, lacking))


class FewRows(PlanRows):
    """Rows on the driver, in one request to Spark.

    Args:
        spark: The session, for what is seldom asked.
        rows: Rows of `changes` with their hash, few enough to be there with all their payloads.
    """

    def __init__(self, spark: SparkSession, rows: pa.Table) -> None:
        self._spark = spark
        self._rows = rows

    @cached_property
    def frame(self) -> DataFrame:
        """The rows in Spark, for what is seldom asked."""
        return frame_of(self._spark, self._rows.drop_columns([ROW_HASH]))

    def release(self) -> None:
        """Nothing is kept."""

    def counted(self, rest: Groups) -> Counts:
        """The plan in figures, with those who were not looked at."""
        return few_counted(self._rows, rest)

    def of_audience(self) -> pa.Table:
        """What became of each person of the audience."""
        return few_of_audience(self._rows)

    def to_outbox(self, lake: Lake, about: int, plan_id: str, sync: str, destination: str, how: str, day: date) -> None:
        """Write what leaves."""
        lake.put(few_to_outbox(self._rows, plan_id, sync, destination, how, day), ACTIVATION_OUTBOX, "append")


def on_the_driver(rows: DataFrame, most_bytes: int = _MOST_BYTES) -> PlanRows:
    """Few rows of `changes`, brought to the driver in one request; they stay in Spark if their payloads are too large."""
    size = F.coalesce(F.sum(F.octet_length("payload").cast("bigint")).over(Window.partitionBy(F.lit(0))), F.lit(0))
    sized = rows.withColumn(ROW_HASH, row_hash()).withColumn(_SIZE, size)
    # Without their payloads they may come all the same, which tells that they are too large in the same request.
    found = sized.withColumn("payload", F.when(F.col(_SIZE) <= most_bytes, F.col("payload"))).toArrow()
    if found.num_rows and found[_SIZE][0].as_py() > most_bytes:
        return in_spark(rows)
    return FewRows(rows.sparkSession, found.drop_columns([_SIZE]))


def in_spark(rows: DataFrame) -> PlanRows:
    """Rows of `changes` that are asked more than once, kept in Spark until they are released."""
    return PlanRows(rows.persist(StorageLevel.MEMORY_AND_DISK))
