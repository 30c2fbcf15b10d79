"""CSV files that lie in a folder, each with its manifest: the same without some of their rows."""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from personalake.activation.formulas import harmless

RowTest = Callable[[Sequence[str], Sequence[str]], bool]
MANIFEST_END = ".manifest.json"
# Written beside, then renamed.
UNFINISHED = ".tmp"


def manifest_of(name: str, columns: Sequence[str], rows: int, content: bytes) -> bytes:
    """What vouches for one file: it lies beside it, under its name and `MANIFEST_END`."""
    told = {
        "file": name,
        "columns": list(columns),
        "rows": rows,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return (json.dumps(told, indent=2) + "\n").encode()


def is_dropped(path: Path) -> bool:
    """Whether a file is one that a connection dropped: a CSV with a manifest, or with one that was about to be renamed."""
    return path.suffix == ".csv" and (_manifest(path).exists() or _beside(_manifest(path)).exists())


def without_rows(path: Path, tests: Sequence[RowTest]) -> list[int]:
    """Rewrite a dropped file without the rows that any test holds for, and its manifest to fit.

    The old manifest goes first and the new one comes last, so that no reader who waits for it meets a file that does not
    fit; what was killed in between is finished by the next call.

    Args:
        path: The file; it is only touched if a row goes.
        tests: Each is asked about the header and the cells of every row.

    Returns:
        How many rows each test held for.
    """
    header, kept, counts = sifted(path.read_bytes().decode(), tests)
    if any(counts):
        _replace(path, header, kept)
    _finish(path)
    return counts


def sifted(text: str, tests: Sequence[RowTest]) -> tuple[list[str], list[list[str]], list[int]]:
    r"""The header of a CSV, the rows that no test holds for, and how many rows each test held for.

    >>> sifted("id,name\r\n1,Ann\r\n2,Bob\r\n", [lambda header, cells: cells[1] == "Ann"])
    (['id', 'name'], [['2', 'Bob']], [1])
    """
    rows = list(csv.reader(io.StringIO(text, newline="")))
    header, body = (rows[0], rows[1:]) if rows else ([], [])
    told = [[test(header, cells) for test in tests] for cells in body]
    kept = [cells for cells, each in zip(body, told, strict=True) if not any(each)]
    return header, kept, times_held(told, tests)


def times_held(told: Sequence[Sequence[bool]], tests: Sequence[object]) -> list[int]:
    """For how many items each test held; `told` has a row for each item, with what each test said of it."""
    return [sum(each) for each in zip(*told, strict=True)] or [0] * len(tests)


def csv_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A CSV as connections drop it."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([header, *rows])
    return text.getvalue()


def cells_of(payload: str, header: Sequence[str]) -> set[tuple[str, ...]]:
    """A row as it may stand in a file, its formulas made harmless or as they are; none if no column has a value."""
    with suppress(ValueError):
        row = json.loads(payload, parse_float=str)
        if isinstance(row, dict):
            ways = (harmless, partial(harmless, keeps_phones=False), None)
            found = {tuple(cell_of(row.get(name), way) for name in header) for way in ways}
            return {cells for cells in found if any(cells)}
    return set()


def cell_of(value: Any, harmless: Callable[[str], str] | None) -> str:
    """A value as text: null is an empty cell; texts go through what makes them harmless, if anything does.

    A NUL is taken out: many a reader of CSV refuses a whole file for one.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        raise ValueError("more than one value")
    text = value.replace("\0", "") if isinstance(value, str) else str(value)
    return text if harmless is None else harmless(text)


def _replace(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    content, mode = csv_text(header, rows).encode(), path.stat().st_mode & 0o777
    try:
        for beside, told in (
            (_beside(path), content),
            (_beside(_manifest(path)), manifest_of(path.name, header, len(rows), content)),
        ):
            beside.write_bytes(told)
            beside.chmod(mode)
    except OSError:
        # Half a file is of use to nobody, and says what other people's rows say.
        _beside(path).unlink(missing_ok=True)
        _beside(_manifest(path)).unlink(missing_ok=True)
        raise
    _manifest(path).unlink(missing_ok=True)
    _beside(path).replace(path)


def _finish(path: Path) -> None:
    """Put a manifest in its place that was written for the file as it is now."""
    beside = _beside(_manifest(path))
    if not beside.exists():
        return
    told: Mapping[str, object] = {}
    with suppress(ValueError):
        told = json.loads(beside.read_bytes())
    if told.get("sha256") == hashlib.sha256(path.read_bytes()).hexdigest():
        beside.replace(_manifest(path))


def _manifest(path: Path) -> Path:
    return path.with_name(f"{path.name}{MANIFEST_END}")


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}{UNFINISHED}")
