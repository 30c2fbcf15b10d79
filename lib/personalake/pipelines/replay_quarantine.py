"""Quarantined rows back to bronze after a cure, so that the refine jobs take them up again.

The batch id of a replayed row names the batch that had refused it. So a run that died between the append and the delete
knows what has gone back already, and the delete takes only what was read: rows that are refused meanwhile stay.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.ingestion.contracts import CONTRACTS
from personalake.lake import Lake
from personalake.pipelines.job import JobContext, JobResult
from personalake.tables import Table
from personalake.tables.bronze import EVENT, RECORD
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import QUARANTINE

JOB = "replay_quarantine"
PREFIX = f"{JOB}/"
_BRONZE = {"event": EVENT, "record": RECORD}
_ROW = ("source", "payload", "source_file", "ordinal", "landed_at", "batch_id")


def run(context: JobContext) -> JobResult:
    """Send the chosen rows through again: bronze first, then out of quarantine, then the equation."""
    lake = context.lake
    version = lake.ledger.version(QUARANTINE)
    if version is None:
        return JobResult(skipped=True, message="silver.quarantine is empty: nothing has been refused yet")
    chosen = lake.read(QUARANTINE, version).where(_selection(context)).persist()
    try:
        batches = sorted(row[0] for row in chosen.select("batch_id").distinct().collect())
        rows = chosen.count()
        for kind, bronze in _BRONZE.items():
            contracts = [name for name, contract in CONTRACTS.items() if contract.kind == kind]
            _to_bronze(context, chosen.where(F.col("contract").isin(*contracts)), bronze, rows)
        if batches:
            lake.delete(QUARANTINE, _selection(context) & F.col("batch_id").isin(*batches))
    finally:
        chosen.unpersist()
    if not context.dry_run:
        _balance(context)
    if not rows:
        return JobResult(message="no row in quarantine fits the choice")
    verb = "would go" if context.dry_run else "went"
    return JobResult(rows_read=rows, message=f"{rows:,} rows {verb} back to bronze; the refine jobs take them up")


def _selection(context: JobContext) -> Column:
    condition = F.col("contract").isin(*CONTRACTS)
    if context.options.get("source"):
        condition &= F.col("source") == context.options["source"]
    if context.options.get("reason"):
        asked = context.options["reason"]  # with or without how a time was written, which stands behind it in brackets
        condition &= F.exists("reasons", lambda reason: (reason == asked) | reason.startswith(f"{asked} ("))
    return condition


def _to_bronze(context: JobContext, chosen: DataFrame, bronze: Table, about: int) -> None:
    """Append what has not gone back yet; rows that are equal to the byte went together or not at all."""
    lake = context.lake
    marked = chosen.withColumn("batch_id", F.concat(F.lit(PREFIX), "batch_id")).select(*_ROW)
    gone = lake.read(bronze).where(F.col("batch_id").startswith(PREFIX)).select(*_ROW).distinct()
    same = [marked[name].eqNullSafe(gone[name]) for name in _ROW]
    waiting = marked.join(gone, same, "left_anti").withColumn("ingested_at", F.lit(context.run_started_at))
    if not waiting.isEmpty():
        lake.append(waiting.select(*bronze.columns), bronze, about=about)


def _balance(context: JobContext) -> None:
    """Write down how many rows of each batch went back, as far as it has not been written: in = accepted, once each."""
    lake = context.lake
    written: Counter[tuple[str, str]] = Counter()
    for row in lake.ledger.read(DATA_HEALTH):
        if row["job"] == JOB:
            written[row["source"], row["batch_id"].rsplit("#", 1)[0]] += row["rows_in"]
    went = _replayed(lake)
    missing = {key: count - written[key] for key, count in went.items() if count > written[key]}
    lake.ledger.append(DATA_HEALTH, [_equation(context, *key, went[key], rows) for key, rows in sorted(missing.items())])


def _replayed(lake: Lake) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for bronze in _BRONZE.values():
        replayed = lake.read(bronze).where(F.col("batch_id").startswith(PREFIX))
        for row in replayed.groupBy("source", "batch_id").count().collect():
            counts[row["source"], row["batch_id"]] = row["count"]
    return counts


def _equation(context: JobContext, source: str, batch_id: str, total: int, rows: int) -> dict[str, Any]:
    return {
        "job": JOB,
        "source": source,
        "batch_id": f"{batch_id}#{total}",
        "run_id": context.run_id,
        "rows_in": rows,
        "rows_accepted": rows,
        "rows_quarantined": 0,
        "rows_duplicate": 0,
        "rows_late": 0,
        "balanced": True,
        "reasons": {},
        "warnings": {},
        "recorded_at": datetime.now(UTC),
    }
