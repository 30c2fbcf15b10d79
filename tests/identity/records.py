"""Rows of `silver.match_record` for tests, with what a row does not say left out."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd

from personalake.config.identity import FIELDS, GuardSettings, IdentitySettings, Override
from personalake.identity.graph import Graph
from personalake.identity.resolution import Resolution, resolve

FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)


def record(key: str, day: int = 1, **fields: str) -> dict[str, Any]:
    """One record; `crm:1` is record 1 of source crm, whose customer is 1 too."""
    source, _, customer = key.partition(":")
    row: dict[str, Any] = {"record_key": key, "source": source, "namespace": source, "customer_id": customer}
    return {**row, "known_at": FIRST_DAY.replace(day=day), **dict.fromkeys(FIELDS), **fields}


def edge(left: str, right: str, weight: float) -> dict[str, Any]:
    return {"left_key": min(left, right), "right_key": max(left, right), "match_weight": weight}


def groups(
    records: list[dict[str, Any]],
    edges: list[dict[str, Any]] | None = None,
    overrides: tuple[Override, ...] = (),
    guards: GuardSettings | None = None,
) -> tuple[set[frozenset[str]], Resolution]:
    """The record keys of each group, and the whole resolution."""
    settings = IdentitySettings(overrides=overrides, guards=guards or GuardSettings())
    found = resolve(pd.DataFrame(records), edge_frame(edges), settings)
    return partition(found), found


def edge_frame(edges: list[dict[str, Any]] | None) -> pd.DataFrame:
    return pd.DataFrame(edges or [], columns=["left_key", "right_key", "match_weight"])


def partition(found: Resolution) -> set[frozenset[str]]:
    keys: Graph = found.graph
    return {frozenset(keys.keys[found.group == group]) for group in set(found.group.tolist())}
