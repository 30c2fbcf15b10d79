"""Reads and writes of Delta tables by Spark, each checked against the table's declaration."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path

import pyarrow as pa
from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession

from personalake.lake.changes import change_schema, merge_by_spark, merge_directly, replacing
from personalake.lake.declared import arrow_schema
from personalake.lake.direct import FEW_ROWS, few_on_driver, frame_of, read_directly, takes_direct_writes, write_directly
from personalake.lake.ledger import Ledger, Row
from personalake.lake.locations import Locations
from personalake.lake.overtaken import unless_overtaken
from personalake.lake.schema_check import require_fit
from personalake.tables import Table

Txn = tuple[str, int] | None


@dataclass(frozen=True)
class WriteResult:
    """What one write did.

    Args:
        table: Full name of the table.
        rows: Rows written (or that would be written).
        version: Version of the table after the write; -1 in a dry run.
    """

    table: str
    rows: int
    version: int


@dataclass
class Lake:
    """The tables of one root.

    Args:
        locations: Where the tables lie.
        start_session: Gives the session; called at the first use, so that a run with nothing to do never starts one.
        dry_run: Count what would be written, write nothing.
        writes: Every write of this object, in order.
    """

    locations: Locations
    start_session: Callable[[], SparkSession]
    dry_run: bool = False
    writes: list[WriteResult] = field(default_factory=list)

    @cached_property
    def spark(self) -> SparkSession:
        """The session."""
        return self.start_session()

    @cached_property
    def ledger(self) -> Ledger:
        """Reads and small appends that need no session."""
        return Ledger(self.locations, self.start_session)

    def exists(self, table: Table) -> bool:
        """Whether the table has been created."""
        return self.ledger.version(table) is not None

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """All rows of a table; no rows of the declared schema if it has not been created yet."""
        opened = self.ledger.opened(table, version)
        if opened is None and not self.exists(table):
            # Spark leaves out joins with what it knows to be empty; of a frame of no rows alone it does not know it.
            return self.spark.createDataFrame([], table.schema).where("false")
        rows = None if opened is None else read_directly(self.spark, opened)
        if rows is not None:
            return rows
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        if self.locations.catalog:
            return reader.table(self.locations.identifier(table))
        return reader.load(self.locations.table(table))

    def append(self, rows: DataFrame, table: Table, txn: Txn = None, about: int | None = None) -> WriteResult:
        """Add rows.

        Args:
            rows: Rows of the declared columns.
            table: The table.
            txn: Application id and version that make a repeated append do nothing; versions only grow within one id.
            about: How many rows there are, about, if that is known: few are written without Spark.
        """
        options = {} if txn is None else {"txnAppId": txn[0], "txnVersion": str(txn[1])}
        return self._write(rows, table, "append", options, about)

    def add(self, rows: Sequence[Row], table: Table) -> WriteResult:
        """Add rows that are on the driver already; no commit if there are none."""
        if self.dry_run:
            return self._planned(table, len(rows))
        if not rows:
            return WriteResult(table.full_name, 0, -1)
        self.ledger.append(table, rows)
        return self._recorded(table, len(rows))

    def put(self, rows: pa.Table, table: Table, mode: str = "overwrite", where: str = "", txn: Txn = None) -> WriteResult:
        """Write an Arrow table that is on the driver: in a fraction of the time that Spark takes for it.

        Args:
            rows: The declared columns.
            table: Where to.
            mode: `overwrite` puts the rows in the place of everything there is; nothing to `append` makes no commit.
            where: SQL condition on what is overwritten; names no personal data.
            txn: As in `append`, where no Spark is needed; no rows are written if it was made before.
        """
        if self.dry_run:
            return self._planned(table, rows.num_rows)
        if mode == "append" and not rows.num_rows:
            return WriteResult(table.full_name, 0, -1)
        self.create(table)
        fitting = rows.select(list(table.columns)).cast(arrow_schema(table))
        options = {"replaceWhere": where} if where else {}
        opened = self.ledger.opened(table)
        if opened is not None and takes_direct_writes(opened):
            once = {} if txn is None else {"txnAppId": txn[0], "txnVersion": str(txn[1])}
            return self._recorded(table, write_directly(self.locations.table(table), fitting, mode, options | once) or 0)
        return self._write(frame_of(self.spark, fitting), table, mode, options)

    def overwrite(self, rows: DataFrame, table: Table) -> WriteResult:
        """Put rows in the place of everything there is."""
        return self._write(rows, table, "overwrite", {})

    def replace_as_of(self, rows: DataFrame, table: Table, as_of: date, also: str = "") -> WriteResult:
        """Put the rows of one as-of in the place of that as-of's; other as-ofs stay.

        Args:
            rows: Rows whose `as_of` is the given one.
            table: A table with the column `as_of`.
            as_of: The as-of to replace.
            also: A further SQL condition on what is replaced, e.g. `scheme = 'rfm'`.
        """
        where = f"as_of = DATE'{as_of.isoformat()}'" + (f" AND {also}" if also else "")
        return self._write(rows, table, "overwrite", {"replaceWhere": where})

    def replace_as_ofs(self, rows: DataFrame, table: Table, as_ofs: Sequence[date], also: str = "") -> WriteResult:
        """Put the rows of several as-ofs in the place of those as-ofs', in one commit; `also` as in `replace_as_of`."""
        days = ", ".join(f"DATE'{as_of.isoformat()}'" for as_of in as_ofs)
        where = f"as_of IN ({days})" + (f" AND {also}" if also else "")
        return self._write(rows, table, "overwrite", {"replaceWhere": where})

    def replace_ids(self, rows: DataFrame, table: Table, column: str, ids: Sequence[str]) -> WriteResult:
        """Put rows in the place of those with one of the ids, in one commit that names no id; the others stay.

        Args:
            rows: Rows whose column has one of the ids.
            table: A table whose key is never null.
            column: The column of ids, e.g. `person_id`.
            ids: The ids; the rows of one that has none now are gone.
        """
        require_fit(rows, table)
        named = frame_of(self.spark, pa.table({column: pa.array(ids, pa.string())}))
        changes = replacing(self.read(table), rows, table.key, named)
        few = few_on_driver(changes, change_schema(table)) if self.ledger.rows(table) <= FEW_ROWS else None
        return self.merge_changes(changes if few is None else few, table)

    def merge_changes(self, changes: pa.Table | DataFrame, table: Table) -> WriteResult:
        """Write changes by the table's key, in one commit: what is gone is removed, the rest put in place or added.

        Args:
            changes: The table's columns and `is_gone`; Arrow rows are written without Spark.
            table: A table whose key is never null.
        """
        self.create(table)
        if isinstance(changes, pa.Table):
            opened = self.ledger.opened(table)
            if self.dry_run:
                return self._planned(table, changes.num_rows)
            if not changes.num_rows:
                return WriteResult(table.full_name, 0, -1)
            if opened is not None and takes_direct_writes(opened):
                return self._recorded(
                    table, merge_directly(self.locations.table(table), changes, table.key, arrow_schema(table))
                )
            changes = frame_of(self.spark, changes)
        if self.dry_run:
            return self._planned(table, changes.count())
        before = self.ledger.version(table)
        merge_by_spark(self._delta(table), changes, table)
        version = self.ledger.version(table)
        if version is None or version == before:
            return WriteResult(table.full_name, 0, -1)
        count = sum(self._metric(table, version, f"numTargetRows{what}") for what in ("Inserted", "Updated", "Deleted"))
        return self._recorded(table, count)

    def delete(self, table: Table, condition: Column) -> int:
        """Remove the rows that meet a condition.

        Returns:
            Rows removed (or that would be removed); zero if the table has not been created.
        """
        if not self.exists(table):
            return 0
        if self.dry_run:
            return self.read(table).where(condition).count()
        before = self.ledger.version(table)
        self._delta(table).delete(condition)
        version = self.ledger.version(table)
        if version is None or version == before:
            return 0
        self.writes.append(WriteResult(table.full_name, 0, version))
        return self._metric(table, version, "numDeletedRows")

    def create(self, table: Table) -> None:
        """Create the table from its declaration, if it is not there."""
        if not self.dry_run:
            self.ledger.create(table)

    def _write(
        self, rows: DataFrame, table: Table, mode: str, options: dict[str, str], about: int | None = None
    ) -> WriteResult:
        require_fit(rows, table)
        if self.dry_run:
            return self._planned(table, rows.count())
        self.create(table)
        if mode == "overwrite":
            # What is put in the place of few rows is probably few.
            about = self.ledger.rows(table) or None
        if about is not None and about <= FEW_ROWS:
            written = self._written_directly(rows, table, mode, options)
            if written is not None:
                return written
        before = self.ledger.version(table)
        writer = rows.select(*table.columns).write.format("delta").mode(mode).options(**options)

        def save() -> None:
            if self.locations.catalog:
                writer.saveAsTable(self.locations.identifier(table))
            else:
                writer.save(self.locations.table(table))

        # Another job may have committed to the table meanwhile, or have created it just now.
        unless_overtaken(save)
        return self._done(table, before)

    def _written_directly(self, rows: DataFrame, table: Table, mode: str, options: dict[str, str]) -> WriteResult | None:
        """Few rows, written without Spark; None if they are many, or the table wants Spark's writer."""
        opened = self.ledger.opened(table)
        if opened is None or not takes_direct_writes(opened):
            return None
        few = few_on_driver(rows.select(*table.columns), arrow_schema(table))
        if few is None:
            return None
        count = write_directly(self.locations.table(table), few, mode, options)
        return self._recorded(table, count or 0)

    def _planned(self, table: Table, rows: int) -> WriteResult:
        self.writes.append(WriteResult(table.full_name, rows, -1))
        return self.writes[-1]

    def _recorded(self, table: Table, rows: int) -> WriteResult:
        version = self.ledger.version(table)
        self.writes.append(WriteResult(table.full_name, rows, -1 if version is None else version))
        return self.writes[-1]

    def _done(self, table: Table, before: int | None) -> WriteResult:
        version = self.ledger.version(table)
        version = -1 if version is None else version
        return self._recorded(table, self._rows_written(table, version) if version != before else 0)

    def _delta(self, table: Table) -> DeltaTable:
        if self.locations.catalog:
            return DeltaTable.forName(self.spark, self.locations.identifier(table))
        return DeltaTable.forPath(self.spark, self.locations.table(table))

    def _rows_written(self, table: Table, version: int) -> int:
        return self._metric(table, version, "numTargetRowsInserted", "numOutputRows")

    def _metric(self, table: Table, version: int, *names: str) -> int:
        """The first metric that one commit has, from the commit itself where the log can be read, else from the history."""
        if self.locations.catalog:
            metrics = self._delta(table).history(1).select("operationMetrics").collect()[0][0]
        else:
            commit = Path(self.locations.table(table)) / "_delta_log" / f"{version:020d}.json"
            actions = (json.loads(line) for line in commit.read_text().splitlines())
            metrics = next(action["commitInfo"]["operationMetrics"] for action in actions if "commitInfo" in action)
        return int(next((metrics[name] for name in names if name in metrics), 0))
