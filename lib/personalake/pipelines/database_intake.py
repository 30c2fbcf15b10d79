"""Rows of a database beyond the last watermark to bronze, safe to kill at any line.

A read is planned in `bronze.database_read`, its rows are appended in one commit under its batch id, then it is done. A
planned read whose rows are there is done; one whose rows are not there has never happened. A read begins a little behind
the last watermark, and rows that are known already are left out: neither ties nor rows committed late are missed.
"""

from datetime import UTC, datetime
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.config.databases import DatabaseSettings
from personalake.config.sources import Source
from personalake.ingestion.adapters import READ_AT, READ_FROM, to_bronze, with_ordinal
from personalake.ingestion.databases import (
    GREATEST,
    HIGHEST,
    LEAST,
    UNMARKED,
    highest_watermark,
    partition_bounds,
    place_of,
    relation_hash,
    rows_between,
    rows_spec,
)
from personalake.ingestion.watermarks import Watermark
from personalake.lake import Lake
from personalake.lake.databases import one_row, open_rows, reading
from personalake.pipelines.job import JobContext
from personalake.pipelines.payload_vault import Vault
from personalake.tables import Table
from personalake.tables.bronze import DATABASE_READ

Row = dict[str, Any]


def read_database(context: JobContext, job: str, name: str, source: Source, table: Table) -> tuple[str, ...]:
    """Append what a database has beyond the last read.

    Args:
        context: What the job is given.
        job: Name of the job; batches go by it.
        name: Name of the source.
        source: The source.
        table: The bronze table.

    Returns:
        What a person should know of rows that were not read.

    Raises:
        InputError: If the database cannot be read.
    """
    with reading(name):
        return _read(context, job, name, source, table)


def _read(context: JobContext, job: str, name: str, source: Source, table: Table) -> tuple[str, ...]:
    database = source.database
    assert database is not None, "the settings refuse a jdbc source without its section"
    relation = relation_hash(database)
    reads = _settled(context.lake, name, table)
    until, remarks = _until(context, name, source, database)
    if until is None:
        return remarks
    # A column that changed its type begins anew: its values cannot be compared with those of before.
    done = [
        read
        for read in reads
        if (read["status"], read["relation"], read["watermark_type"]) == ("done", relation, until.kind)
    ]
    last = max(done, key=lambda read: int(read["number"]), default=None)
    after = _watermark(last).back(database.overlap) if last else None
    if after is not None and until.is_before(after):
        return remarks
    number = max((int(read["number"]) for read in reads), default=0) + 1
    app_id = f"{job}/{name}/{relation}"
    batch_id = f"{app_id}:{number}"
    known = [read["batch_id"] for read in done if after is not None and not _watermark(read).is_before(after)]
    rows = _new_rows(context, name, source, (after, until), table, known).transform(_stamped(source, batch_id))
    plan = {
        "source": name, "relation": relation, "number": number, "batch_id": batch_id, "watermark_type": until.kind,
        "after": after.text if after else None, "watermark": until.text,
    }  # fmt: skip
    with Vault(context.settings, context.lake).sealing(rows, source) as sealed:
        _append(context.lake, sealed, table, plan, (app_id, number), is_first=last is None)
    return remarks


def _settled(lake: Lake, name: str, table: Table) -> list[Row]:
    """The last step of each read of a source; of what was only planned, what did happen is done now."""
    steps = sorted(lake.ledger.read(DATABASE_READ, where=[("source", "=", name)]), key=lambda row: row["recorded_at"])
    reads = {row["number"]: row for row in steps}
    for number, read in reads.items():
        if read["status"] == "planned":
            rows = lake.ledger.count(table, [("source", "=", name), ("batch_id", "=", read["batch_id"])])
            if rows:
                reads[number] = _note(lake, read, "done", rows)
    return list(reads.values())


def _until(
    context: JobContext, name: str, source: Source, database: DatabaseSettings
) -> tuple[Watermark | None, tuple[str, ...]]:
    """Up to which watermark to read, None for an empty table; and what is left out."""
    found = one_row(context.lake, highest_watermark(database))
    remarks = (
        [f"{found[UNMARKED]:,} rows of {name} have no {database.watermark} and are not read"] if found[UNMARKED] else []
    )
    if found[HIGHEST] is None:
        return None, tuple(remarks)
    until = Watermark.of(found[HIGHEST], database.watermark)
    bound = until.latest_at(context.run_started_at, source.time_zone)
    if bound is not None and bound.is_before(until):
        remarks.append(f"rows of {name} whose {database.watermark} lies in the future are not read")
        highest = one_row(context.lake, highest_watermark(database, bound))[HIGHEST]
        until = bound if highest is None else Watermark.of(highest, database.watermark)
        return (None if highest is None else until), tuple(remarks)
    return until, tuple(remarks)


def _new_rows(
    context: JobContext,
    name: str,
    source: Source,
    between: tuple[Watermark | None, Watermark],
    table: Table,
    known: list[str],
) -> DataFrame:
    """Rows between two watermarks as bronze rows, without those that the given batches brought."""
    database = source.database
    assert database is not None
    query, bounds = rows_between(database, *between), None
    if database.partitions > 1:
        cut = one_row(context.lake, partition_bounds(database, query))
        bounds = None if cut[LEAST] is None else (str(cut[LEAST]), str(cut[GREATEST]))
    found = open_rows(context.lake, rows_spec(database, query, bounds))
    origin = {READ_FROM: F.lit(place_of(database)), READ_AT: F.lit(context.run_started_at)}
    rows = found.withColumns(origin).transform(to_bronze(name, source))
    if not known:
        return rows
    earlier = context.lake.read(table).where((F.col("source") == name) & F.col("batch_id").isin(known))
    earlier = Vault(context.settings, context.lake).opened(earlier)
    return rows.join(earlier.select("payload"), "payload", "left_anti")


def _stamped(source: Source, batch_id: str) -> Transformation:
    stamps = {"ingested_at": F.current_timestamp(), "batch_id": F.lit(batch_id)}
    return lambda rows: rows.transform(with_ordinal(source)).withColumns(stamps)


def _append(lake: Lake, rows: DataFrame, table: Table, plan: Row, txn: tuple[str, int], is_first: bool) -> None:
    """Plan, append, done; nothing is written down if nothing is new. A first read may be large, and is not held."""
    if not is_first:
        rows = rows.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        count = None if is_first else rows.count()
        if count == 0:
            return
        _note(lake, plan, "planned", None)
        written = lake.append(rows, table, txn, count).rows
    finally:
        rows.unpersist()
    _note(lake, plan, "done", written)


def _note(lake: Lake, read: Row, status: str, rows: int | None) -> Row:
    step = {**read, "status": status, "rows": rows, "recorded_at": datetime.now(UTC)}
    lake.ledger.append(DATABASE_READ, [step])
    return step


def _watermark(read: Row) -> Watermark:
    return Watermark.from_text(read["watermark_type"], read["watermark"])
