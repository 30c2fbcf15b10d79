"""Puts files into the landing folder once each, whole or not at all."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path

from personalake.errors import InputError

# Raise it when the bytes of any file change: an older landing folder is then refused, not mixed.
SHOP_VERSION = 1


def json_lines(documents: Iterable[Mapping[str, object]]) -> bytes:
    """The documents as compact newline-delimited JSON."""
    return "".join(json.dumps(document, separators=(",", ":")) + "\n" for document in documents).encode()


@dataclass(frozen=True)
class Delivery:
    """What one source lands on one day.

    Attributes:
        source: The source's name, such as `orders`.
        landing_date: The day on which it lands.
        files: The paths of all its files, relative to the landing folder.
        rows: How many lines or rows of real data they hold.
        contents: Builds the bytes of every file, by path.
        planted: How many lines of each kind of dirt they hold.
    """

    source: str
    landing_date: date
    files: tuple[str, ...]
    rows: int
    contents: Callable[[], Mapping[str, bytes]]
    planted: Mapping[str, int] = field(default_factory=dict)

    @property
    def marker(self) -> str:
        """The file that says that this delivery is complete."""
        return f"{self.source}/{self.landing_date}/_complete"


@dataclass(frozen=True)
class Landing:
    """A landing folder that belongs to one shop, told apart by its version and arguments."""

    folder: Path
    seed: int
    households_share: float

    @property
    def arguments(self) -> dict[str, int | float]:
        """What determines every byte in the folder."""
        return {"households_share": self.households_share, "seed": self.seed, "version": SHOP_VERSION}

    def claim(self) -> None:
        """Sign the folder, so that two different shops are never mixed in it.

        Raises:
            InputError: When another shop was emitted into it.
        """
        signature = self.folder / "_shop.json"
        signed = json.dumps(self.arguments)
        if not signature.exists():
            self._write("_shop.json", signed.encode())
        elif (found := signature.read_text(encoding="utf-8")) != signed:
            raise InputError(
                f"The landing folder {self.folder} holds another shop: {found} instead of {signed}.",
                remedy="Name an empty landing folder, or the arguments that this one was begun with.",
            )

    def receive(self, delivery: Delivery) -> dict[str, int]:
        """Write what is missing of a delivery.

        Returns:
            The sizes in bytes of the files written now, by path; empty when it was complete.
        """
        if (self.folder / delivery.marker).exists():
            return {}
        # A file under its final name is whole, and stays as it is: file streams have seen it.
        contents = delivery.contents()
        missing = {path: data for path, data in contents.items() if not (self.folder / path).exists()}
        for path, data in missing.items():
            self._write(path, data)
        self._write(delivery.marker, sha256(json.dumps(self.arguments).encode()).hexdigest().encode())
        return {path: len(data) for path, data in missing.items()}

    def _write(self, path: str, data: bytes) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f".{target.name}.tmp")
        unfinished.write_bytes(data)
        unfinished.replace(target)
