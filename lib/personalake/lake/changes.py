"""Changes by key, in one commit: rows that are gone, rows with other values, rows that are new."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import deltalake
import pyarrow as pa
import pyarrow.compute as pc
from delta.tables import DeltaTable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.lake.declared import arrow_schema
from personalake.lake.disk import writing
from personalake.lake.overtaken import unless_overtaken
from personalake.tables import Table

GONE = "is_gone"


def change_schema(table: Table) -> pa.Schema:
    """Of changes to a table."""
    return arrow_schema(table).append(pa.field(GONE, pa.bool_()))


def replacing(before: DataFrame, rows: DataFrame, key: Sequence[str], named: DataFrame) -> DataFrame:
    """Changes that put rows in the place of all that have one of some values.

    A condition with the values would stand in the log of the table for good; a merge names columns only.

    Args:
        before: The table as it is.
        rows: The new rows, unique by key.
        key: Columns that identify a row.
        named: The values, in a column of the table.
    """
    theirs = before.join(F.broadcast(named), named.columns, "left_semi")
    gone = theirs.join(rows.select(*key), list(key), "left_anti").withColumn(GONE, F.lit(True))
    return rows.select(*before.columns).withColumn(GONE, F.lit(False)).unionByName(gone)


def merge_directly(folder: str, changes: pa.Table, key: Sequence[str], schema: pa.Schema) -> int:
    """Merge rows that are on the driver into a small table.

    Args:
        folder: The table.
        changes: Rows with the columns of the schema, and `is_gone`.
        key: Columns that identify a row, never null.
        schema: The table's.

    Returns:
        Rows changed: added, put in place and removed.
    """
    rows = changes.select([*schema.names, GONE]).cast(schema.append(pa.field(GONE, pa.bool_())))
    columns = {name: f"s.{name}" for name in schema.names}
    same_key = " AND ".join(f"t.{name} = s.{name}" for name in key)

    def merge() -> Mapping[str, Any]:
        # Opened anew each time: what came meanwhile is merged into, too.
        table = deltalake.DeltaTable(folder)
        with writing(Path(folder)):
            if not table.file_uris():
                kept = rows.filter(pc.invert(rows[GONE])).select(schema.names)
                deltalake.write_deltalake(table, kept, mode="append")
                return {"num_target_rows_inserted": kept.num_rows}
            merged: Mapping[str, Any] = (
                table.merge(rows, same_key, source_alias="s", target_alias="t")
                .when_matched_delete(predicate=f"s.{GONE}")
                .when_matched_update(updates=columns)
                .when_not_matched_insert(updates=columns, predicate=f"NOT s.{GONE}")
                .execute()
            )
            return merged

    merged = unless_overtaken(merge)
    return sum(int(merged.get(f"num_target_rows_{what}", 0)) for what in ("inserted", "updated", "deleted"))


def merge_by_spark(target: DeltaTable, changes: DataFrame, table: Table) -> None:
    """The same by Spark, for tables of any size."""
    columns = {name: f"s.{name}" for name in table.columns}
    condition = " AND ".join(f"t.{name} = s.{name}" for name in table.key)
    (
        target.alias("t")
        .merge(changes.select(*table.columns, GONE).alias("s"), condition)
        .whenMatchedDelete(condition=f"s.{GONE}")
        .whenMatchedUpdate(set=columns)
        .whenNotMatchedInsert(condition=f"NOT s.{GONE}", values=columns)
        .execute()
    )
