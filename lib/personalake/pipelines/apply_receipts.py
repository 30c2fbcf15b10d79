"""`silver.delivery_receipt` to consent, suppression, engagement and `gold.activation_log`; each receipt counts once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from personalake.activation.receipts import (
    contested,
    engagements,
    matched,
    news,
    responses,
    settled,
    suppressions,
    withdrawals,
)
from personalake.activation.receipts.effects import WITHDRAWING
from personalake.activation.receipts.matching import PSEUDONYM
from personalake.activation.receipts.responses import RESPONSES
from personalake.common.merged_persons import as_persons_now
from personalake.lake import Lake
from personalake.lake.declared import arrow_schema
from personalake.lake.direct import FEW_ROWS, counted, few_on_driver, held
from personalake.lake.streams import Stream, run_streams
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.merged import merged_persons
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.receipt_names import weak_kinds, with_pseudonyms
from personalake.pipelines.reply_receipts import take_replies
from personalake.tables import Table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, DATA_HEALTH
from personalake.tables.receipts import DECISION_RESPONSE, DELIVERY_RECEIPT, SUPPRESSION
from personalake.tables.silver import CONSENT, PERSON_LINK
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT

JOB = "apply_receipts"
_NO_PURPOSE = "withdrawn on a channel that receipts.purposes does not name"
_NOBODY = "neither a person nor a delivery is known by it"


def run(context: JobContext) -> JobResult:
    """Apply the receipts that have been refined since the last run; look again at recent ones whose delivery was unknown."""
    lake = context.lake
    replied = 0 if context.dry_run else take_replies(context)
    told = lake.ledger.rows(DELIVERY_RECEIPT)
    if not told:
        return JobResult(skipped=True, message="no destination has reported anything yet")
    before = _applied(lake)
    waiting = told - sum(row["rows_in"] for row in before.values())
    if context.dry_run:
        return JobResult(message=f"{waiting:,} receipts are waiting", figures={"pending": waiting})
    stream = Stream(
        name="receipts",
        read=DELIVERY_RECEIPT,
        prepare=lambda rows: rows,
        handle=partial(_apply, context, waiting),
        checkpoint=lake.locations.checkpoint(JOB, "receipts"),
    )
    with context.progress.step("applying receipts"):
        run_streams(lake, [stream])
        late = _settle_recent(context)
    rows = [row for batch, row in _applied(lake).items() if batch not in before]
    return _told(rows, late, replied)


def _apply(context: JobContext, about: int, batch: DataFrame, app_id: str, number: int) -> None:
    """One micro-batch: every write is idempotent, so that a batch that died half-way is simply done again."""
    lake, batch_id = context.lake, f"{app_id}:{number}"
    stamped = batch.withColumn("batch_id", F.lit(batch_id))
    with held(_matched(context, stamped), about) as receipts:
        counts = _counts(receipts, context.settings.receipts.purposes)
        if counts["withdrawals"]:
            lake.append(_withdrawals(context, receipts), CONSENT, (app_id, number), 2 * counts["withdrawals"])
        if counts["bounces"]:
            _append_missing(lake, _suppressions(context, receipts), SUPPRESSION, about)
        if counts["mails"]:
            rows = _engagements(context, receipts)
            lake.append(rows, EMAIL_ENGAGEMENT, (app_id, number), counts["mails"])
        if counts["responses"]:
            _append_missing(lake, _responses(context, receipts), DECISION_RESPONSE, about)
        if counts["about_deliveries"]:
            _settle(context, receipts, about)
        _write_equation(context, batch_id, counts)


def _withdrawals(context: JobContext, receipts: DataFrame) -> DataFrame:
    settings = context.settings
    links, weak = context.lake.read(PERSON_LINK), weak_kinds(settings)
    return withdrawals(receipts, links, settings.receipts.purposes, settings.identity.calling_code, weak)


def _engagements(context: JobContext, receipts: DataFrame) -> DataFrame:
    return engagements(receipts, context.lake.read(PERSON_LINK), weak_kinds(context.settings))


def _suppressions(context: JobContext, receipts: DataFrame) -> DataFrame:
    settings = context.settings
    key = erasure_key(settings, context.lake.locations)
    days = (settings.receipts.hard_bounce_days, settings.receipts.unknown_user_days)
    return suppressions(receipts, key, settings.identity.calling_code, *days, context.run_started_at)


def _responses(context: JobContext, receipts: DataFrame) -> DataFrame:
    return responses(receipts, context.lake.read(ACTIVATION_OUTBOX), context.settings.receipts.rewards)


def _matched(context: JobContext, receipts: DataFrame) -> DataFrame:
    outbox, log, links = (context.lake.read(table) for table in (ACTIVATION_OUTBOX, ACTIVATION_LOG, PERSON_LINK))
    # Whom it was sent to is whoever they are by now: else what they say of it would be nobody's.
    became = merged_persons(context.lake.ledger)
    planned = outbox.transform(as_persons_now(became))
    named = with_pseudonyms(context, links, receipts, became)
    return matched(receipts, planned, log, named, context.settings.identity.calling_code)


def _settle(context: JobContext, receipts: DataFrame, about: int) -> int:
    """Add to the log what the receipts tell of deliveries, and it does not say yet; how many rows."""
    log = context.lake.read(ACTIVATION_LOG)
    with counted(news(receipts, log), about) as (found, count):
        if count == 0:
            return 0
        ended = contested(found).collect()
        last = news(receipts.unionByName(_earlier(context, ended)), log) if ended else found
        return _append_any(context.lake, settled(last, context.run_started_at), ACTIVATION_LOG, about)


def _earlier(context: JobContext, ended: Sequence[Row]) -> DataFrame:
    """All receipts about deliveries of which new ones tell the contrary: the newest decides, come when it may."""
    references = [row["reference"] for row in ended if row["reference"] is not None]
    is_about = F.col("delivery_id").isin([row["delivery_id"] for row in ended]) | F.col("reference").isin(references)
    return _matched(context, context.lake.read(DELIVERY_RECEIPT).where(is_about))


def _settle_recent(context: JobContext) -> int:
    """A receipt may be here before the log names its request: those of the last days are looked at once more."""
    days = context.settings.receipts.look_back_days
    if not days or not context.lake.ledger.rows(ACTIVATION_LOG):
        return 0
    since = context.run_started_at - timedelta(days=days)
    about = context.lake.ledger.count(DELIVERY_RECEIPT, [("known_at", ">=", since), ("reference", "!=", "")])
    if not about:
        return 0
    recent = context.lake.read(DELIVERY_RECEIPT).where(F.col("known_at") >= F.lit(since.isoformat()).cast("timestamp"))
    referring = recent.where("delivery_id IS NULL AND reference IS NOT NULL")
    stamped = referring.withColumn("batch_id", F.lit(f"{JOB}:{context.run_id}"))
    with counted(_matched(context, stamped).where("about IS NOT NULL"), about) as (late, count):
        if count == 0:
            return 0
        _follow_late(context, late, about)
        return _settle(context, late, about)


def _follow_late(context: JobContext, late: DataFrame, about: int) -> None:
    """What follows from receipts whose delivery is known only now, as far as it is not written: their batch is done."""
    lake, counts = context.lake, _counts(late, context.settings.receipts.purposes)
    if counts["withdrawals"]:
        _append_missing(lake, _withdrawals(context, late), CONSENT, about)
    if counts["bounces"]:
        _append_missing(lake, _suppressions(context, late), SUPPRESSION, about)
    if counts["responses"]:
        _append_missing(lake, _responses(context, late), DECISION_RESPONSE, about)
    if counts["mails"]:
        _append_missing(lake, _engagements(context, late), EMAIL_ENGAGEMENT, about)


def _append_missing(lake: Lake, rows: DataFrame, table: Table, about: int) -> int:
    """Add the rows whose key the table does not have."""
    return _append_any(lake, rows.join(lake.read(table).select(*table.key), list(table.key), "left_anti"), table, about)


def _append_any(lake: Lake, rows: DataFrame, table: Table, about: int) -> int:
    """Add rows, and say how many; no commit if there are none."""
    few = few_on_driver(rows.select(*table.columns), arrow_schema(table)) if about <= FEW_ROWS else None
    if few is not None:
        return lake.put(few, table, "append").rows
    with held(rows.select(*table.columns), about) as kept:
        count = kept.count()
        if count:
            lake.append(kept, table, about=count)
        return count


def _counts(receipts: DataFrame, purposes: Mapping[str, str]) -> dict[str, int]:
    kind, knows = F.col("receipt_type"), F.col("person_id").isNotNull() | F.col("about").isNotNull()
    withdraws = kind.isin(*WITHDRAWING)
    # A pseudonym that nobody here understands is nobody's, unlike an identifier that no person has so far.
    is_identifier = F.col("customer_id").isNotNull() & ~F.col("namespace").eqNullSafe(PSEUDONYM)
    named = knows | is_identifier | F.col("address").isNotNull()
    row = receipts.agg(
        F.count("*").alias("rows_in"),
        F.count_if(named).alias("rows_accepted"),
        F.count_if(~named).alias("rows_quarantined"),
        F.count_if(withdraws).alias("withdrawals"),
        F.count_if(withdraws & ~F.col("channel").isin(*purposes)).alias("without_purpose"),
        F.count_if(kind == "hard_bounce").alias("bounces"),
        F.count_if(F.col("channel") == "email").alias("mails"),
        F.count_if(F.col("about").isNotNull()).alias("about_deliveries"),
        F.count_if(F.col("about").isNotNull() & kind.isin(*RESPONSES)).alias("responses"),
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
        "warnings": {_NO_PURPOSE: counts["without_purpose"]} if counts["without_purpose"] else {},
        "recorded_at": datetime.now(UTC),
    }
    context.lake.add([row], DATA_HEALTH)


def _told(rows: list[dict[str, Any]], late: int, replied: int) -> JobResult:
    rows_in, unknown = (sum(row[name] for row in rows) for name in ("rows_in", "rows_quarantined"))
    message = f"{rows_in:,} receipts applied"
    if unknown:
        message += f", {unknown:,} of them about nobody who is known"
    lost = sum((row["warnings"] or {}).get(_NO_PURPOSE, 0) for row in rows)
    if lost:
        message += f"; {lost:,} {_NO_PURPOSE}"
    if replied:
        message += f"; {replied:,} of them taken from replies to what was sent"
    if late:
        message += f"; {late:,} deliveries settled by earlier receipts"
    return JobResult(rows_read=rows_in, message=message, figures={"unknown": unknown, "settled_late": late})
