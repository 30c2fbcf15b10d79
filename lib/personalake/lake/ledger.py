"""Table versions, small reads and small appends by delta-rs: milliseconds, and no Spark session.

With a catalog (Databricks) the same calls go through Spark.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.lake.conditions import Conditions, all_of, matching
from personalake.lake.declared import arrow_schema, commented_schema, delta_properties
from personalake.lake.disk import writing
from personalake.lake.locations import Locations
from personalake.lake.overtaken import unless_overtaken
from personalake.lake.scan import Scan, dataset_of
from personalake.tables import Table

Row = Mapping[str, Any]

_CLOCKS = ("occurred_at", "known_at")
# Rows that are decoded at once, of which a part or all are kept: lists and maps are read from the middle of a file slowly.
_FEW, _MANY = 1 << 17, 1 << 20
_CREATING = Lock()


@dataclass(frozen=True)
class Ledger:
    """Small things about tables.

    Args:
        locations: Where the tables lie.
        start_session: Gives a Spark session; only called with a catalog.
    """

    locations: Locations
    start_session: Callable[[], SparkSession]

    def version(self, table: Table) -> int | None:
        """Current version of a table, None if it has not been created."""
        if self.locations.catalog:
            spark = self.start_session()
            if not spark.catalog.tableExists(self.locations.identifier(table)):
                return None
            history = spark.sql(f"DESCRIBE HISTORY {self.locations.identifier(table)} LIMIT 1")
            return int(history.collect()[0]["version"])
        opened = self._open(table)
        return None if opened is None else opened.version()

    def rows(self, table: Table) -> int:
        """Rows of a table, from the statistics in its log."""
        if self.locations.catalog:
            return 0 if self.version(table) is None else self._spark_rows(table)
        opened = self._open(table)
        if opened is None:
            return 0
        counts = pa.table(opened.get_add_actions(flatten=True))["num_records"].to_pylist()
        return sum(count or 0 for count in counts)

    def modified_at(self, table: Table) -> Any:
        """Time of the latest commit, in milliseconds since 1970; None if the table has not been created."""
        if self.locations.catalog:
            found = None if self.version(table) is None else self._described(table)["lastModified"]
            return None if found is None else int(found.timestamp() * 1000)
        opened = self._open(table)
        return None if opened is None else opened.history(1)[0].get("timestamp")

    def size(self, table: Table) -> int:
        """Bytes of the files that the current version of a table consists of."""
        if self.locations.catalog:
            return 0 if self.version(table) is None else int(self._described(table)["sizeInBytes"])
        opened = self._open(table)
        if opened is None:
            return 0
        return sum(size or 0 for size in pa.table(opened.get_add_actions(flatten=True))["size_bytes"].to_pylist())

    def read(self, table: Table, columns: Iterable[str] | None = None, where: Conditions = ()) -> list[dict[str, Any]]:
        """Rows of a small table, or a small part of a large one; none if it has not been created.

        Args:
            table: The table.
            columns: Columns to read; all by default.
            where: Conditions that must all hold, each a column, an operator (`=`, `!=`, `<`, `<=`, `>`, `>=`, `in`,
                `not in`) and a value, e.g. `("event_id", "in", ids)`; files and row groups that cannot match are not read.
        """
        rows: list[dict[str, Any]] = self.arrow(table, columns, where).to_pylist(maps_as_pydicts="strict")
        return rows

    def arrow(self, table: Table, columns: Iterable[str] | None = None, where: Conditions = ()) -> pa.Table:
        """The same as `read`, as an Arrow table."""
        names = None if columns is None else list(columns)
        if self.locations.catalog:
            if self.version(table) is None:
                return arrow_schema(table, names).empty_table()
            return self._matching_frame(table, where).select(*(names or table.columns)).toArrow()
        opened = self._open(table)
        if opened is None:
            return arrow_schema(table, names).empty_table()
        dataset = dataset_of(self.locations.table(table), opened)
        return dataset.to_table(columns=names, filter=all_of(dataset, where), batch_size=_FEW if where else _MANY)

    def count(self, table: Table, where: Conditions) -> int:
        """Rows of a table of any size for which the conditions hold."""
        if not where:
            return self.rows(table)
        if self.locations.catalog:
            return 0 if self.version(table) is None else self._matching_frame(table, where).count()
        opened = self._open(table)
        if opened is None:
            return 0
        dataset = dataset_of(self.locations.table(table), opened)
        return int(dataset.count_rows(filter=all_of(dataset, where)))

    def batches(self, table: Table, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of a table of any size, piece by piece."""
        yield from self.scan(table).reader(columns)

    def per_day(self, table: Table, column: str, time_zone: str = "UTC") -> dict[date, int]:
        """Rows of a table of any size by the day (in a time zone) of a timestamp column, in order of days."""
        counts: Counter[date] = Counter()
        if self.locations.catalog:
            if self.version(table) is not None:
                frame = self.start_session().table(self.locations.identifier(table))
                days = frame.selectExpr(f"to_date({column}) AS day").where("day IS NOT NULL").groupBy("day").count()
                counts.update({row["day"]: row["count"] for row in days.collect()})
            return dict(sorted(counts.items()))
        opened = self._open(table)
        batches = (
            [] if opened is None else dataset_of(self.locations.table(table), opened).scanner(columns=[column]).to_batches()
        )
        for batch in batches:
            local = pc.local_timestamp(pc.cast(batch.column(0).drop_null(), pa.timestamp("us", time_zone)))
            days = pc.value_counts(pc.cast(local, pa.date32(), safe=False)).to_pylist()
            counts.update({day["values"]: day["counts"] for day in days})
        return dict(sorted(counts.items()))

    def known_before(self, table: Table, instants: Sequence[datetime], where: Conditions = ()) -> list[int]:
        """How many rows of a table of any size had happened, and were known, before each instant.

        Args:
            table: A table with `occurred_at` and `known_at`.
            instants: Times with a zone.
            where: Conditions that must all hold, see `read`.
        """
        if self.locations.catalog:
            return self._spark_known_before(table, instants, where)
        opened = self._open(table)
        if opened is None:
            return [0] * len(instants)
        dataset = dataset_of(self.locations.table(table), opened)
        cuts = np.array([int(instant.timestamp() * 1e6) for instant in instants])
        order = np.argsort(cuts)
        first_seen_at = np.zeros(len(cuts) + 1, dtype=np.int64)
        scanner = dataset.scanner(columns=list(_CLOCKS), filter=all_of(dataset, where))
        for batch in scanner.to_batches():
            clocks = [pc.cast(pc.cast(column, pa.timestamp("us", "UTC")), pa.int64()) for column in batch.columns]
            visible = pc.max_element_wise(*clocks, skip_nulls=False).drop_null().to_numpy()
            first_seen_at += np.bincount(np.searchsorted(cuts[order], visible, side="right"), minlength=len(cuts) + 1)
        seen = np.empty(len(cuts), dtype=np.int64)
        seen[order] = first_seen_at.cumsum()[:-1]
        return [int(rows) for rows in seen]

    def latest(self, table: Table, column: str) -> Any:
        """Greatest value of a column, None if there are no rows."""
        if self.locations.catalog:
            if self.version(table) is None:
                return None
            return self.start_session().table(self.locations.identifier(table)).agg({column: "max"}).collect()[0][0]
        opened = self._open(table)
        if opened is None:
            return None
        values = dataset_of(self.locations.table(table), opened).scanner(columns=[column]).to_batches()
        greatest = [pc.max(batch.column(0)).as_py() for batch in values if batch.num_rows]
        return max((value for value in greatest if value is not None), default=None)

    def distinct(self, table: Table, column: str) -> set[Any]:
        """Distinct values of a column with few of them."""
        if self.locations.catalog:
            if self.version(table) is None:
                return set()
            frame = self.start_session().table(self.locations.identifier(table))
            return {row[0] for row in frame.select(column).distinct().collect()}
        opened = self._open(table)
        if opened is None:
            return set()
        batches = dataset_of(self.locations.table(table), opened).scanner(columns=[column]).to_batches()
        return {value for batch in batches for value in pc.unique(batch.column(0)).to_pylist()}

    def scan(self, table: Table, where: Conditions = ()) -> Scan:
        """Some rows of a table of any size as it is now, to be read piece by piece, and more than once."""
        opened = None if self.locations.catalog else self._open(table)
        if opened is None:
            return Scan(arrow_schema(table), rows=self.arrow(table, where=where))
        dataset = dataset_of(self.locations.table(table), opened)
        return Scan(arrow_schema(table), dataset, all_of(dataset, where))

    def append(self, table: Table, rows: Iterable[Row]) -> None:
        """Add a few rows; every declared column that a row lacks is null.

        Raises:
            EnvironmentProblem: If the disk is full, or the folder cannot be written.
        """
        complete = [{name: row.get(name) for name in table.columns} for row in rows]
        if complete:
            self.append_arrow(table, pa.Table.from_pylist(complete, arrow_schema(table)))

    def append_arrow(self, table: Table, rows: pa.Table) -> None:
        """Add rows that have exactly the declared columns, in one commit.

        Raises:
            EnvironmentProblem: If the disk is full, or the folder cannot be written.
        """
        self.create(table)
        if self.locations.catalog:
            frame = self.start_session().createDataFrame(rows.to_pylist(maps_as_pydicts="strict"), table.schema)
            frame.write.mode("append").saveAsTable(self.locations.identifier(table))
            return
        write = writing(Path(folder := self.locations.table(table)))(write_deltalake)
        # Whoever creates the table at the same time changes what it says of itself.
        unless_overtaken(lambda: write(folder, rows, mode="append"))

    def create(self, table: Table) -> None:
        """Create a table from its declaration, if it is not there; two who do so at once make one table.

        Raises:
            EnvironmentProblem: If the disk is full, or the folder cannot be written.
        """
        if self.locations.catalog:
            self._create_in_catalog(table)
        else:
            unless_overtaken(lambda: self._create_in_folder(table))

    def opened(self, table: Table, version: int | None = None) -> DeltaTable | None:
        """A table as delta-rs sees it, at a version or the latest; None with a catalog, or if it has not been created."""
        return None if self.locations.catalog else self._open(table, version)

    def _open(self, table: Table, version: int | None = None) -> DeltaTable | None:
        if not (Path(self.locations.table(table)) / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(self.locations.table(table), version=version)
        except TableNotFoundError:
            return None

    def _create_in_folder(self, table: Table) -> None:
        folder, told = self.locations.table(table), commented_schema(table)
        properties = delta_properties(table)
        # Threads that create a table at once would declare it twice, and break off whoever writes to it already.
        with _CREATING, writing(Path(folder)):
            if self._open(table) is not None:
                return
            Path(folder).mkdir(parents=True, exist_ok=True)
            DeltaTable.create(
                folder, told, "ignore", name=table.full_name, description=table.grain, configuration=properties,
                raise_if_key_not_exists=False,
            )  # fmt: skip

    def _spark_known_before(self, table: Table, instants: Sequence[datetime], where: Conditions) -> list[int]:
        if self.version(table) is None:
            return [0] * len(instants)
        frame = self._matching_frame(table, where)
        visible = F.greatest(*(F.unix_micros(clock) for clock in _CLOCKS))
        is_whole = F.col(_CLOCKS[0]).isNotNull() & F.col(_CLOCKS[1]).isNotNull()
        counts = [F.count_if(is_whole & (visible < int(instant.timestamp() * 1e6))) for instant in instants]
        return list(frame.agg(*counts).collect()[0])

    def _matching_frame(self, table: Table, where: Conditions) -> DataFrame:
        frame = self.start_session().table(self.locations.identifier(table))
        for condition in where:
            frame = matching(frame, *condition)
        return frame

    def _spark_rows(self, table: Table) -> int:
        return self.start_session().table(self.locations.identifier(table)).count()

    def _described(self, table: Table) -> Any:
        return self.start_session().sql(f"DESCRIBE DETAIL {self.locations.identifier(table)}").collect()[0]

    def _create_in_catalog(self, table: Table) -> None:
        from delta.tables import DeltaTable as SparkDeltaTable

        spark = self.start_session()
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {self.locations.catalog}.{table.layer}")
        builder = SparkDeltaTable.createIfNotExists(spark).tableName(self.locations.identifier(table))
        builder = builder.addColumns(table.schema).comment(table.grain)
        for key, value in {**delta_properties(table), "delta.enableDeletionVectors": "false"}.items():
            builder = builder.property(key, value)
        (builder.clusterBy(*table.clustering) if table.clustering else builder).execute()
