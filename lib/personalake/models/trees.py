"""MLlib's trees as arrays, read from what MLlib itself writes; asking the JVM node by node takes half a minute."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np
from pyspark.ml.classification import GBTClassificationModel, RandomForestClassificationModel
from pyspark.sql import SparkSession

from personalake.models.portable import Tree


def trees_of(
    model: RandomForestClassificationModel | GBTClassificationModel, kind: str, session: SparkSession, scratch: str
) -> tuple[Tree, ...]:
    """The trees, each value already weighted, so that the ensemble's output is their sum.

    Args:
        model: The fitted ensemble.
        kind: `forest` or `boosted`.
        session: The session of the rows that it was fitted on.
        scratch: A path that every executor can write.
    """
    model.write().overwrite().save(scratch)
    nodes = session.read.parquet(f"{scratch}/data").select("treeID", "nodeData.*").collect()
    ordered = sorted(nodes, key=lambda node: (node["treeID"], node["id"]))
    weights = [1 / len(model.treeWeights)] * len(model.treeWeights) if kind == "forest" else list(model.treeWeights)
    grouped = groupby(ordered, key=lambda node: node["treeID"])
    return tuple(_tree(list(members), kind, weights[tree]) for tree, members in grouped)


def _tree(nodes: list[Any], kind: str, weight: float) -> Tree:
    splits = [node["split"] if node["leftChild"] >= 0 else None for node in nodes]
    return Tree(
        left=np.array([node["leftChild"] for node in nodes], dtype=np.int32),
        right=np.array([node["rightChild"] for node in nodes], dtype=np.int32),
        feature=np.array([split["featureIndex"] if split else -1 for split in splits], dtype=np.int32),
        threshold=np.array([split["leftCategoriesOrThreshold"][0] if split else 0.0 for split in splits], dtype=np.float64),
        value=np.array([weight * _value(node, kind) for node in nodes]),
        weight=np.array([_weight(node["impurityStats"], kind) for node in nodes]),
    )


def _value(node: Any, kind: str) -> float:
    stats = node["impurityStats"]
    return float(stats[1] / sum(stats)) if kind == "forest" else float(node["prediction"])


def _weight(stats: Iterable[float], kind: str) -> float:
    # Gini keeps the weight of each class, variance keeps weight, sum and sum of squares.
    values = list(stats)
    return float(sum(values)) if kind == "forest" else float(values[0])
