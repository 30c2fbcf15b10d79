"""Whether a source's personal data goes only where it is tagged: by its mapping at every start, by its rows when asked."""

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from personalake.config.nearest import nearest
from personalake.config.sources import ELEMENT, POSITION, ColumnMap, Source
from personalake.config.sql import names_read, roots_read
from personalake.errors import InputError
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.mapping import mapping_problems
from personalake.lake.file_checks import shape_of
from personalake.privacy.pii import Finding, by_name, findings

_FREE_TEXT = "payload"


@dataclass(frozen=True)
class Seen:
    """One column of a source that looks like personal data, and where it goes.

    Args:
        finding: What it looks like.
        fields: Fields of the contract that it fills, each with the tag of its column in silver; none for a column that
            stays in the payload in bronze.
    """

    finding: Finding
    fields: Mapping[str, str | None]

    @property
    def untagged(self) -> tuple[str, ...]:
        """Fields that would hold it without a tag."""
        return tuple(name for name, tag in self.fields.items() if tag is None)


def source_problems(raw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What does not fit the contract, and personal data (by the names of columns) on its way into untagged columns.

    Args:
        raw: Keys and values of a source's YAML; what has another fault is passed over.

    Yields:
        The key at fault, dotted, and what is wrong with it.
    """
    yield from mapping_problems(raw)
    contract, columns = CONTRACTS.get(str(raw.get("contract"))), raw.get("columns")
    excused = raw.get("not_personal") or ()
    if contract is None or not isinstance(columns, dict) or not isinstance(excused, list | tuple):
        return
    tags = {field.name: field.pii for field in contract.table.fields}
    for name, mapped in columns.items():
        for column in _read_by(mapped) if not tags.get(name, _FREE_TEXT) else ():
            finding = None if column in excused else by_name(column)
            if finding is not None and finding.pii != _FREE_TEXT:
                yield (
                    f"columns.{name}",
                    f"{column!r} looks like personal data ({finding.because}), and {contract.table.full_name}.{name} has no "
                    f"tag for it; map it onto a tagged field, or name it under not_personal",
                )


def _read_by(mapped: object) -> Sequence[str]:
    """What one field's mapping reads; of an expression, whatever it makes of it."""
    if isinstance(mapped, dict) and isinstance(mapped.get("expression"), str):
        try:
            return names_read(mapped["expression"])
        except ValueError:
            return ()  # told by the settings themselves
    column = mapped.get("column") if isinstance(mapped, dict) else mapped
    return (column,) if isinstance(column, str) else ()


def check_source(source: Source, rows: int) -> list[Seen]:
    """Columns of a source's landing files that look like personal data, by names and values.

    Raises:
        InputError: If nothing has landed yet.
    """
    sample = _sample(source, rows)
    tags = {field.name: field.pii for field in CONTRACTS[source.contract].table.fields}
    used = {name: _columns_of(mapped) for name, mapped in source.columns.items()}
    return [
        Seen(finding, {name: tags.get(name) for name, columns in used.items() if finding.column in columns})
        for finding in findings(sample)
        if finding.column not in source.not_personal
    ]


def unseen_columns(source: Source, rows: int) -> dict[str, tuple[str, ...]]:
    """What a source's YAML reads and no row has: the column, and what reads it.

    A value that is told seldom may be seen in no row; a misspelt one never is.

    Raises:
        InputError: If nothing has landed yet.
    """
    there = {name for row in _sample(source, rows) for name in row}
    readers: dict[str, list[str]] = {}
    for field, mapped in source.columns.items():
        for column in (mapped.column,) if mapped.column else roots_read(mapped.expression or "NULL"):
            readers.setdefault(column, []).append(field)
    for key, expression in (("where", source.where), ("each", source.each)):
        for column in roots_read(expression or "NULL"):
            readers.setdefault(column, []).append(key)
    unseen = (column for column in readers if column not in there | {ELEMENT, POSITION})
    return {f"{column} ({nearest(column, sorted(map(str, there)))})": tuple(readers[column]) for column in unseen}


def _sample(source: Source, rows: int) -> list[Mapping[str, object]]:
    sample = list(islice(_rows(source), rows))
    if not sample:
        raise InputError(f"No row lies in {source.path}.", "Put a file there, as the source will send it.")
    return sample


def _columns_of(mapped: ColumnMap) -> set[str]:
    if mapped.expression is not None:
        return {*names_read(mapped.expression), *roots_read(mapped.expression)}
    return {mapped.column} if mapped.column else set()


def _rows(source: Source) -> Iterator[Mapping[str, object]]:
    folder = source.path
    if folder is None:
        raise InputError("Only sources of files can be looked at before anything is read.")
    for path in sorted(path for path in folder.glob(source.glob) if path.is_file() and path.name[0] not in "_."):
        if source.format == "parquet":
            for batch in pq.ParquetFile(path).iter_batches(1_000):
                yield from batch.to_pylist()
            continue
        shape = shape_of(path, source, source.encoding)
        with _opened(path, source.encoding) as lines:
            if source.layout == "document":
                document = _parsed(lines.read())
                yield from (row for row in (document if isinstance(document, list) else [document]) if isinstance(row, dict))
            elif source.format == "json":
                yield from (row for line in lines if isinstance(row := _parsed(line), dict))
            elif shape is not None:
                yield from _of_csv(lines, source, shape.names)


def _of_csv(lines: IO[str], source: Source, names: Sequence[str]) -> Iterator[Mapping[str, object]]:
    """Rows under the names that ingestion gives the columns; a quote that is never closed ends the file."""
    rows = csv.reader(lines, delimiter=source.separator, quotechar=source.quote)
    with suppress(csv.Error):
        next(rows, None)
        yield from (dict(zip(names, row, strict=False)) for row in rows if row)


def _opened(path: Path, encoding: str) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding=encoding, errors="replace")
    return path.open(encoding=encoding, errors="replace", newline="")


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
