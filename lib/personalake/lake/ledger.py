"""Table versions, small reads and small appends by delta-rs: milliseconds, and no Spark session.

With a catalog (Databricks) the same calls go through Spark.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import TableNotFoundError
from pyspark.sql import SparkSession
from pyspark.sql.pandas.types import to_arrow_schema

from personalake.errors import EnvironmentProblem
from personalake.lake.locations import Locations
from personalake.tables import Table

Row = Mapping[str, Any]


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
        opened = self._open(table)
        return None if opened is None else opened.history(1)[0].get("timestamp")

    def read(self, table: Table, columns: Iterable[str] | None = None) -> list[dict[str, Any]]:
        """Rows of a small table; none if it has not been created."""
        if self.locations.catalog:
            if self.version(table) is None:
                return []
            return [row.asDict(True) for row in self.start_session().table(self.locations.identifier(table)).collect()]
        opened = self._open(table)
        if opened is None:
            return []
        names = list(columns) if columns is not None else None
        return opened.to_pyarrow_table(columns=names).to_pylist(maps_as_pydicts="strict")

    def latest(self, table: Table, column: str) -> Any:
        """Greatest value of a column, None if there are no rows."""
        if self.locations.catalog:
            if self.version(table) is None:
                return None
            return self.start_session().table(self.locations.identifier(table)).agg({column: "max"}).collect()[0][0]
        opened = self._open(table)
        if opened is None:
            return None
        values = opened.to_pyarrow_dataset().scanner(columns=[column]).to_batches()
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
        batches = opened.to_pyarrow_dataset().scanner(columns=[column]).to_batches()
        return {value for batch in batches for value in pc.unique(batch.column(0)).to_pylist()}

    def append(self, table: Table, rows: Iterable[Row]) -> None:
        """Add a few rows; every declared column that a row lacks is null."""
        complete = [{name: row.get(name) for name in table.columns} for row in rows]
        if not complete:
            return
        self.create(table)
        if self.locations.catalog:
            frame = self.start_session().createDataFrame(complete, table.schema)
            frame.write.mode("append").saveAsTable(self.locations.identifier(table))
            return
        write_deltalake(self.locations.table(table), pa.Table.from_pylist(complete, arrow_schema(table)), mode="append")

    def create(self, table: Table) -> None:
        """Create a table from its declaration, if it is not there.

        Raises:
            EnvironmentProblem: If the folder cannot be written.
        """
        if self.locations.catalog:
            self._create_in_catalog(table)
            return
        if self._open(table) is not None:
            return
        folder = Path(self.locations.table(table))
        try:
            folder.mkdir(parents=True, exist_ok=True)
            DeltaTable.create(
                str(folder),
                arrow_schema(table),
                name=table.full_name,
                description=table.grain,
                mode="ignore",
                raise_if_key_not_exists=False,
            )
        except OSError as error:
            raise EnvironmentProblem(
                f"Cannot write {folder}: {error.strerror or error}.",
                "Check the folder's permissions and the free space, or set another PERSONALAKE_ROOT.",
            ) from error

    def _open(self, table: Table) -> DeltaTable | None:
        if not (Path(self.locations.table(table)) / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(self.locations.table(table))
        except TableNotFoundError:
            return None

    def _spark_rows(self, table: Table) -> int:
        return self.start_session().table(self.locations.identifier(table)).count()

    def _create_in_catalog(self, table: Table) -> None:
        from delta.tables import DeltaTable as SparkDeltaTable

        spark = self.start_session()
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {self.locations.catalog}.{table.layer}")
        builder = SparkDeltaTable.createIfNotExists(spark).tableName(self.locations.identifier(table))
        builder = builder.addColumns(table.schema).comment(table.grain)
        builder = builder.property("delta.enableDeletionVectors", "false")
        (builder.clusterBy(*table.clustering) if table.clustering else builder).execute()


def arrow_schema(table: Table) -> pa.Schema:
    """The declared schema for delta-rs: UTC microseconds, comments kept."""
    schema = to_arrow_schema(table.schema, timezone="UTC")
    return pa.schema(
        [column.with_metadata({"comment": declared.comment}) for column, declared in zip(schema, table.fields, strict=True)]
    )
