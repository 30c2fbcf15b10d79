"""What of a person has left for files of a connection: the rows, and in which files they lie."""

from collections.abc import Iterable, Mapping
from typing import Any

from personalake.activation.delivery import State
from personalake.config import Settings
from personalake.config.connections.files import FilesConnection
from personalake.lake import Lake
from personalake.privacy.subject import Identifier
from personalake.tables.gold import ACTIVATION_LOG

# Where something may be, as far as anybody here knows.
_MAY_BE_THERE = (State.ACCEPTED, State.CONFIRMED, State.UNKNOWN, State.IN_FLIGHT)
_LOGGED = ("delivery_id", "destination", "state", "file", "pack_id", "reference")
_CSV = ".csv"


def may_hold(settings: Settings, destination: str) -> bool:
    """Whether a destination takes files, or did when it was still configured."""
    connection = settings.connections.get(destination)
    return isinstance(connection, FilesConnection) if connection else destination not in settings.destinations


def files_with(lake: Lake, delivery_ids: Iterable[str]) -> frozenset[Identifier]:
    """Destination and path of each file into which some deliveries went.

    Args:
        lake: The tables.
        delivery_ids: Deliveries to connections that take files.
    """
    ids = sorted(delivery_ids)
    rows = lake.ledger.read(ACTIVATION_LOG, _LOGGED, [("delivery_id", "in", ids)]) if ids else []
    by_pack: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row["state"] in _MAY_BE_THERE and row["pack_id"]:
            by_pack.setdefault((row["destination"], row["pack_id"]), set()).update(_named(row))
    return frozenset(
        (destination, path)
        for (destination, pack_id), paths in by_pack.items()
        for path in _best(paths) or [f"*_{pack_id}{_CSV}"]
    )


def _named(row: Mapping[str, Any]) -> list[str]:
    if row["file"]:
        return [str(row["file"])]
    reference = row["reference"] or ""
    return [reference] if reference.endswith(_CSV) else []


def _best(paths: set[str]) -> list[str]:
    """Whole paths, if any is known: the folder of the connection may be another one by now."""
    whole = sorted(path for path in paths if "/" in path)
    return whole or sorted(paths)
