from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.linalg import Vectors
from pyspark.sql import DataFrame, SparkSession

from personalake.config.segmentation import ClusterSettings
from personalake.segments.clusters import describe, fit_clusters, silhouette, standardised

AS_OF = date(2017, 12, 1)
SETTINGS = ClusterSettings(min_clusters=2, max_clusters=3, min_people=10, max_iterations=5)


def two_kinds(spark: SparkSession, backwards: bool = False) -> DataFrame:
    """Six who come often and spend much, six who stayed away; the amounts differ a little."""
    often = [(f"often{n}", 100 + n, Decimal(2000 + n), AS_OF - timedelta(days=2)) for n in range(6)]
    seldom = [(f"seldom{n}", 2 + n % 2, Decimal(20 + n), AS_OF - timedelta(days=200 + n)) for n in range(6)]
    people = [*often, *seldom]
    rows = people[::-1] if backwards else people
    return spark.createDataFrame(rows, "person_id string, orders bigint, spend decimal(18,2), last_order_date date")


def test_two_kinds_of_people_are_two_clusters_named_in_words(spark: SparkSession) -> None:
    clusters = fit_clusters(two_kinds(spark), SETTINGS, 17, AS_OF)

    names = {row["person_id"][:5]: row["segment"] for row in clusters.membership.collect()}
    assert clusters.count == 2
    assert set(clusters.silhouettes) == {2, 3}
    assert names == {"often": "recent frequent big spenders", "seldo": "lapsed rare small spenders"}


def test_the_order_of_rows_changes_nothing(spark: SparkSession) -> None:
    first = fit_clusters(two_kinds(spark), SETTINGS, 17, AS_OF)
    second = fit_clusters(two_kinds(spark, backwards=True), SETTINGS, 17, AS_OF)

    assert sorted(first.membership.collect()) == sorted(second.membership.collect())
    assert first.silhouettes == second.silhouettes


def test_people_who_are_all_alike_cannot_be_clustered(spark: SparkSession) -> None:
    rows = [(f"p{n}", 3, Decimal(9), AS_OF - timedelta(days=2)) for n in range(12)]
    alike = spark.createDataFrame(rows, "person_id string, orders bigint, spend decimal(18,2), last_order_date date")

    clusters = fit_clusters(alike, SETTINGS, 17, AS_OF)

    assert (clusters.count, clusters.membership.count()) == (0, 0)


def test_the_silhouette_is_that_of_spark(spark: SparkSession) -> None:
    numbers = np.random.default_rng(3).normal(size=(30, 3)) + np.repeat([[0.0], [4.0], [9.0]], 10, axis=0)
    centres = np.array([numbers[:10].mean(axis=0), numbers[10:20].mean(axis=0), numbers[20:].mean(axis=0)])
    nearest = ((numbers[:, None, :] - centres) ** 2).sum(axis=2).argmin(axis=1)
    rows = [(Vectors.dense(list(map(float, point))), int(cluster)) for point, cluster in zip(numbers, nearest, strict=True)]
    placed = spark.createDataFrame(rows, ["features", "prediction"])

    assert silhouette(numbers, centres) == pytest.approx(ClusteringEvaluator().evaluate(placed), abs=1e-9)


def test_inputs_have_mean_zero_and_standard_deviation_one(spark: SparkSession) -> None:
    values = [row["spending"] for row in standardised(two_kinds(spark), AS_OF).collect()]

    assert sum(values) == pytest.approx(0, abs=1e-6)
    assert sum(value**2 for value in values) / len(values) == pytest.approx(1, abs=1e-6)


def test_clusters_of_one_name_are_numbered_by_spending() -> None:
    centres = [(-1.0, 1.0, 0.7), (-1.0, 1.0, 1.9), (0.0, 0.0, 0.0)]

    assert describe(centres) == [
        "recent frequent big spenders 2",
        "recent frequent big spenders 1",
        "regular medium spenders",
    ]
