"""What became of a table since a state of it: the files that came and those that left, of which rows are read.

A row stays in its file as long as that file belongs to the table. So a run that has read a state of the table once need not
read again what lies in the files of that state.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from pyarrow import fs

from personalake.lake.declared import arrow_schema
from personalake.lake.ledger import Ledger
from personalake.lake.scan import Scan, dataset_of
from personalake.tables import Table


@dataclass(frozen=True)
class Since:
    """Files of a table.

    Args:
        state: What to ask with the next time; null with a catalog, where a table is always read whole.
        come: Files that belong to the table now, and did not before; all of them where nothing is known of before.
        left: Files that belonged to it before; none where nothing is known of before.
        is_whole: True if nothing is known of before.
    """

    state: str | None
    come: Sequence[Scan]
    left: Sequence[Scan] = ()
    is_whole: bool = True


def since(ledger: Ledger, table: Table, state: str | None) -> Since:
    """What became of a table.

    Args:
        ledger: The tables.
        table: The table.
        state: What an earlier call gave as its state; null if there was none.
    """
    opened = ledger.opened(table)
    if opened is None:
        return Since(None, [ledger.scan(table)])
    folder = ledger.locations.table(table)
    now = dataset_of(folder, opened)
    told = f"{opened.metadata().id}:{opened.version()}"
    before = _before(folder, opened, state)
    if before is None:
        return Since(told, _scans(table, now, set()))
    left = _scans(table, before, _names(now))
    if not all(_is_there(before, each) for each in left):
        return Since(told, _scans(table, now, set()))
    return Since(told, _scans(table, now, _names(before)), left, is_whole=False)


def _before(folder: str, opened: DeltaTable, state: str | None) -> ds.Dataset | None:
    """The files of a state; None if the table is another one, or its log no longer reaches back so far."""
    made, _, version = (state or "").rpartition(":")
    if made != str(opened.metadata().id) or int(version) > opened.version():
        return None
    try:
        return dataset_of(folder, DeltaTable(folder, version=int(version)))
    except DeltaError:
        return None


def _names(dataset: ds.Dataset) -> set[str]:
    return {file.path for file in dataset.get_fragments()}


def _scans(table: Table, dataset: ds.Dataset, known: set[str]) -> list[Scan]:
    files = [file for file in dataset.get_fragments() if file.path not in known]
    schema = arrow_schema(table)
    return [Scan(schema, ds.FileSystemDataset([file], dataset.schema, file.format, file.filesystem)) for file in files]


def _is_there(dataset: ds.Dataset, scan: Scan) -> bool:
    """Whether the file of a scan has not been taken off the disk with the older versions."""
    assert scan.dataset is not None
    return all(dataset.filesystem.get_file_info(path).type != fs.FileType.NotFound for path in scan.dataset.files)
