"""Small tables read and written past Spark's own Delta log: the same files and commits, without its queries.

For every table that it meets, Spark's Delta computes a snapshot and filters the files by queries of its own, and for every
commit once more: about half a second each time on a small machine, however few the rows. delta-rs does it in milliseconds.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, cast
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from personalake.lake.disk import writing
from personalake.lake.overtaken import unless_overtaken
from personalake.lake.scan import dataset_of

Mode = Literal["append", "overwrite"]

# What Spark would take for a pattern in a path.
_SIGNS = re.compile(r"[\[\]{}*?\\]")
# Beyond this Spark's own listing and file skipping earn their cost.
_MANY_FILES = 200
# Rows that are brought to the driver to be written; beyond them Spark writes.
FEW_ROWS = 100_000
# Rows of a table, and bytes of its files, that are part of the plans over it.
_HANDFUL, _HANDFUL_BYTES = 1_000, 1 << 20
_PLAIN_WRITER = 2


def literally(path: str) -> str:
    """A path as Spark takes it for itself, and not for a pattern."""
    return _SIGNS.sub(r"\\\g<0>", path)


def read_directly(spark: SparkSession, table: DeltaTable) -> DataFrame | None:
    """The rows of one version of a table: a handful is brought along, more are read as the Parquet files that they are in.

    Returns:
        None if that would not be the same: partitions, deletion vectors, column mapping, no files, or very many.
    """
    protocol = table.protocol()
    if protocol.min_reader_version > 1 or table.metadata().partition_columns:
        return None
    files = table.file_uris()
    if not files or len(files) > _MANY_FILES:
        return None
    schema = StructType.fromJson(json.loads(table.schema().to_json()))
    if _is_handful(table):
        # Opening a file in a task, with all of Hadoop's settings sent along, takes longer than what is done to the rows.
        rows = dataset_of(url2pathname(urlparse(table.table_uri).path), table).to_table()
        return spark.createDataFrame(rows, schema)
    return spark.read.schema(schema).parquet(*(literally(unquote(file)) for file in files))


def _is_handful(table: DeltaTable) -> bool:
    """Whether a plan can have all rows in it."""
    files = pa.table(table.get_add_actions(flatten=True))
    rows, sizes = (files[name].to_pylist() for name in ("num_records", "size_bytes"))
    return None not in rows and sum(rows) <= _HANDFUL and sum(sizes) <= _HANDFUL_BYTES


def takes_direct_writes(table: DeltaTable) -> bool:
    """Whether a table asks nothing of its writers: no change feed, no clustering, no constraints."""
    return table.protocol().min_writer_version <= _PLAIN_WRITER and not table.metadata().partition_columns


def write_directly(folder: str, rows: pa.Table, mode: str, options: Mapping[str, str]) -> int | None:
    """Append or replace rows that are on the driver, in one commit.

    Args:
        folder: The table.
        rows: Rows in the table's Arrow schema.
        mode: `append` or `overwrite`.
        options: Those of Spark's writer that are understood here: `replaceWhere`, `txnAppId`, `txnVersion`.

    Returns:
        Rows written; None if the same transaction had been written before.

    Raises:
        EnvironmentProblem: If the disk is full, or the folder cannot be written.
    """
    app, version = options.get("txnAppId"), int(options.get("txnVersion", -1))
    commit = CommitProperties(app_transactions=[Transaction(app, version)]) if app else None

    def write() -> int | None:
        table = DeltaTable(folder)
        if app and (done := table.transaction_version(app)) is not None and done >= version:
            return None
        with writing(Path(folder)):
            write_deltalake(
                table, rows, mode=cast(Mode, mode), predicate=options.get("replaceWhere"), commit_properties=commit
            )
        return int(rows.num_rows)

    return unless_overtaken(write)


def few_on_driver(rows: DataFrame, schema: pa.Schema) -> pa.Table | None:
    """All rows in a table's schema; None if there are more than a driver should hold."""
    brought = rows.limit(FEW_ROWS + 1).toArrow()
    if brought.num_rows > FEW_ROWS:
        return None
    return brought.select(schema.names).cast(schema)


@contextmanager
def held(rows: DataFrame, about: int) -> Iterator[DataFrame]:
    """Rows that are asked for several times, worked out once.

    Args:
        rows: The rows.
        about: How many there are at most, about: few are brought to the driver, and no later plan has theirs in it.
    """
    with counted(rows, about) as (kept, _):
        yield kept


@contextmanager
def counted(rows: DataFrame, about: int) -> Iterator[tuple[DataFrame, int | None]]:
    """The same as `held`, with how many there are if that is known without asking: of few."""
    if about <= FEW_ROWS:
        brought = rows.toArrow()
        yield frame_of(rows.sparkSession, brought), brought.num_rows
        return
    kept = rows.persist(StorageLevel.MEMORY_AND_DISK_DESER)
    try:
        yield kept, None
    finally:
        kept.unpersist()


def frame_of(spark: SparkSession, rows: pa.Table) -> DataFrame:
    """Rows in Spark, which cannot read an Arrow table whose columns have no chunk at all, as empty results may."""
    return spark.createDataFrame(rows if rows.num_rows else rows.schema.empty_table())
