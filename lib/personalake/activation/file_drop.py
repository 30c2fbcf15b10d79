"""The file connector: writes what would be sent, one file for each request, and a manifest last."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from personalake.activation import braze, csv_file, segment
from personalake.activation.packs import Limits, pack
from personalake.config.activation import ENVELOPE_BYTES, Destination
from personalake.errors import EnvironmentProblem

# How the names of lists begin that tell readers of files whom to forget.
ERASURE_LIST = "erasure_"
MANIFEST = "manifest.json"
_SUFFIX = {"segment_batch": "json", "braze_track": "json", "csv": "csv"}


@dataclass(frozen=True)
class Item:
    """One item of a request: the delivery, what is done, and the payload."""

    delivery_id: str
    operation: str
    payload: str


@dataclass(frozen=True)
class Packed:
    """One file: its name, its bytes, and the items that it holds."""

    name: str
    content: bytes
    items: tuple[Item, ...]


def packed(items: Sequence[Item], name: str, destination: Destination) -> Iterator[Packed]:
    """Items as files, in order; names only depend on the place, so that a rerun overwrites.

    Args:
        items: What leaves, in order.
        name: Name of the destination.
        destination: Its dialect and limits.
    """
    sizes = (len(_line(item, destination).encode()) for item in items)
    for number, places in enumerate(pack(sizes, _limits(destination)), start=1):
        held = tuple(items[place] for place in places)
        content = _body(held, destination).encode()
        yield Packed(f"{name}-{number:05d}.{_SUFFIX[destination.dialect]}", content, held)


def drop(files: Sequence[Packed], folder: Path, name: str, destination: Destination, as_of: date) -> None:
    """Put the files of one as-of in place of what an earlier run left there.

    The old manifest goes first and the new one comes last: a folder with a manifest is whole.

    Raises:
        EnvironmentProblem: If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = _manifest(files, name, destination, as_of)
        if _is_in_place(files, folder, manifest):
            return
        (folder / MANIFEST).unlink(missing_ok=True)
        for file in files:
            _write(folder / file.name, file.content)
        kept = {file.name for file in files}
        for path in folder.iterdir():
            if path.is_file() and path.name not in kept:
                path.unlink()
        _write(folder / MANIFEST, manifest)
    except OSError as error:
        raise EnvironmentProblem(
            f"Cannot write {error.filename or folder}: {error.strerror or error}.",
            "Check the folder's permissions and the free space, or set another PERSONALAKE_EXPORTS.",
        ) from error


def _limits(destination: Destination) -> Limits:
    if destination.dialect == "csv":
        header = len(csv_file.body([], csv_file.columns(destination.traits)).encode())
        return Limits(destination.max_items, destination.max_bytes, header, separator=0)
    return Limits(destination.max_items, destination.max_bytes, ENVELOPE_BYTES)


def _line(item: Item, destination: Destination) -> str:
    """What the item adds to a file."""
    if destination.dialect != "csv":
        return item.payload
    return csv_file.lines([item.payload], csv_file.columns(destination.traits))


def _body(items: Sequence[Item], destination: Destination) -> str:
    payloads = [item.payload for item in items]
    if destination.dialect == "segment_batch":
        return segment.body(payloads)
    if destination.dialect == "braze_track":
        return braze.body([(item.operation, item.payload) for item in items])
    return csv_file.body(payloads, csv_file.columns(destination.traits))


def _manifest(files: Sequence[Packed], name: str, destination: Destination, as_of: date) -> bytes:
    """What lies there; no run id, so that a rerun writes the same bytes (gold.activation_log knows the run)."""
    schema = {"columns": list(csv_file.columns(destination.traits))} if destination.dialect == "csv" else {}
    content: Mapping[str, object] = {
        "destination": name,
        "dialect": destination.dialect,
        "as_of": as_of.isoformat(),
        "rows": sum(len(file.items) for file in files),
        **schema,
        "files": [
            {
                "name": file.name,
                "rows": len(file.items),
                "bytes": len(file.content),
                "sha256": hashlib.sha256(file.content).hexdigest(),
            }
            for file in files
        ],
    }
    return (json.dumps(content, indent=2) + "\n").encode()


def _is_in_place(files: Sequence[Packed], folder: Path, manifest: bytes) -> bool:
    wanted = {file.name: file.content for file in files} | {MANIFEST: manifest}
    found = {path.name for path in folder.iterdir()}
    return found == set(wanted) and all((folder / name).read_bytes() == content for name, content in wanted.items())


def _write(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.tmp")
    beside.write_bytes(content)
    beside.replace(path)
