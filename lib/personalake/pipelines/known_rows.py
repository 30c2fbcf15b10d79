"""Which rows of a micro-batch are known already, and which name what nobody knows."""

from dataclasses import replace
from datetime import UTC

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.config.sources import Source
from personalake.ingestion.contracts import CONTRACTS, Contract
from personalake.ingestion.dedupe import ROW, content_of, duplicates, repeated_ids, restated, returned
from personalake.lake import Lake
from personalake.tables.silver import DUPLICATE, EVENT


def with_duplicates(lake: Lake, name: str, source: Source, parsed: DataFrame, batch_id: str) -> DataFrame:
    """Every row of the batch, with `is_duplicate` and `is_exact`; rows of this very batch are not its own duplicates.

    Ids of records are their source's own, two of which may well count from one. Ids of events are unique among all
    sources: one event may come by two ways.
    """
    contract = CONTRACTS[source.contract]
    kept, existing = EVENT if contract.kind == "event" else contract.table, None
    if lake.ledger.rows(kept):
        existing = lake.read(kept).where(F.col("batch_id") != batch_id)
        if contract.kind == "record":
            existing = existing.where(F.col("source") == name)
    repeated = _repeated(parsed, existing, contract)
    if contract.versions_of and contract.row_id not in source.columns and not repeated.isEmpty():
        parsed = _with_returned(parsed, repeated, existing, contract)
        repeated = _repeated(parsed, existing, contract)
    if repeated.isEmpty():
        return parsed.withColumns({"is_duplicate": F.lit(False), "is_exact": F.lit(None).cast("boolean")})
    if existing is not None:
        checksum = F.col("payload_checksum") if kept is EVENT else F.lit(None).cast("bigint").alias("payload_checksum")
        existing = existing.select(contract.row_id, checksum)
    dropped = duplicates(_valid(parsed), repeated, existing, contract.row_id).withColumn("is_duplicate", F.lit(True))
    judged = parsed.join(F.broadcast(dropped.localCheckpoint()), ROW, "left")
    return judged.withColumn("is_duplicate", F.coalesce("is_duplicate", F.lit(False)))


def told_again(lake: Lake, name: str, source: Source, judged: DataFrame, batch_id: str) -> DataFrame | None:
    """Rows that stand in silver as an older version, and hold again after a version that came late.

    A copy of them was dropped as nothing new, since nothing else had been said in between. They are no rows of this batch,
    and bear a batch id of their own, so that in = accepted + refused + duplicates holds.

    Returns:
        Rows in the columns of the contract's table; None where there are none, as nearly always.
    """
    contract = CONTRACTS[source.contract]
    if not contract.versions_of or contract.row_id in source.columns:
        return None
    of_source = ("source", "=", name)
    if not lake.ledger.count(DUPLICATE, [of_source]):
        return None
    accepted = judged.where((F.size("reasons") == 0) & ~F.col("is_duplicate"))
    earliest = accepted.agg(F.min("known_at")).collect()[0][0]
    # Rows that come in time are younger than every copy that was dropped.
    if earliest is None or not lake.ledger.count(DUPLICATE, [of_source, ("known_at", ">", earliest.astimezone(UTC))]):
        return None
    key, row_id = ("source", *contract.versions_of), contract.row_id
    existing = lake.read(contract.table).where((F.col("source") == name) & (F.col("batch_id") != batch_id))
    dropped = lake.read(DUPLICATE).where((F.col("source") == name) & (F.col("known_at") > F.lit(earliest)))
    dropped = dropped.select(F.col("row_id").alias(row_id), "known_at")
    again = restated(accepted, existing, dropped, row_id, key).localCheckpoint()
    if again.isEmpty():
        return None
    first = existing.where(F.col(row_id) == content_of(row_id)).drop("known_at", "batch_id")
    told = first.join(F.broadcast(again), row_id)
    own = told.withColumn(row_id, F.col("own_id")).withColumn("batch_id", F.lit(f"{batch_id}~"))
    return own.select(*contract.table.columns)


def _valid(parsed: DataFrame) -> DataFrame:
    return parsed.where("size(reasons) = 0")


def _repeated(parsed: DataFrame, existing: DataFrame | None, contract: Contract) -> DataFrame:
    known = None if existing is None else existing.select(contract.row_id)
    return repeated_ids(_valid(parsed), known, contract.row_id).localCheckpoint()


def _with_returned(parsed: DataFrame, repeated: DataFrame, existing: DataFrame | None, contract: Contract) -> DataFrame:
    """A record that says again what it once said, and something else in between, is a version of its own."""
    own = returned(_valid(parsed), repeated, existing, contract.row_id, ("source", *contract.versions_of)).localCheckpoint()
    if own.isEmpty():
        return parsed
    renamed = parsed.join(F.broadcast(own), ROW, "left")
    return renamed.withColumn(contract.row_id, F.coalesce("own_id", contract.row_id)).drop("own_id")


def referenced(lake: Lake, source: Source, contract: Contract) -> Transformation:
    """Check values that other tables should know; a table without rows knows nothing and refuses nothing."""
    rules = [
        replace(rule, severity=source.severities.get(rule.name, rule.severity))
        for rule in contract.references
        if lake.ledger.rows(rule.table)
    ]

    def checked(rows: DataFrame) -> DataFrame:
        for rule in rules:
            target = {"refuse": "reasons", "warn": "warnings"}.get(rule.severity)
            if target is None:
                continue
            known = lake.read(rule.table).select(F.col(rule.column).alias(rule.field), F.lit(True).alias("is_known"))
            unknown = F.col("is_known").isNull() & F.col(rule.field).isNotNull()
            rows = rows.join(F.broadcast(known.distinct()), rule.field, "left").withColumn(
                target, F.when(unknown, F.array_append(target, F.lit(rule.reason))).otherwise(F.col(target))
            )
            rows = rows.drop("is_known")
        return rows

    return checked
