"""`silver.delivery_receipt` to consent, suppression, engagement and `gold.activation_log`; each receipt counts once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.activation.receipts import engagements, matched, settled, suppressions, withdrawals
from personalake.config.secrets import resolve_secret
from personalake.lake import Lake
from personalake.lake.streams import Stream, run_streams
from personalake.pipelines.job import JobContext, JobResult
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, DATA_HEALTH
from personalake.tables.receipts import DELIVERY_RECEIPT, SUPPRESSION
from personalake.tables.silver import CONSENT, PERSON_LINK
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT

JOB = "apply_receipts"
_NOBODY = "neither a person nor a delivery is known by it"


def run(context: JobContext) -> JobResult:
    """Apply the receipts that have been refined since the last run; look again at recent ones whose delivery was unknown."""
    lake = context.lake
    held = lake.ledger.rows(DELIVERY_RECEIPT)
    if not held:
        return JobResult(skipped=True, message="no destination has reported anything yet")
    before = _applied(lake)
    if context.dry_run:
        waiting = held - sum(row["rows_in"] for row in before.values())
        return JobResult(message=f"{waiting:,} receipts are waiting", figures={"pending": waiting})
    stream = Stream(
        name="receipts",
        read=DELIVERY_RECEIPT,
        prepare=lambda rows: rows,
        handle=partial(_apply, context),
        checkpoint=lake.locations.checkpoint(JOB, "receipts"),
    )
    with context.progress.step("applying receipts"):
        run_streams(lake, [stream])
        late = _settle_recent(context)
    rows = [row for batch, row in _applied(lake).items() if batch not in before]
    return _told(rows, late)


def _apply(context: JobContext, batch: DataFrame, app_id: str, number: int) -> None:
    """One micro-batch: every write is idempotent, so that a batch that died half-way is simply done again."""
    lake, settings, batch_id = context.lake, context.settings, f"{app_id}:{number}"
    links = lake.read(PERSON_LINK)
    stamped = batch.withColumn("batch_id", F.lit(batch_id))
    receipts = _matched(lake, stamped).persist(StorageLevel.MEMORY_AND_DISK_DESER)
    try:
        counts = _counts(receipts)
        key = settings.suppression.hash_key
        outputs: list[tuple[str, Callable[[], object]]] = [
            (
                "withdrawals",
                lambda: lake.append(withdrawals(receipts, links, settings.receipts.purposes), CONSENT, (app_id, number)),
            ),
            (
                "bounces",
                lambda: lake.merge_new(
                    suppressions(
                        receipts,
                        resolve_secret(key) if key is not None else None,
                        settings.identity.calling_code,
                        settings.receipts.hard_bounce_days,
                    ),
                    SUPPRESSION,
                ),
            ),
            ("mails", lambda: lake.append(engagements(receipts, links), EMAIL_ENGAGEMENT, (app_id, number))),
            ("about_deliveries", lambda: _settle(context, receipts)),
        ]
        for name, write in outputs:
            if counts[name]:
                write()
        _write_equation(context, batch_id, counts)
    finally:
        receipts.unpersist()


def _matched(lake: Lake, receipts: DataFrame) -> DataFrame:
    return matched(receipts, lake.read(ACTIVATION_OUTBOX), lake.read(ACTIVATION_LOG), lake.read(PERSON_LINK))


def _settle(context: JobContext, receipts: DataFrame) -> int:
    """Add to the log what the receipts tell of deliveries, and it does not say yet."""
    rows = settled(receipts, context.lake.read(ACTIVATION_LOG), context.run_started_at).persist()
    try:
        count = rows.count()
        if count:
            context.lake.append(rows, ACTIVATION_LOG)
        return count
    finally:
        rows.unpersist()


def _settle_recent(context: JobContext) -> int:
    """A receipt may be here before the log names its request: those of the last days are looked at once more."""
    days = context.settings.receipts.look_back_days
    if not days or not context.lake.ledger.rows(ACTIVATION_LOG):
        return 0
    since = context.run_started_at - timedelta(days=days)
    recent = context.lake.read(DELIVERY_RECEIPT).where(F.col("known_at") >= F.lit(since.isoformat()).cast("timestamp"))
    return _settle(context, _matched(context.lake, recent.where("delivery_id IS NULL AND reference IS NOT NULL")))


def _counts(receipts: DataFrame) -> dict[str, int]:
    kind, knows = F.col("receipt_type"), F.col("person_id").isNotNull() | F.col("about").isNotNull()
    named = knows | F.col("customer_id").isNotNull() | F.col("address").isNotNull()
    row = receipts.agg(
        F.count("*").alias("rows_in"),
        F.count_if(named).alias("rows_accepted"),
        F.count_if(~named).alias("rows_quarantined"),
        F.count_if(kind.isin("unsubscribed", "complained")).alias("withdrawals"),
        F.count_if(kind == "hard_bounce").alias("bounces"),
        F.count_if(F.col("channel") == "email").alias("mails"),
        F.count_if(F.col("about").isNotNull()).alias("about_deliveries"),
    ).collect()[0]
    return {name: int(row[name]) for name in row.asDict()}


def _applied(lake: Lake) -> dict[str, dict[str, Any]]:
    rows = lake.ledger.read(DATA_HEALTH, where=[("job", "=", JOB)])
    return {row["batch_id"]: row for row in rows}


def _write_equation(context: JobContext, batch_id: str, counts: dict[str, int]) -> None:
    """Receipts in = receipts that name somebody + receipts that name nobody who is known."""
    if batch_id in _applied(context.lake):
        return
    unknown = counts["rows_quarantined"]
    row = {
        **{name: counts[name] for name in ("rows_in", "rows_accepted", "rows_quarantined")},
        "job": JOB,
        "source": "receipts",
        "batch_id": batch_id,
        "run_id": context.run_id,
        "rows_duplicate": 0,
        "rows_late": 0,
        "balanced": counts["rows_in"] == counts["rows_accepted"] + unknown,
        "reasons": {_NOBODY: unknown} if unknown else {},
        "warnings": {},
        "recorded_at": datetime.now(UTC),
    }
    context.lake.add([row], DATA_HEALTH)


def _told(rows: list[dict[str, Any]], late: int) -> JobResult:
    rows_in, unknown = (sum(row[name] for row in rows) for name in ("rows_in", "rows_quarantined"))
    message = f"{rows_in:,} receipts applied"
    if unknown:
        message += f", {unknown:,} of them about nobody who is known"
    if late:
        message += f"; {late:,} deliveries settled by earlier receipts"
    return JobResult(rows_read=rows_in, message=message, figures={"unknown": unknown, "settled_late": late})
