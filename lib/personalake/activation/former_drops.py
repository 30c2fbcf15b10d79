"""Folders of file destinations that are not configured any more: the same files without some of their items."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from personalake.activation.dropped_files import UNFINISHED, csv_text, sifted, times_held
from personalake.activation.file_drop import MANIFEST

# Columns of a CSV, none of a body of requests; and the item, as cells or as JSON.
ItemTest = Callable[[Sequence[str], Sequence[str] | str], bool]
_DECODER = json.JSONDecoder()


def without_items(folder: Path, tests: Sequence[ItemTest]) -> list[int]:
    """Rewrite the files that a folder's manifest lists without the items that any test holds for, and the manifest last.

    Args:
        folder: The files of one as-of, with their manifest.
        tests: Each is asked about every item.

    Returns:
        How many items each test held for.

    Raises:
        ValueError: If something there is not as the file connector writes it; nothing is changed then.
    """
    manifest = json.loads((folder / MANIFEST).read_bytes())
    counts, written = [0] * len(tests), dict[Path, tuple[bytes, int]]()
    for file in manifest["files"]:
        path = folder / file["name"]
        made, each, rows = (_csv if path.suffix == ".csv" else _json)(path.read_bytes().decode(), tests)
        counts = [count + more for count, more in zip(counts, each, strict=True)]
        if any(each):
            written[path] = made.encode(), rows
            file |= {"rows": rows, "bytes": len(made.encode()), "sha256": hashlib.sha256(made.encode()).hexdigest()}
    if written:
        manifest["rows"] = sum(file["rows"] for file in manifest["files"])
        (folder / MANIFEST).unlink()
        for path, (content, _) in written.items():
            _write(path, content)
        _write(folder / MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    return counts


def _csv(text: str, tests: Sequence[ItemTest]) -> tuple[str, list[int], int]:
    header, kept, counts = sifted(text, tests)
    if not header:
        raise ValueError("no header")
    return csv_text(header, kept), counts, len(kept)


def _json(text: str, tests: Sequence[ItemTest]) -> tuple[str, list[int], int]:
    """An object of lists; what stays does so letter by letter."""
    told, lists, count = list[list[bool]](), list[str](), 0
    for name, items in _lists(text).items():
        each = [[test((), item) for test in tests] for item in items]
        kept = [item for item, tested in zip(items, each, strict=True) if not any(tested)]
        told, count = told + each, count + len(kept)
        lists.append(f"{json.dumps(name)}:[{','.join(kept)}]")
    return f"{{{','.join(lists)}}}", times_held(told, tests), count


def _lists(text: str) -> Mapping[str, list[str]]:
    whole: Any = json.loads(text)
    lists, place = dict[str, list[str]](), 1
    for name, items in whole.items():
        if not isinstance(items, list):
            raise ValueError("not a list")
        place = text.index("[", place) + 1
        lists[name] = list(_items(text, place, len(items)))
        place += len(",".join(lists[name])) + 1
    return lists


def _items(text: str, place: int, count: int) -> Iterator[str]:
    for _ in range(count):
        _, end = _DECODER.raw_decode(text, place)
        yield text[place:end]
        place = end + 1


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}{UNFINISHED}")
    try:
        beside.write_bytes(content)
        if path.exists():  # a file that only some may read stays so
            beside.chmod(path.stat().st_mode & 0o777)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
