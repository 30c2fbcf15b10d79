"""Landing files: which there are, and whether each is fit to be let in.

A checked file is linked (or copied) into the source's inbox, and streams read only there: one corrupt gzip would fail
every later run, and a CSV whose header changed would shift its columns silently. A bad file moves to `_rejected/`.
"""

import gzip
import hashlib
import io
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from zoneinfo import ZoneInfo

from personalake.config.sources import Source
from personalake.errors import EnvironmentProblem
from personalake.lake.documents import document_problem, lines_of, read_text
from personalake.lake.file_checks import ends_a_line
from personalake.lake.unpacked import opened

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


def listing(source: Source, now: datetime) -> str:
    """A hash of the names, sizes and times of the source's files, and of which are still being written."""
    digest = hashlib.sha256()
    for file in files_of(source):
        waits = "|being written" if is_being_written(file, source, now) else ""
        digest.update(f"{file.relative}|{file.size}|{file.modified_at.timestamp()}{waits}\n".encode())
    return digest.hexdigest()[:16]


def is_being_written(file: LandingFile, source: Source, now: datetime) -> bool:
    """Whether a text file may still grow: its last line has no end, and it changed less than `settle_seconds` ago.

    Half a number is a number too, so half a line could pass for a whole one. A gzip shows by its checksum that it is whole.
    """
    if source.format == "parquet" or file.path.suffix == ".gz" or not file.size:
        return False
    # A time in the future is a clock that is set wrongly; far ahead, it says nothing about now.
    is_young = abs((now - file.modified_at).total_seconds()) < source.settle_seconds
    return is_young and not (_is_whole(file.path, source) if source.layout == "document" else ends_a_line(file.path))


def _is_whole(path: Path, source: Source) -> bool:
    try:
        return document_problem(path, source.encoding) is None
    except UnicodeDecodeError:
        return False


def admit(file: LandingFile, inbox: Path, source: Source, time_zone: str = "UTC") -> None:
    """Link a checked file into the inbox, whole from its first moment; rewrite it if Spark does not read its character set.

    The link lies at `<inbox>/<relative path>/<landed, epoch seconds>_<time>-<size><suffix>`: a file that grew or was
    replaced under the same name is a new file, since a stream reads each name once.
    """
    version = f"{landed_at(file, time_zone)}_{int(file.modified_at.timestamp() * 1000)}-{file.size}"
    target = inbox / file.relative / f"{version}{''.join(file.path.suffixes[-2:])}"
    if target.exists():
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_rewritten:
            _rewrite(file.path, target, source)
        else:
            _link_or_copy(file.path, target)
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot write {target}: {error.strerror or error}.", "Check the folder's permissions and the free space."
        ) from error


def landed_at(file: LandingFile, time_zone: str = "UTC") -> int:
    """When a file landed, seconds since 1970: midnight of the date in its path, else its modification time."""
    for text in _DATE.findall(file.relative):
        with suppress(ValueError):
            return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(time_zone)).timestamp())
    return int(file.modified_at.timestamp())


def reject(file: LandingFile, source: Source) -> None:
    """Move a bad file to `_rejected/` below the source's folder, beside those of its name that are there."""
    if source.path is None:
        return
    target = _free(source.path / REJECTED / file.relative)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file.path.replace(target)
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot move {file.path} to {target}: {error.strerror or error}.", "Check the landing folder's permissions."
        ) from error


def known_files(rows: Sequence[Mapping[str, object]], source: str) -> set[tuple[str, object, object]]:
    """What the ledger of landing files says was let in: path, size and time.

    A rejected file is not known: whoever moves it back after a cure keeps its name, size and time.
    """
    admitted = [row for row in rows if row["source"] == source and row["status"] == "admitted"]
    return {(str(row["path"]), row["bytes"], row["modified_at"]) for row in admitted}


def _free(path: Path) -> Path:
    """The path, or the first of `name-2`, `name-3`, ... that nobody has."""
    suffix = "".join(path.suffixes[-2:])
    stem = path.name.removesuffix(suffix)
    others = (path.with_name(f"{stem}-{number}{suffix}") for number in count(2))
    return next(candidate for candidate in chain([path], others) if not candidate.exists())


def _link_or_copy(path: Path, target: Path) -> None:
    try:
        os.link(path, target)
    except OSError:
        beside = _beside(target)
        shutil.copy2(path, beside)
        beside.replace(target)


def _rewrite(path: Path, target: Path, source: Source) -> None:
    beside = _beside(target)
    pack = gzip.open if path.suffix == ".gz" else open
    with pack(beside, "wb") as packed:
        for text in _pieces(path, source):
            packed.write(text.encode())
    beside.replace(target)


def _pieces(path: Path, source: Source) -> Iterator[str]:
    if source.layout == "document":
        whole = read_text(path, source.encoding)
        yield from (f"{line}\n" for line in (lines_of(whole) if whole.strip() else ()))
        return
    with opened(path) as stream, io.TextIOWrapper(stream, source.encoding, newline="") as text:
        while chunk := text.read(_CHUNK):
            yield chunk


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.tmp")
