"""A table of which a few rows change in every file: those that stay are written anew while the others are worked out.

Deletion vectors are off, so a table is put in place whole although one row in fifty changed. What stays is known long before
what comes, and is copied from file to file meanwhile. No version of the table names the copies before the one commit that
takes them together with the rows that came.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.transaction import AddAction

from personalake.lake.declared import arrow_schema
from personalake.lake.direct import takes_direct_writes
from personalake.lake.disk import writing
from personalake.lake.lake import Lake, WriteResult
from personalake.lake.overtaken import unless_overtaken
from personalake.lake.scan import Scan, dataset_of
from personalake.tables import Table

# Rows that are read, and found again, at once; and those of a file.
_ROWS, _FILE_ROWS = 1 << 16, 1 << 20
# Rows by which it is judged whether a column's values come again and again.
_SAMPLE = 4_096


@dataclass(frozen=True)
class _Copied:
    """Rows of one version that stay, in files that no version names.

    Args:
        version: The version.
        files: The files.
        rows: How many rows they hold.
        held: Their values of the column by which rows go.
    """

    version: int
    files: Sequence[AddAction]
    rows: int
    held: Sequence[pa.Array]


class Renewal:
    """Rows of a table that stay, on their way into new files.

    Args:
        lake: The lake.
        table: The table.
        column: A column.
        going: Values of the column: rows that have one of them are set aside, and go.
    """

    def __init__(self, lake: Lake, table: Table, column: str, going: pa.Array) -> None:
        self.lake, self.table, self.column, self.going = lake, table, column, going
        self._copied = self._copy()
        if self._copied is None:
            rows = lake.ledger.arrow(table)
            self.aside = rows.filter(pc.is_in(rows[column], going))

    def finish(self, rows: pa.Table) -> WriteResult:
        """Put rows in the place of those that were set aside, in one commit.

        What somebody else has committed since is not undone: rows that are no longer there are not brought back, unless they
        are among the given ones.

        Args:
            rows: The declared columns. Where the column is the table's key, rows that have the same values go, too.
        """
        come = rows.select(list(self.table.columns)).cast(arrow_schema(self.table))
        if self._copied is None:
            return self._put(come)
        written = unless_overtaken(lambda: self._commit(come))
        version = self.lake.ledger.version(self.table)
        self.lake.writes.append(WriteResult(self.table.full_name, written, -1 if version is None else version))
        return self.lake.writes[-1]

    def discard(self) -> None:
        """Take files off the disk that no version will name; nothing after `finish`."""
        if self._copied is not None:
            _remove(self._paths(self._copied.files))
            self._copied = None

    @property
    def _folder(self) -> Path:
        return Path(self.lake.locations.table(self.table))

    @property
    def _is_by_key(self) -> bool:
        return self.table.key == (self.column,)

    def _copy(self) -> _Copied | None:
        """Write what stays; None where Spark has to write the table, or nothing is to be written."""
        opened = None if self.lake.dry_run else self.lake.ledger.opened(self.table)
        if opened is None or not takes_direct_writes(opened) or self.table.indexed:
            return None
        dataset = dataset_of(str(self._folder), opened)
        reader = Scan(arrow_schema(self.table), dataset).reader(self.table.columns, _ROWS)
        aside, held = list[pa.RecordBatch](), list[pa.Array]()
        files = self._written(self._staying(reader, aside, held))
        self.aside = pa.Table.from_batches(aside, arrow_schema(self.table))
        return _Copied(opened.version(), files, sum(map(_rows_of, files)), held)

    def _staying(
        self, reader: pa.RecordBatchReader, aside: list[pa.RecordBatch], held: list[pa.Array]
    ) -> Iterator[pa.RecordBatch]:
        for batch in reader:
            goes = pc.is_in(batch[self.column], self.going)
            aside.append(batch.filter(goes))
            stays = batch.filter(pc.invert(goes))
            if self._is_by_key:
                held.append(stays[self.column])
            if stays.num_rows:
                yield stays

    def _written(self, batches: Iterator[pa.RecordBatch]) -> list[AddAction]:
        """Files with some rows; none for no rows. The log tells how many they are, and nothing of their values."""
        paths, files = list[Path](), list[AddAction]()
        try:
            # Each turn is one file; the next one begins with what that one has left.
            for first in batches:
                paths.append(self._folder / f"part-{len(paths):05d}-{uuid4()}-c000.snappy.parquet")
                rows = self._write_file(paths[-1], chain((first,), batches))
                size, at = paths[-1].stat().st_size, int(time.time() * 1000)
                files.append(AddAction(paths[-1].name, size, {}, at, True, json.dumps({"numRecords": rows})))
        except BaseException:
            _remove(paths)
            raise
        return files

    def _write_file(self, path: Path, batches: Iterator[pa.RecordBatch]) -> int:
        rows, schema = 0, arrow_schema(self.table)
        # The least and the greatest of rows in no order rule nothing out, and would repeat what they tell of people.
        first = next(batches)
        with (
            writing(path),
            pq.ParquetWriter(
                path, schema, store_schema=False, write_statistics=False, use_dictionary=_repetitive(first)
            ) as writer,
        ):
            for batch in chain((first,), batches):
                writer.write_batch(batch)
                rows += batch.num_rows
                if rows >= _FILE_ROWS:
                    break
        return rows

    def _commit(self, come: pa.Table) -> int:
        opened = DeltaTable(str(self._folder))
        copied = self._current(opened, come)
        new = self._written(iter(come.combine_chunks().to_batches()))
        try:
            with writing(self._folder):
                opened.create_write_transaction([*copied.files, *new], "overwrite", opened.schema())
        except BaseException:
            _remove(self._paths(new))
            raise
        self._copied = None
        return copied.rows + int(come.num_rows)

    def _current(self, opened: DeltaTable, come: pa.Table) -> _Copied:
        """What stays as the table is now, copied once more where it is not what it was."""
        copied = self._copied
        assert copied is not None
        named = come[self.column].filter(pc.invert(pc.is_in(come[self.column], self.going)))
        is_held = any(pc.any(pc.is_in(part, _flat(named))).as_py() for part in copied.held) if len(named) else False
        is_there = all(path.exists() for path in self._paths(copied.files))
        if opened.version() == copied.version and is_there and not is_held:
            return copied
        if self._is_by_key:
            self.going = pa.concat_arrays([_flat(self.going), _flat(named)])
        _remove(self._paths(copied.files))
        self._copied = again = self._copy()
        assert again is not None
        return again

    def _paths(self, files: Sequence[AddAction]) -> list[Path]:
        return [self._folder / file.path for file in files]

    def _put(self, come: pa.Table) -> WriteResult:
        """The same in one go."""
        before = self.lake.ledger.arrow(self.table)
        going = _flat(self.going)
        if self._is_by_key:
            going = pa.concat_arrays([going, _flat(come[self.column])])
        stays = before.filter(pc.invert(pc.is_in(before[self.column], going)))
        return self.lake.put(pa.concat_tables([stays.cast(come.schema), come]), self.table)


def _repetitive(rows: pa.RecordBatch) -> list[str]:
    """Columns of texts that come again and again: a dictionary of any others is begun, given up, and saves nothing."""
    some = rows.slice(0, _SAMPLE)
    texts = {field.name: some[field.name] for field in rows.schema if pa.types.is_string(field.type)}
    lists = {
        f"{field.name}.list.element": some[field.name].flatten()
        for field in rows.schema
        if pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type)
    }
    return [name for name, values in {**texts, **lists}.items() if 2 * pc.count_distinct(values).as_py() <= len(values)]


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _rows_of(file: AddAction) -> int:
    return int(json.loads(file.stats)["numRecords"])


def _flat(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
