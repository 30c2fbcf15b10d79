"""The ledger of landing files hears how large files are once an erasure has cleaned them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from personalake.lake import Lake
from personalake.lake.landing import REJECTED
from personalake.lake.search import files_below
from personalake.tables.bronze import LANDING_FILE


@contextmanager
def new_sizes(lake: Lake, source: str, folder: Path) -> Iterator[None]:
    """Tell the ledger of landing files how large those are that are cleaned meanwhile: else they would be read again.

    Args:
        lake: The tables.
        source: Name of the source; one that is not configured now may be so again.
        folder: Its landing folder.
    """
    before = _sizes(folder)
    yield
    after = _sizes(folder)
    changed = {place: size for place, size in before.items() if after.get(place, size) != size}
    if not changed:
        return
    known = lake.ledger.read(LANDING_FILE, where=[("source", "=", source)])
    told = {(row["path"], row["bytes"]): row for row in reversed(known)}
    rows = [told[each] for each in changed.items() if each in told]
    lake.ledger.append(LANDING_FILE, [{**row, "bytes": after[row["path"]]} for row in rows])


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file that was let in; none of one that somebody took away meanwhile."""
    paths = {path.relative_to(folder): path for path in files_below([folder])}
    let_in = {told.as_posix(): path for told, path in paths.items() if REJECTED not in told.parts}
    return {told: path.stat().st_size for told, path in let_in.items() if path.exists()}
