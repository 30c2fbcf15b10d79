"""Files without some of their lines: the rest stays as it is, and so does the file's time."""

import gzip
import io
import os
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from personalake.common.sieve import Sieve
from personalake.lake.unpacked import opened

LineOf = Callable[[str], bool]
RowOf = Callable[[Mapping[str, object]], bool]
_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error)


def without_lines(
    path: Path,
    tests: Sequence[LineOf],
    encoding: str = "utf-8",
    quote: str | None = None,
    in_place: bool = False,
    words: Sequence[Collection[str] | None] | None = None,
) -> list[int]:
    """Rewrite a text file, plain or gzip, without the lines that any test holds for.

    Args:
        path: The file; it is only touched if a line goes.
        tests: Each is asked about every line, without its end.
        encoding: Character set; bytes that do not fit stay what they are.
        quote: Quote character of a CSV file, whose rows can go over several lines.
        in_place: Keep the very file, which another process goes on writing to.
        words: For each test, words as of `Sieve`, without which it need not be asked; all are asked of every line without.

    Returns:
        How many lines each test held for.
    """
    counts, sieve = [0] * len(tests), Sieve(words or [None] * len(tests))
    for line, places in sieve.sifted(_records(path, encoding, quote)):
        for place in places:
            counts[place] += tests[place](line.rstrip("\r\n"))
    if not any(counts):
        return counts
    pack = gzip.open if path.suffix == ".gz" else open
    with _written_beside(path) as beside:
        with io.TextIOWrapper(cast(IO[bytes], pack(beside, "wb")), encoding, "surrogateescape", newline="") as target:
            for line, places in sieve.sifted(_records(path, encoding, quote)):
                if not any(tests[place](line.rstrip("\r\n")) for place in places):
                    target.write(line)
        if in_place:
            _write_over(path, beside.read_bytes())
        else:
            _replace(beside, path)
    return counts


def without_rows(path: Path, tests: Sequence[RowOf]) -> list[int]:
    """The same for the rows of a Parquet file."""
    file = pq.ParquetFile(path)
    table = file.read()
    told = [[test(row) for test in tests] for row in table.to_pylist()]
    counts = [sum(each) for each in zip(*told, strict=True)] or [0] * len(tests)
    if any(counts):
        codec = file.metadata.row_group(0).column(0).compression.lower()
        kept = table.filter(pa.array([not any(each) for each in told]))
        with _written_beside(path) as beside:
            pq.write_table(kept, beside, compression="none" if codec == "uncompressed" else codec)
            _replace(beside, path)
    return counts


@contextmanager
def _written_beside(path: Path) -> Iterator[Path]:
    """Where the new file is written; nothing is left of it there, also if the disk is full."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        yield beside
    finally:
        beside.unlink(missing_ok=True)


def _write_over(path: Path, shorter: bytes) -> None:
    """Over what is there, and cut: to empty the file first would lose it where the disk is full."""
    with path.open("r+b") as stream:
        stream.write(shorter)
        stream.truncate()


def _replace(beside: Path, path: Path) -> None:
    status = path.stat()
    os.utime(beside, ns=(status.st_atime_ns, status.st_mtime_ns))
    beside.chmod(status.st_mode & 0o777)
    beside.replace(path)


def _records(path: Path, encoding: str, quote: str | None) -> Iterator[str]:
    """Lines, or rows of a CSV file: an open quote goes on with the next line. Half a gzip counts as far as it goes."""
    packed = opened(path)
    with io.TextIOWrapper(packed, encoding, "surrogateescape", newline="") as text:
        held = ""
        try:
            for line in text:
                held += line
                if quote is None or held.count(quote) % 2 == 0:
                    yield held
                    held = ""
        except _BROKEN:
            return
        if held:
            yield held
