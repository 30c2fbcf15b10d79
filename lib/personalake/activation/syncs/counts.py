"""A plan in figures: what leaves, and what does not and why."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.activation.syncs.diff import ADDED, CHANGED, DELIVERED, REFUSED, REMOVED, UNCHANGED
from personalake.activation.syncs.wanted import HELD_OUT

# What a group of rows has that are not part of any plan.
NOTHING: Mapping[str, Any] = {
    "bytes": None, "values": None, "either": None, "sum": None, "pending": 0, "repeated": 0, "stale": 0,
}  # fmt: skip


@dataclass(frozen=True)
class Counts:
    """A plan in figures.

    Args:
        added: Deliveries of keys that the destination does not hold.
        changed: Deliveries of keys that it holds with other content.
        removed: Deliveries that take a key away.
        unchanged: Keys that are left as they are.
        audience: People of the audience, whatever becomes of them.
        refused: People who are not sent, by reason, the holdout left out.
        early_refusals: Those of them who are not wanted there; the others are, and something else is in the way.
        holdout: People who are held out.
        people: People who are wanted and may be sent; of orders and decisions each by itself.
        persons: Those people with each counted once, as far as that matters; null where it is the same.
        held: Keys that the destination is known to hold.
        bytes: Bytes of all payloads.
        values: Values that the deliveries set; what some vendors bill.
        contents: Different bodies among what leaves, roughly.
        content: Digest of all deliveries, in any order.
        pending: Deliveries that the standing plan has not sent yet.
        repeated: Of those, how many this one would send again as they are.
        stale: Deliveries of other plans that wait in vain.
    """

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    audience: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    early_refusals: Mapping[str, int] = field(default_factory=dict)
    holdout: int = 0
    people: int = 0
    persons: int | None = None
    held: int = 0
    bytes: int = 0
    values: int = 0
    contents: int = 0
    content: str = ""
    pending: int = 0
    repeated: int = 0
    stale: int = 0

    @property
    def deliveries(self) -> int:
        """Everything that leaves."""
        return self.added + self.changed + self.removed

    @property
    def size(self) -> int:
        """How many different people something may be said of."""
        return self.people if self.persons is None else self.persons

    @property
    def is_what_waits(self) -> bool:
        """Whether this is exactly what the standing plan still has to do."""
        return self.pending == self.repeated == self.deliveries


def row_hash() -> Column:
    """What tells a plan's rows apart, as far as they decide what leaves."""
    return F.xxhash64("sync_key", "change", "payload_hash", F.coalesce("base", F.lit("")))


def counted(planned: DataFrame, rest: Sequence[Mapping[str, Any]] = ()) -> Counts:
    """Count a plan, in one pass.

    Args:
        planned: Rows of `with_payloads`, with `values`.
        rest: Groups of rows that stand as they are, and were not looked at.
    """
    leaves, row = F.col("change").isin(*DELIVERED), row_hash()
    is_repeated = leaves & (F.col("pending_hash") == F.col("payload_hash"))
    grouped = planned.groupBy("change", "refusal", "is_wanted", "is_held").agg(
        F.count("*").alias("rows"),
        F.sum(F.octet_length("payload").cast("bigint")).alias("bytes"),
        F.sum(F.when(leaves, F.col("values").cast("bigint"))).alias("values"),
        F.approx_count_distinct(F.when(leaves, F.col("payload_hash"))).alias("contents"),
        F.bit_xor(F.when(leaves, row)).alias("either"),
        F.sum(F.when(leaves, row.cast("decimal(20,0)"))).alias("sum"),
        F.count_if(F.col("pending_hash").isNotNull()).alias("pending"),
        F.count_if(is_repeated).alias("repeated"),
        F.sum("stale").alias("stale"),
    )
    return of_groups([*(group.asDict() for group in grouped.collect()), *rest])


def left_out(reason: str, rows: int) -> list[dict[str, Any]]:
    """Rows that never came to be judged as a group that is refused; no group if there are none."""
    told = {"change": REFUSED, "refusal": reason, "is_wanted": False, "is_held": False, "rows": rows}
    return [{**NOTHING, **told}] if rows else []


def of_groups(groups: Sequence[Mapping[str, Any]]) -> Counts:
    """Counts out of their groups."""

    def rows(change: str) -> int:
        return sum(group["rows"] for group in groups if group["change"] == change)

    refused: Counter[str] = Counter()
    early: Counter[str] = Counter()
    for group in groups:
        if group["change"] == REFUSED:
            refused[group["refusal"]] += group["rows"]
            early[group["refusal"]] += 0 if group["is_wanted"] else group["rows"]
    holdout = refused.pop(HELD_OUT, 0)
    sums = [(str(group["change"]), group["either"], str(group["sum"])) for group in groups if group["either"] is not None]
    return Counts(
        added=rows(ADDED),
        changed=rows(CHANGED),
        removed=rows(REMOVED),
        unchanged=rows(UNCHANGED),
        holdout=holdout,
        audience=sum(group["rows"] for group in groups if group["is_wanted"] or group["change"] == REFUSED),
        refused=dict(sorted(refused.items())),
        early_refusals={name: rows for name, rows in sorted(early.items()) if rows and name != HELD_OUT},
        people=sum(group["rows"] for group in groups if group["is_wanted"]),
        held=sum(group["rows"] for group in groups if group["is_held"]),
        bytes=sum(group["bytes"] or 0 for group in groups),
        values=sum(group["values"] or 0 for group in groups),
        contents=sum(group.get("contents") or 0 for group in groups),
        content=hashlib.sha256(repr(sorted(sums, key=repr)).encode()).hexdigest(),
        pending=sum(group["pending"] for group in groups),
        repeated=sum(group["repeated"] for group in groups),
        stale=sum(group["stale"] or 0 for group in groups),
    )
