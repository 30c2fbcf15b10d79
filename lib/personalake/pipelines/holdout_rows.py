"""Who was held out of a sync, on record: as rows of the outbox and of the log that never leave."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.activation.syncs.counts import Counts
from personalake.activation.syncs.diff import REFUSED
from personalake.activation.syncs.wanted import HELD_OUT
from personalake.activation.traffic import HELD_OUT as OPERATION
from personalake.pipelines.plan_changes import Planning
from personalake.pipelines.plan_rows import PlanRows
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, DECISION

NOT_SENT = "not sent (holdout)"
Row = dict[str, Any]


def log_held_out(planning: Planning, planned: PlanRows, counts: Counts, rest: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write down who was left alone since the last plan; each person of a sync once, of decisions each decision.

    Args:
        planning: The sync.
        planned: The plan.
        counts: The same in figures, with everybody who was not looked at.
        rest: Groups of those: they are on record since they were.
    """
    lake, name = planning.context.lake, planning.name
    of_sync = [("sync", "=", name), ("operation", "=", OPERATION)]
    is_decided = planning.asked.sync.audience.decisions is not None
    seen = counts.holdout - sum(group["rows"] for group in rest if group["refusal"] == HELD_OUT)
    if not seen and not is_decided:
        return
    known = {row["delivery_id"] for row in lake.ledger.read(ACTIVATION_OUTBOX, ("delivery_id",), of_sync)}
    rows = [row for row in _rows(planning, planned.frame) if row["delivery_id"] not in known]
    told = {"destination": planning.asked.sync.destination, "state": "cancelled", "reason": NOT_SENT}
    at = planning.context.run_started_at
    lake.add([{**told, "delivery_id": row["delivery_id"], "logged_at": at} for row in rows], ACTIVATION_LOG)
    lake.add(rows, ACTIVATION_OUTBOX)  # last, since who is in it is on record


def _rows(planning: Planning, planned: DataFrame) -> Iterator[Row]:
    context, name, sync = planning.context, planning.name, planning.asked.sync
    chosen = planned.where((F.col("change") == REFUSED) & (F.col("refusal") == HELD_OUT))
    people = chosen.select("person_id", "decision_id", "purpose")
    if sync.audience.decisions is not None:
        people = people.unionByName(_decided(planning))
    seen: set[str] = set()
    for row in people.toArrow().to_pylist():
        told = "|".join((name, sync.destination, row["person_id"], row["decision_id"] or "", OPERATION))
        delivery_id = hashlib.sha256(told.encode()).hexdigest()[:40]
        if delivery_id not in seen:
            seen.add(delivery_id)
            yield {
                **dict.fromkeys(ACTIVATION_OUTBOX.columns),
                **row,
                "delivery_id": delivery_id,
                "destination": sync.destination,
                "operation": OPERATION,
                "as_of": context.as_of,
                "sync": name,
                "removal": False,
            }


def _decided(planning: Planning) -> DataFrame:
    """Decisions of the day that were made and left alone, of those that the audience asks for."""
    context, asked = planning.context, planning.asked.sync.audience.decisions
    found = context.lake.read(DECISION).where((F.col("as_of") == F.lit(context.as_of)) & (F.col("status") == "holdout"))
    for column, allowed in (("action", asked.actions if asked else ()), ("channel", asked.channels if asked else ())):
        if allowed:
            found = found.where(F.col(column).isin(*allowed))
    return found.select("person_id", "decision_id", "purpose")
