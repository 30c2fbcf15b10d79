"""RFM: recency, frequency and monetary value as scores, and named segments over them."""

from collections.abc import Sequence
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.config.segmentation import UNNAMED, RfmSegment, SegmentSettings
from personalake.tables.gold import SEGMENT_MEMBERSHIP

SCHEME = "rfm"
NO_ORDERS, OTHER = UNNAMED
_VALUES = {"r": "recency_days", "f": "orders", "m": "spend"}


def rfm_segments(profiles: DataFrame, settings: SegmentSettings, as_of: date) -> DataFrame:
    """Everyone's RFM segment.

    Args:
        profiles: Rows of `gold.customer_profile` at `as_of`.
        settings: Number of quantiles, and the named segments.
        as_of: Exclusive day, from which recency is counted back.

    Returns:
        Rows of `gold.segment_membership` with the scores in `detail`; people without an order are in `No orders yet`.
    """
    scored = profiles.transform(lambda rows: rfm_scores(rows, settings.rfm_quantiles, as_of))
    has_ordered = F.col("r").isNotNull()
    scores = F.create_map(*(part for name in _VALUES for part in (F.lit(name), F.col(name).cast("string"))))
    return scored.select(
        "person_id",
        F.lit(SCHEME).alias("scheme"),
        F.lit(as_of).alias("as_of"),
        F.when(has_ordered, _named(settings.rfm)).otherwise(NO_ORDERS).alias("segment"),
        F.when(has_ordered, scores).otherwise(F.create_map().cast("map<string,string>")).alias("detail"),
    ).select(*SEGMENT_MEMBERSHIP.columns)


def rfm_scores(profiles: DataFrame, quantiles: int, as_of: date) -> DataFrame:
    """Scores 1..quantiles, the best being the most recent, the most frequent, the greatest spender.

    A score is one more than the number of cut points that the value lies beyond; cut points are exact quantiles of
    those who ordered. Equal values have equal scores, so that there are no ties to break.

    Args:
        profiles: `person_id`, `orders`, `spend`, `last_order_date`.
        quantiles: Groups per dimension.
        as_of: Exclusive day.

    Returns:
        The profiles with `r`, `f`, `m` (null without orders).
    """
    recency = F.date_diff(F.lit(as_of), F.col("last_order_date"))
    valued = profiles.withColumn("recency_days", F.when(F.col("orders") > 0, recency))
    shares = F.array(*(F.lit(step / quantiles) for step in range(1, quantiles)))
    cuts = valued.where("recency_days IS NOT NULL").agg(
        *(F.percentile(F.col(value).cast("double"), shares).alias(f"{name}_cuts") for name, value in _VALUES.items())
    )
    passed = {name: F.size(F.filter(f"{name}_cuts", _below(value))) for name, value in _VALUES.items()}
    scores = {"r": quantiles - passed["r"], "f": passed["f"] + 1, "m": passed["m"] + 1}
    known = {name: F.when(F.col("recency_days").isNotNull(), score) for name, score in scores.items()}
    return valued.crossJoin(F.broadcast(cuts)).withColumns(known).drop(*(f"{name}_cuts" for name in _VALUES))


def _below(value: str):  # type: ignore[no-untyped-def]  # a lambda over an array's element
    return lambda cut: cut < F.col(value).cast("double")


def _named(segments: Sequence[RfmSegment]) -> Column:
    fitting = [F.when(F.expr(segment.when), F.lit(segment.name)) for segment in segments]
    return F.coalesce(*fitting, F.lit(OTHER))
