"""K-Means over how lately, how often and for how much people buy; the number of clusters is chosen by silhouette."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.cluster import KMeans as TrialKMeans

from personalake.config.segmentation import CLUSTER_WORDS, ClusterSettings
from personalake.tables.gold import SEGMENT_MEMBERSHIP

SCHEME = "kmeans"
INPUTS = ("recency", "frequency", "spending")
_JUDGED = 20_000  # people on whom numbers of clusters are compared, on the driver: six fits by Spark take seconds
_TOLERANCE = 1e-3  # standard deviations that a centroid may still move; names depend on halves
_FAR = 0.5  # standard deviations from the mean beyond which a centroid has a word for it


@dataclass(frozen=True)
class Clusters:
    """Fitted clusters.

    Args:
        membership: Rows of `gold.segment_membership`.
        count: Number of clusters.
        silhouettes: Mean silhouette of every number of clusters that was tried.
    """

    membership: DataFrame
    count: int
    silhouettes: dict[int, float]


def fit_clusters(profiles: DataFrame, settings: ClusterSettings, seed: int, as_of: date) -> Clusters:
    """Cluster everyone who has ordered; runs actions.

    Inputs are the logarithms of recency, orders and spend, standardised. The number of clusters with the greatest
    `silhouette` wins, of equal ones the smaller; numbers are tried by scikit-learn on everyone, or on 20,000 people
    drawn by the hash of their id. The chosen number is fitted to everyone by Spark, with rows spread and sorted by
    person before, since K-Means changes with their order.

    Args:
        profiles: Rows of `gold.customer_profile`.
        settings: Range of cluster counts, iterations.
        seed: Seed of the initial centroids.
        as_of: Exclusive day, from which recency is counted back.
    """
    assembler = VectorAssembler(inputCols=list(INPUTS), outputCol="features")
    placed = assembler.transform(profiles.transform(lambda rows: standardised(rows, as_of))).select("person_id", "features")
    ordered = placed.repartition(settings.partitions, "person_id").sortWithinPartitions("person_id").persist()
    silhouettes: dict[int, float] = {}
    try:
        points = _points(ordered)
        most = min(settings.max_clusters, len(np.unique(points, axis=0)) - 1)
        for count in range(settings.min_clusters, most + 1):
            trial = TrialKMeans(count, n_init=settings.trials, max_iter=settings.max_iterations, random_state=seed).fit(
                points
            )
            silhouettes[count] = round(silhouette(points, trial.cluster_centers_), 6)
        if not silhouettes:
            return Clusters(profiles.sparkSession.createDataFrame([], SEGMENT_MEMBERSHIP.schema), 0, {})
        best = max(silhouettes, key=lambda count: (silhouettes[count], -count))
        model = KMeans(k=best, seed=seed, maxIter=settings.max_iterations, tol=_TOLERANCE, initSteps=2).fit(ordered)
        centres = [[float(value) for value in centre] for centre in model.clusterCenters()]
        width = silhouette(points, np.array(centres))
        members = _members(model.transform(ordered), describe(centres), best, width, as_of)
        return Clusters(members.localCheckpoint(), best, silhouettes)
    finally:
        ordered.unpersist()


def silhouette(points: NDArray[np.float64], centres: NDArray[np.float64]) -> float:
    """Mean over all points of (b - a) / max(a, b); a is a point's mean distance to its own cluster, b to the nearest other.

    Distances are squared Euclidean, so that cluster sums suffice: the mean distance of x to a cluster of n points y is
    |x|^2 + sum |y|^2 / n - 2 x · sum y / n. A point alone in its cluster counts 0. Rousseeuw, 1987.

    >>> line = np.array([[0.0], [1.0], [10.0], [11.0]])
    >>> round(silhouette(line, np.array([[0.5], [10.5]])), 3)
    0.99
    """
    nearest = ((points[:, None, :] - centres[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    member = np.eye(len(centres))[nearest]
    sizes = member.sum(axis=0)
    filled = sizes > 0
    member, sizes = member[:, filled], sizes[filled]
    if len(sizes) < 2:
        return 0.0
    norms = (points**2).sum(axis=1)
    means = norms[:, None] + (member.T @ norms) / sizes - 2 * points @ (member.T @ points / sizes[:, None]).T
    company = member @ sizes
    own = (means * member).sum(axis=1) * company / np.maximum(company - 1, 1)
    other = np.where(member > 0, np.inf, means).min(axis=1)
    widths = (other - own) / np.maximum(np.maximum(own, other), np.finfo(float).tiny)
    return float(np.where(company > 1, widths, 0.0).mean())


def _points(ordered: DataFrame) -> NDArray[np.float64]:
    """The inputs of everyone, or of those with the smallest hashes."""
    drawn = (
        ordered.orderBy(F.sha2("person_id", 256)).limit(_JUDGED).select(vector_to_array(F.col("features")).alias("point"))
    )
    return np.array(drawn.toArrow()["point"].to_pylist(), dtype=np.float64).reshape(-1, len(INPUTS))


def standardised(profiles: DataFrame, as_of: date) -> DataFrame:
    """Logarithms of recency, orders and spend of everyone who ordered, with mean 0 and standard deviation 1.

    Returns:
        `person_id` and the columns of `INPUTS`; a value that is the same for all is 0.
    """
    days = F.date_diff(F.lit(as_of), F.col("last_order_date"))
    logs = profiles.where("orders > 0").select(
        "person_id",
        F.log1p(days.cast("double")).alias("recency"),
        F.log1p(F.col("orders").cast("double")).alias("frequency"),
        F.log1p(F.greatest(F.col("spend").cast("double"), F.lit(0.0))).alias("spending"),
    )
    # Rounded: the last digits of a mean depend on the order in which partitions are summed.
    moments = logs.agg(
        *(F.round(F.mean(name), 9).alias(f"{name}_mean") for name in INPUTS),
        *(F.round(F.stddev_pop(name), 9).alias(f"{name}_spread") for name in INPUTS),
    )
    scaled = {
        name: F.coalesce((F.col(name) - F.col(f"{name}_mean")) / F.nullif(F.col(f"{name}_spread"), F.lit(0.0)), F.lit(0.0))
        for name in INPUTS
    }
    return logs.crossJoin(F.broadcast(moments)).withColumns(scaled).select("person_id", *INPUTS)


def describe(centres: Sequence[Sequence[float]]) -> list[str]:
    """A name for each centroid, in words; clusters of one name are numbered, the greatest spenders first.

    Args:
        centres: Standardised recency, frequency and spending.

    >>> describe([(-1.0, 1.2, 0.9), (1.4, -0.2, -0.8)])
    ['recent frequent big spenders', 'lapsed regular small spenders']
    """
    words = [" ".join(filter(None, map(_word, INPUTS, centre))) for centre in centres]
    named = list(words)
    for name in {word for word in words if words.count(word) > 1}:
        alike = [place for place, word in enumerate(words) if word == name]
        alike.sort(key=lambda place: (-centres[place][2], -centres[place][1], centres[place][0]))
        for number, place in enumerate(alike, start=1):
            named[place] = f"{name} {number}"
    return named


def _word(name: str, value: float) -> str:
    low, middle, high = CLUSTER_WORDS[name]
    return low if value < -_FAR else high if value > _FAR else middle


def _members(placed: DataFrame, names: Sequence[str], count: int, silhouette: float, as_of: date) -> DataFrame:
    detail = F.create_map(F.lit("clusters"), F.lit(str(count)), F.lit("silhouette"), F.lit(f"{silhouette:.3f}"))
    return placed.select(
        "person_id",
        F.lit(SCHEME).alias("scheme"),
        F.lit(as_of).alias("as_of"),
        F.element_at(F.array(*map(F.lit, names)), F.col("prediction") + 1).alias("segment"),
        detail.alias("detail"),
    ).select(*SEGMENT_MEMBERSHIP.columns)
