"""Landing files: which there are, and whether each is fit to be let in.

A checked file is linked (or copied) into the source's inbox, and streams read only there: one corrupt gzip would fail
every later run, and a CSV whose header changed would shift its columns silently. A bad file moves to `_rejected/`.
"""

import gzip
import hashlib
import os
import re
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from personalake.config.sources import Source
from personalake.config.sql import columns_of
from personalake.errors import EnvironmentProblem

REJECTED = "_rejected"
_CHUNK = 1 << 20
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class LandingFile:
    """One file of a source.

    Args:
        path: The file.
        relative: Path below the source's folder.
        size: Bytes.
        modified_at: Modification time.
    """

    path: Path
    relative: str
    size: int
    modified_at: datetime


def files_of(source: Source) -> Iterator[LandingFile]:
    """The source's files by name; names that begin with `_` or `.` never count."""
    if source.kind != "files" or source.path is None or not source.path.is_dir():
        return
    for path in sorted(source.path.glob(source.glob)):
        relative = path.relative_to(source.path)
        if any(part.startswith(("_", ".")) for part in relative.parts) or not path.is_file():
            continue
        status = path.stat()
        yield LandingFile(path, relative.as_posix(), status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def listing(source: Source) -> str:
    """A hash of the names, sizes and times of the source's files."""
    digest = hashlib.sha256()
    for file in files_of(source):
        digest.update(f"{file.relative}|{file.size}|{file.modified_at.timestamp()}\n".encode())
    return digest.hexdigest()[:16]


def problem_of(file: LandingFile, source: Source, header: tuple[str, ...] | None) -> str | None:
    """Why a file cannot be let in, or None.

    Args:
        file: The file.
        source: The source it belongs to.
        header: Columns that the source's files have had so far; None for the first file.
    """
    if file.path.suffix == ".gz" and (problem := _gzip_problem(file.path)):
        return problem
    try:
        columns = header_of(file.path, source)
    except UnicodeDecodeError:
        return f"not {source.encoding} text: the header cannot be decoded; set encoding in the source's YAML"
    except pa.ArrowException as error:
        return f"corrupt parquet: {' '.join(str(error).split())[:200]}"
    if columns is None or not columns:
        return None
    missing = [name for name in needed_columns(source) if name not in columns]
    if missing:
        return f"columns missing: {', '.join(missing)}; found {', '.join(columns)}"
    if header is not None and source.format == "csv" and columns != header:
        return f"header changed: expected {source.separator.join(header)}, found {source.separator.join(columns)}"
    return None


def header_of(path: Path, source: Source) -> tuple[str, ...] | None:
    """Column names of a CSV or Parquet file; empty for an empty file, None for JSON."""
    if source.format == "parquet":
        return tuple(pq.read_schema(path).names)
    if source.format == "csv":
        with _opened(path) as stream:
            line = stream.readline().decode(source.encoding).lstrip("\ufeff").rstrip("\r\n")
        return tuple(name.strip().strip(source.quote) for name in line.split(source.separator)) if line.strip() else ()
    return None


def needed_columns(source: Source) -> tuple[str, ...]:
    """Columns of the source that its mapping reads."""
    names: list[str] = []
    for mapped in source.columns.values():
        if mapped.column is not None:
            names.append(mapped.column)
        elif mapped.expression is not None:
            names.extend(columns_of(mapped.expression))
    return tuple(dict.fromkeys(names))


def admit(file: LandingFile, inbox: Path) -> None:
    """Link a checked file into the inbox, whole from its first moment.

    The link lies at `<inbox>/<relative path>/<landed, epoch seconds>_<time>-<size><suffix>`: a file that grew or was
    replaced under the same name is a new file, since a stream reads each name once.
    """
    version = f"{landed_at(file)}_{int(file.modified_at.timestamp() * 1000)}-{file.size}"
    target = inbox / file.relative / f"{version}{''.join(file.path.suffixes[-2:])}"
    if target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _link_or_copy(file.path, target)
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot write {target}: {error.strerror or error}.", "Check the folder's permissions and the free space."
        ) from error


def landed_at(file: LandingFile) -> int:
    """When a file landed, seconds since 1970: the date in its path, else its modification time."""
    for text in _DATE.findall(file.relative):
        with suppress(ValueError):
            return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    return int(file.modified_at.timestamp())


def reject(file: LandingFile, source: Source) -> None:
    """Move a bad file to `_rejected/` below the source's folder."""
    if source.path is None:
        return
    target = source.path / REJECTED / file.relative
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file.path.replace(target)
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot move {file.path} to {target}: {error.strerror or error}.", "Check the landing folder's permissions."
        ) from error


def known_files(rows: Sequence[Mapping[str, object]], source: str) -> set[tuple[str, object, object]]:
    """What the ledger of landing files says was checked: path, size and time."""
    return {(str(row["path"]), row["bytes"], row["modified_at"]) for row in rows if row["source"] == source}


def _gzip_problem(path: Path) -> str | None:
    try:
        with gzip.open(path) as stream:
            while stream.read(_CHUNK):
                pass
    except (OSError, EOFError, zlib.error) as error:
        return f"corrupt gzip: {error}"
    return None


def _opened(path: Path) -> gzip.GzipFile:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


def _link_or_copy(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        beside = target.with_name(f".{target.name}.tmp")
        shutil.copy2(path, beside)
        beside.replace(target)
