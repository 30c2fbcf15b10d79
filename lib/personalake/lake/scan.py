"""Rows of one version of a table, read piece by piece: however often, the same rows in the same order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable
from pyarrow import fs

# Rows with payloads are wide: few at a time, and one file after the other.
_ROWS = 8_192
# Files of other writers and of earlier runs may have times in 96 bits: in nanoseconds they overflow outside of 1677 to 2262.
_TIMES = ds.ParquetReadOptions(coerce_int96_timestamp_unit="us")


def dataset_of(folder: str, opened: DeltaTable) -> ds.Dataset:
    """The files that one version of the table in a folder consists of."""
    # By default delta-rs lends Arrow a file system written in Python. Arrow's I/O threads then call into Python, and
    # one that does so while the interpreter shuts down aborts the process (exit code 134, seen in one run of ten).
    return opened.to_pyarrow_dataset(
        filesystem=fs.SubTreeFileSystem(folder, fs.LocalFileSystem()), parquet_read_options=_TIMES
    )


@dataclass(frozen=True)
class Scan:
    """What is read.

    Args:
        schema: Of all columns, as declared.
        dataset: Files of one version; null if the rows are here already, as with a catalog.
        matching: Condition on its rows.
        rows: The rows, if they are here already.
    """

    schema: pa.Schema
    dataset: ds.Dataset | None = None
    matching: ds.Expression | None = None
    rows: pa.Table | None = None

    def reader(self, columns: Sequence[str], at_once: int = _ROWS) -> pa.RecordBatchReader:
        """The rows in order, in the declared types.

        Args:
            columns: Columns.
            at_once: Rows that are read at once; narrow ones may be many.
        """
        schema = pa.schema([self.schema.field(name) for name in columns])
        return pa.RecordBatchReader.from_batches(
            schema, (batch.cast(schema) for batch in self._batches(list(columns), at_once))
        )

    def parts(self) -> Iterator["Scan"]:
        """The same rows file by file, so that whole files can be passed over; as one part if they are here already."""
        if self.dataset is None:
            yield self
            return
        for file in self.dataset.get_fragments():
            alone = ds.FileSystemDataset([file], self.dataset.schema, file.format, file.filesystem)
            yield Scan(self.schema, alone, self.matching)

    def _batches(self, columns: list[str], at_once: int) -> Iterator[pa.RecordBatch]:
        if self.dataset is None:
            yield from [] if self.rows is None else self.rows.select(columns).to_batches(at_once)
            return
        scanner = self.dataset.scanner(
            columns=columns, filter=self.matching, batch_size=at_once, batch_readahead=2, fragment_readahead=1
        )
        yield from scanner.to_batches()
