"""The truth about what was planted: one row per planted line, kept where no source looks."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("line_sha256", pa.string()),
        pa.field("message_id", pa.string()),
        pa.field("event_key", pa.string()),
        pa.field("file", pa.string(), nullable=False),
        pa.field("landing_date", pa.date32(), nullable=False),
        pa.field("expected", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class PlantedLine:
    """What was done to one line, and what a good pipeline makes of it.

    Attributes:
        source: The landing source, such as `orders`.
        kind: The kind of dirt.
        line_sha256: Hex SHA-256 of the raw line without its newline; null for CSV rows.
        message_id: The line's own message id; null where it has none that can be read.
        event_key: `<basket_id>-<product_id>` of an order line, the household of a customer row.
        file: The file that holds the line, relative to the landing folder.
        landing_date: The day on which that file lands.
        expected: One of `quarantined`, `duplicate`, `late`, `warned`.
    """

    source: str
    kind: str
    line_sha256: str | None
    message_id: str | None
    event_key: str | None
    file: str
    landing_date: date
    expected: str


def part_path(table: str, landing_date: date) -> str:
    """Where the truth about one landing day lies: a part of the folder `_planted/<table>.parquet`."""
    return f"_planted/{table}.parquet/{landing_date}.parquet"


def part_bytes(planted: Iterable[PlantedLine]) -> bytes:
    """The planted lines as the bytes of one Parquet file."""
    return parquet_bytes(pa.Table.from_pylist([asdict(line) for line in planted], schema=SCHEMA))


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as the bytes of one Parquet file; equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def line_sha256(line: str) -> str:
    """Hex SHA-256 of a raw line's UTF-8 bytes, without its newline."""
    return sha256(line.encode()).hexdigest()


def read_planted(landing: Path, table: str = "orders") -> pd.DataFrame:
    """The truth about every line planted so far, in the columns of `SCHEMA`.

    Args:
        landing: The landing folder given to `emit_shop`.
        table: `orders`, or `records` for all other sources.
    """
    parts = sorted((landing / "_planted" / f"{table}.parquet").glob("*.parquet"))
    found: pd.DataFrame = pa.concat_tables([SCHEMA.empty_table(), *map(pq.read_table, parts)]).to_pandas()
    return found
