"""What is wrong with a landing file, told without a word of its rows: reasons end up in tables, messages and the report."""

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from personalake.config.sources import ELEMENT, POSITION, Source
from personalake.config.sql import columns_of
from personalake.lake.documents import document_problem
from personalake.lake.unpacked import opened

_CHUNK = 1 << 20
# Lines over which a header may go; a quote that is never closed would take the whole file for one.
_HEADER_LINES = 100


@dataclass(frozen=True)
class Shape:
    """What the files of one source have in common.

    Args:
        names: Names of the columns, in their order.
        types: Types of a Parquet file's columns by name, and of what is nested in them; empty for CSV.
    """

    names: tuple[str, ...]
    types: Mapping[str, str] = field(default_factory=dict)


def problem_of(path: Path, source: Source, first: Shape | None) -> str | None:
    """Why a file cannot be let in, or None.

    Args:
        path: The file.
        source: The source it belongs to.
        first: Shape of the first file that was let in; None if this is the first.
    """
    if path.suffix == ".gz" and (problem := _gzip_problem(path)):
        return problem
    problem = _parquet_problem(path) if source.format == "parquet" else _text_problem(path, source.encoding)
    if problem is None and source.layout == "document":
        problem = document_problem(path, source.encoding)
    if problem:
        return problem
    found = shape_of(path, source, source.encoding)
    return None if found is None else _shape_problem(found, source, first)


def shape_of(path: Path, source: Source, encoding: str) -> Shape | None:
    """Columns of a CSV or Parquet file; None for JSON and for an empty file.

    Args:
        path: The file.
        source: The source it belongs to.
        encoding: Character set of a CSV file; in the inbox it can be another than in the landing folder.
    """
    if source.format == "parquet":
        schema = pq.read_schema(path)
        return Shape(tuple(schema.names), dict(kind for column in schema for kind in _types(column.name, column.type)))
    if source.format == "csv":
        with opened(path) as stream, io.TextIOWrapper(stream, encoding, "replace", newline="") as text:
            first = text.readline().lstrip("\ufeff")
            further = islice(text, _HEADER_LINES) if source.multiline else ()
            names = _header([first, *further] if first.count(source.quote) % 2 else [first], source)
        return Shape(names) if first.strip() else None
    return None


def _header(lines: Sequence[str], source: Source) -> tuple[str, ...]:
    """Names in the first row of a CSV; a name in quotes may hold the separator."""
    try:
        names = next(csv.reader(lines, delimiter=source.separator, quotechar=source.quote), [])
    except csv.Error:
        names = lines[0].rstrip("\r\n").split(source.separator)
    told = [name.strip() for name in names]
    return tuple(name.strip(source.quote) if name.startswith(source.quote) else name for name in told)


def needed_columns(source: Source) -> tuple[str, ...]:
    """Columns of the source that its mapping and its choice of rows read."""
    names: list[str] = [name for text in (source.each, source.where) if text for name in columns_of(text)]
    for mapped in source.columns.values():
        if mapped.column is not None:
            names.append(mapped.column)
        elif mapped.expression is not None:
            names.extend(columns_of(mapped.expression))
    return tuple(name for name in dict.fromkeys(names) if name not in (ELEMENT, POSITION))


def ends_a_line(path: Path) -> bool:
    """Whether the last byte is a newline's, in a character set of one, two or four bytes."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4))
        return stream.read().rstrip(b"\x00").endswith((b"\n", b"\r"))


def _gzip_problem(path: Path) -> str | None:
    try:
        with gzip.open(path) as stream:
            while stream.read(_CHUNK):
                pass
    except (OSError, EOFError, zlib.error) as error:
        return f"corrupt gzip: {error}"
    return None


def _text_problem(path: Path, encoding: str) -> str | None:
    decoder, lines = codecs.getincrementaldecoder(encoding)(), 1
    try:
        with opened(path) as stream:
            while chunk := stream.read(_CHUNK):
                lines += decoder.decode(chunk).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        lines += error.object[: error.start].decode(encoding, "replace").count("\n")
        return f"not {encoding} text: line {lines} cannot be decoded; set encoding in the source's YAML, or mend the file"
    return None


def _parquet_problem(path: Path) -> str | None:
    """Reads every page: a footer can be whole where a page is not."""
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            columns = [file.schema.column(number) for number in range(len(file.schema))]
            for _ in file.iter_batches():
                pass
    except (pa.ArrowException, OSError) as error:
        return f"corrupt parquet: {' '.join(str(error).split())[:200]}"
    exact = [column.path for column in columns if "timeUnit=nanoseconds" in str(column.logical_type)]
    if exact:
        return f"times in nanoseconds, which Spark cannot read: {', '.join(exact)}; write them in microseconds"
    return None


def _types(name: str, kind: pa.DataType) -> Iterator[tuple[str, str]]:
    """Each type by its own name: a nested field that is new is no change to those that were there."""
    if pa.types.is_struct(kind):
        yield name, "struct"
        for place in range(kind.num_fields):
            yield from _types(f"{name}.{kind.field(place).name}", kind.field(place).type)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield name, "array"
        yield from _types(f"{name}[]", kind.value_type)
    else:
        yield name, _type_name(kind)


def _type_name(kind: pa.DataType) -> str:
    """The type as Spark sees it: how a writer packs texts, or the zone that it shows instants in, makes no difference."""
    if pa.types.is_dictionary(kind):
        return _type_name(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz else "timestamp without zone"
    return str(kind)


def _shape_problem(found: Shape, source: Source, first: Shape | None) -> str | None:
    # The first line of a CSV without header is somebody's row: only names from the YAML or an earlier header are told.
    missing = [name for name in needed_columns(source) if name not in found.names]
    folded = [name.lower() for name in found.names]
    if missing:
        return f"columns missing: {', '.join(missing)}; {_instead(found, missing, source)}"
    nameless = [str(place) for place, name in enumerate(found.names, 1) if not name]
    if len(nameless) > 1:
        return f"columns without a name at places {', '.join(nameless)}; name them, or leave them out of the file"
    if twice := list(dict.fromkeys(name for name in folded if folded.count(name) > 1)):
        return f"columns named twice: {', '.join(twice)}"
    if first is None:
        return None
    if source.format == "csv" and found.names != first.names:
        return f"header changed: expected {source.separator.join(first.names)}, found {_without_words(found, first)}"
    changed = [
        f"{name} was {first.types[name]}, is {kind}"
        for name, kind in found.types.items()
        if first.types.get(name, kind) != kind
    ]
    return f"column types changed: {'; '.join(changed)}" if changed else None


def _instead(found: Shape, missing: Sequence[str], source: Source) -> str:
    """What is there where names are missing, and what that most often comes from."""
    count = len(found.names)
    if count == 1 and source.format == "csv":
        return f"found 1 column; is {source.separator!r} what stands between them (separator)?"
    folded = {name.lower() for name in found.names}
    other = [name for name in missing if name.lower() in folded]
    return f"found {count} columns" + (f", and {', '.join(other)} in other letters" if other else "")


def _without_words(found: Shape, first: Shape) -> str:
    """How a first line differs from the header: it may be somebody's row, so that only names of the header are told."""
    gone = [name for name in first.names if name not in found.names]
    unknown = sum(name not in first.names for name in found.names)
    parts = [f"no {', '.join(gone)}"] if gone else []
    parts += [f"{unknown} unknown column{'s' if unknown > 1 else ''}"] if unknown else []
    return " and ".join(parts) or "the same columns in another order"
