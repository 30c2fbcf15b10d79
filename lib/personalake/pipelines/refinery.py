"""What the two refine jobs share: parse, validate, deduplicate each micro-batch, and write down the equation."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.config.sources import Source
from personalake.ingestion.contracts import CONTRACTS, Contract
from personalake.ingestion.dedupe import ROW
from personalake.ingestion.parsing import parse
from personalake.ingestion.wishes import contract_named
from personalake.lake import Lake
from personalake.lake.erasing import remove_rows
from personalake.lake.streams import Stream, is_settled, run_streams
from personalake.pipelines.erased_rows import without_erased_rows
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.known_rows import referenced, told_again, with_duplicates
from personalake.pipelines.payload_vault import STORED, Vault
from personalake.pipelines.retention import aged
from personalake.pipelines.treatment import row_by_row
from personalake.privacy.suppression import ERASED
from personalake.tables import Table
from personalake.tables.bronze import EVENT as BRONZE_EVENT
from personalake.tables.bronze import RECORD as BRONZE_RECORD
from personalake.tables.erasure import ERASURE_RECEIPT
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import DUPLICATE, EVENT, QUARANTINE

LATE_AFTER = "INTERVAL 1 DAY"
_BRONZE = {"refine_events": BRONZE_EVENT, "refine_records": BRONZE_RECORD}
_NOT_ERASED = f"NOT array_contains(reasons, '{ERASED}')"


def refine(context: JobContext, job: str, kind: str, bronze: Table) -> JobResult:
    """Refine what is new in a bronze table, source by source.

    Args:
        context: What the job is given.
        job: Name of the job; checkpoints go by it.
        kind: `event` or `record`.
        bronze: The table to read as a stream.
    """
    sources = {
        name: source for name, source in context.settings.active_sources().items() if CONTRACTS[source.contract].kind == kind
    }
    if context.dry_run:
        return _pending(context, job, bronze)
    if not context.lake.exists(bronze):
        return JobResult(skipped=True, message=f"{bronze.full_name} is empty: nothing has been ingested yet")
    before = _health_ids(context.lake, job)
    waiting = sources if context.options.get("continuous") else dict(_unrefined(context.lake, job, bronze, sources))
    streams = [_stream(context, job, name, source, bronze) for name, source in waiting.items()]
    if streams:
        with context.progress.step(f"refining {', '.join(stream.name for stream in streams)}"):
            trigger = context.settings.streams.trigger_seconds if context.options.get("continuous") else None
            run_streams(context.lake, streams, trigger)
    equations = [row for row in _equations(context.lake, job) if row["batch_id"] not in before]
    return _result(equations)


def _result(equations: list[dict[str, Any]]) -> JobResult:
    rows_in, accepted, quarantined, duplicate = (
        sum(row[name] for row in equations) for name in ("rows_in", "rows_accepted", "rows_quarantined", "rows_duplicate")
    )
    balanced = all(row["balanced"] for row in equations)
    message = f"{rows_in:,} in = {accepted:,} accepted + {quarantined:,} quarantined + {duplicate:,} duplicates"
    return JobResult(
        rows_read=rows_in,
        rows_rejected=quarantined,
        message=message if balanced else f"{message} DOES NOT ADD UP, see gold.data_health",
        figures={"rows_accepted": accepted, "rows_duplicate": duplicate, "balanced": balanced},
    )


def _equations(lake: Lake, job: str) -> list[dict[str, Any]]:
    return [row for row in lake.ledger.read(DATA_HEALTH) if row["job"] == job]


def _health_ids(lake: Lake, job: str) -> set[str]:
    return {row["batch_id"] for row in _equations(lake, job)}


def is_refined(context: JobContext, job: str) -> bool:
    """Whether nothing that is in bronze waits to be refined, and no micro-batch is half done."""
    bronze = _BRONZE[job]
    checkpoints = context.lake.locations.checkpoint(job, "any").parent
    are_settled = all(is_settled(path) for path in checkpoints.iterdir()) if checkpoints.is_dir() else True
    if not context.lake.exists(bronze):
        return True
    # Where a run died while rows left for their age, numbers tell nothing until the next one has looked.
    return are_settled and aged(context.lake, bronze).is_certain and _waiting(context.lake, job, bronze) <= 0


def _waiting(lake: Lake, job: str, bronze: Table) -> int:
    """Rows that came in, those that were erased or left for their age included, less those that were refined."""
    erased = lake.ledger.read(ERASURE_RECEIPT, ("rows_erased",), [("place", "=", bronze.full_name)])
    equations = _equations(lake, job)
    turned_away = sum((row["reasons"] or {}).get(ERASED, 0) for row in equations)
    gone = sum(row["rows_erased"] for row in erased) + aged(lake, bronze).rows + turned_away
    return max(0, int(lake.ledger.rows(bronze) + gone - sum(row["rows_in"] for row in equations)))


def _pending(context: JobContext, job: str, bronze: Table) -> JobResult:
    waiting = _waiting(context.lake, job, bronze)
    return JobResult(message=f"{waiting:,} rows of {bronze.full_name} are waiting", figures={"pending": waiting})


def _unrefined(lake: Lake, job: str, bronze: Table, sources: dict[str, Source]) -> Iterator[tuple[str, Source]]:
    """The sources of which bronze has another number of rows than has been refined: starting a stream costs a second.

    Once rows of bronze have been erased, numbers no longer tell, and every source that has rows is looked at.
    """
    left = aged(lake, bronze)
    erased = lake.ledger.count(ERASURE_RECEIPT, [("place", "=", bronze.full_name), ("rows_erased", ">", 0)])
    have_left = erased > 0 or not left.is_certain
    refined = Counter[str]()
    for row in _equations(lake, job):
        # What was turned away as erased has left bronze at once.
        refined[row["source"]] += row["rows_in"] - (row["reasons"] or {}).get(ERASED, 0)
    for name, source in sources.items():
        held = lake.ledger.count(bronze, [("source", "=", name)])
        arrived = held + left.by_source.get(name, 0)
        checkpoint = lake.locations.checkpoint(job, name)
        is_done = checkpoint.is_dir() and is_settled(checkpoint) and arrived == refined[name]
        if (arrived or checkpoint.is_dir()) and (have_left or not is_done):
            yield name, source


def _stream(context: JobContext, job: str, name: str, source: Source, bronze: Table) -> Stream:
    return Stream(
        name=name,
        read=bronze,
        prepare=lambda rows: rows.where(F.col("source") == name),
        handle=partial(_refine_batch, context, job, name, source),
        checkpoint=context.lake.locations.checkpoint(job, name),
    )


def _refine_batch(
    context: JobContext, job: str, name: str, source: Source, batch: DataFrame, app_id: str, number: int
) -> None:
    """One micro-batch: every write is idempotent, so that a batch that died half-way is simply done again."""
    lake, batch_id = context.lake, f"{app_id}:{number}"
    privacy = context.settings.privacy
    names = (*privacy.purposes, *privacy.signals)
    contract = contract_named(source.contract, context.settings.profiles.preferences, names)
    vault = Vault(context.settings, lake)
    batch = vault.opened(batch)
    parsed = (
        batch.transform(parse(name, source, contract, context.settings.business_timezone))
        .transform(referenced(lake, source, contract))
        .transform(row_by_row(context, contract.table))
    )
    # Only refused rows keep their payload: the batch is held in memory while four tables are written from it.
    payload = F.when(F.size("reasons") > 0, F.col("payload"))
    parsed = parsed.withColumns({"batch_id": F.lit(batch_id), ROW: F.monotonically_increasing_id(), "payload": payload})
    parsed = parsed.persist(StorageLevel.MEMORY_AND_DISK_DESER)
    try:
        judged = with_duplicates(
            lake, name, source, parsed.transform(without_erased_rows(context, name, source, contract, ROW)), batch_id
        )
        counts = count_rows(judged)
        restated = told_again(lake, name, source, judged, batch_id)
        for table, rows in _outputs(source, contract, counts, batch):
            written = judged.transform(rows).select(*table.columns)
            if table is contract.table and restated is not None:
                written = written.unionByName(restated)
            with _locked(vault, written, table, source) as ready:
                lake.append(ready, table, (app_id, number), counts["rows_in"])
            if table is contract.table:
                # Counted where they lie: several sources may write into one table at the same time.
                counts["held"] = lake.ledger.count(table, [("batch_id", "=", batch_id)])
        _write_equation(context, job, name, batch_id, counts)
        if counts["reasons"].get(ERASED):
            _out_of_bronze(lake, _BRONZE[job], judged, batch)
    finally:
        parsed.unpersist()


def _locked(vault: Vault, rows: DataFrame, table: Table, source: Source) -> AbstractContextManager[DataFrame]:
    """Raw payloads lie nowhere as they came, if they are encrypted in bronze."""
    return vault.sealing(rows, source) if table is QUARANTINE else nullcontext(rows)


def _out_of_bronze(lake: Lake, bronze: Table, judged: DataFrame, batch: DataFrame) -> None:
    """What came in again of somebody who was erased leaves bronze at once; the next erasure takes the older version."""
    erased = judged.where(F.array_contains("reasons", ERASED)).select("payload_checksum").distinct()
    rows = batch.withColumn("payload_checksum", F.xxhash64("payload")).join(erased, "payload_checksum", "left_semi")
    remove_rows(lake, bronze, rows.select("source", F.col(STORED).alias("payload")).toArrow())


def count_rows(judged: DataFrame) -> dict[str, Any]:
    """Rows in, accepted, quarantined, duplicate and late, each counted by itself, and rows by reason and warning."""
    is_refused, is_duplicate = F.size("reasons") > 0, F.col("is_duplicate")
    is_good = ~is_refused & ~is_duplicate
    late = F.lit(False)
    if "occurred_at" in judged.columns:
        late = F.col("known_at") >= F.col("occurred_at") + F.expr(LATE_AFTER)
    totals = judged.agg(
        F.count("*").alias("rows_in"),
        F.count_if(is_good).alias("rows_accepted"),
        F.count_if(is_refused).alias("rows_quarantined"),
        F.count_if(is_duplicate & ~is_refused).alias("rows_duplicate"),
        F.count_if(is_good & late).alias("rows_late"),
        F.count_if(is_good & (F.size("warnings") > 0)).alias("rows_warned"),
    )
    counts = totals.collect()[0].asDict()
    is_marked = is_good & (F.size("warnings") > 0)
    return {
        **counts,
        "reasons": _tally(judged.where(is_refused), "reasons") if counts["rows_quarantined"] else {},
        "warnings": _tally(judged.where(is_marked), "warnings") if counts["rows_warned"] else {},
    }


def _tally(rows: DataFrame, column: str) -> dict[str, int]:
    counted = rows.select(F.explode(column).alias("name")).groupBy("name").count()
    return {row["name"]: row["count"] for row in counted.collect()}


def _outputs(
    source: Source, contract: Contract, counts: Mapping[str, Any], batch: DataFrame
) -> Iterator[tuple[Table, Transformation]]:
    """The tables of one contract and the rows that each takes."""
    is_good = "size(reasons) = 0 AND NOT is_duplicate"
    origin = F.lit(contract.name)
    if counts["rows_accepted"]:
        if contract.kind == "event":
            yield EVENT, lambda rows: rows.where(is_good).withColumn("event_type", F.lit(source.event_type))
        yield contract.table, lambda rows: rows.where(is_good).transform(_complete(contract.table))
    if counts["rows_quarantined"] > counts["reasons"].get(ERASED, 0):
        stamps = {"contract": origin, "payload_hash": F.sha2("payload", 256), "quarantined_at": F.current_timestamp()}
        yield QUARANTINE, lambda rows: rows.where(f"size(reasons) > 0 AND {_NOT_ERASED}").withColumns(stamps)
    if counts["rows_duplicate"]:
        named = {"contract": origin, "row_id": F.col(contract.row_id)}
        dropped = "size(reasons) = 0 AND is_duplicate"
        yield DUPLICATE, lambda rows: _with_payload_hash(rows.where(dropped).withColumns(named), batch)


def _with_payload_hash(dropped: DataFrame, batch: DataFrame) -> DataFrame:
    """Add the SHA-256 of the payload to the few rows that are dropped, from the batch as it came."""
    wanted = F.broadcast(dropped.select("payload_checksum").distinct())
    payloads = batch.select(F.xxhash64("payload").alias("payload_checksum"), "payload")
    hashed = payloads.join(wanted, "payload_checksum", "left_semi").groupBy("payload_checksum")
    hashes = hashed.agg(F.first(F.sha2("payload", 256)).alias("payload_hash"))
    return dropped.join(F.broadcast(hashes), "payload_checksum")


def _complete(table: Table) -> Transformation:
    """Declared columns that the contract does not fill are null."""
    return lambda rows: rows.withColumns(
        {field.name: F.lit(None).cast(field.data_type) for field in table.fields if field.name not in rows.columns}
    )


def _write_equation(context: JobContext, job: str, name: str, batch_id: str, counts: Mapping[str, Any]) -> None:
    """One row in gold.data_health; what was accepted must be what the table took."""
    if batch_id in _health_ids(context.lake, job):
        return
    accounted = counts["rows_accepted"] + counts["rows_quarantined"] + counts["rows_duplicate"]
    row = {
        **counts,
        "job": job,
        "source": name,
        "batch_id": batch_id,
        "run_id": context.run_id,
        "balanced": counts["rows_in"] == accounted and counts.get("held", 0) == counts["rows_accepted"],
        "recorded_at": datetime.now(UTC),
    }
    context.lake.ledger.append(DATA_HEALTH, [row])
