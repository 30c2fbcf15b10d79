"""The answer to learn: did a person buy in the days from the as-of?"""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation


def with_churn_label(order_lines: DataFrame, horizon_days: int, as_ofs: Sequence[date]) -> Transformation:
    """Add `label`: 1.0 for no purchase within `horizon_days` from the as-of (the as-of's own day included), else 0.0.

    Args:
        order_lines: Rows with `person_id`, `is_return`, `occurred_at`, known before the training cut; returns do not count.
        horizon_days: Length of the label window, days.
        as_ofs: The as-ofs of the rows to label.
    """
    bought = order_lines.where(~F.col("is_return")).select("person_id", F.col("occurred_at").cast("date").alias("day"))

    def labelled(features: DataFrame) -> DataFrame:
        within = (F.col("day") >= F.col("as_of")) & (F.col("day") < F.date_add("as_of", horizon_days))
        each = F.explode(F.array(*[F.lit(as_of) for as_of in as_ofs]))
        stayed = bought.distinct().withColumn("as_of", each).where(within).select("person_id", "as_of").distinct()
        marked = features.join(stayed.withColumn("stayed", F.lit(True)), ["person_id", "as_of"], "left")
        return marked.withColumn("label", F.when(F.col("stayed"), 0.0).otherwise(1.0)).drop("stayed")

    return labelled
