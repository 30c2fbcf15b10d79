"""Landed files that are old enough to go, in landing folders and inboxes alike: only those that bronze has read."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from personalake.config.sources import Source
from personalake.ingestion.contracts import CONTRACTS
from personalake.lake import Lake
from personalake.lake.landing import REJECTED, files_of
from personalake.lake.streams import caught_up_at
from personalake.pipelines.former_sources import former_sources
from personalake.pipelines.job import JobContext
from personalake.pipelines.retention import Receipt, announce_files, confirm, unconfirmed_of
from personalake.tables.bronze import LANDING_FILE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class OldFiles:
    """Old files of one source.

    Args:
        source: Its name in conf/sources/.
        paths: Files that were read, in its landing folder and its inbox.
        rejected: Files as old in `_rejected/`, which bronze has never read; they stay until somebody cures or deletes them.
    """

    source: str
    paths: tuple[Path, ...]
    rejected: int = 0

    @property
    def place(self) -> str:
        """How receipts call it, as those of an erasure do."""
        return f"landing/{self.source}"


def old_files(context: JobContext, cutoff: datetime) -> list[OldFiles]:
    """Files that came before a moment, of every source that has any, enabled or not; of one removed since, in its inbox."""
    configured = {name: source for name, source in context.settings.sources.items() if source.kind == "files"}
    sources = {**configured, **dict.fromkeys(former_sources(context.settings, context.lake))}
    found = (_of_source(context.lake, name, source, cutoff) for name, source in sorted(sources.items(), key=itemgetter(0)))
    return [old for old in found if old.paths or old.rejected]


def _of_source(lake: Lake, name: str, source: Source | None, cutoff: datetime) -> OldFiles:
    verdicts = [row for row in lake.ledger.read(LANDING_FILE, where=[("source", "=", name)]) if row["checked_at"] < cutoff]
    refused = {row["path"] for row in verdicts if row["status"] == "rejected"}
    folder = None if source is None else source.path
    rejected = sum(folder is not None and (folder / REJECTED / path).is_file() for path in refused)
    admitted = [row for row in verdicts if row["status"] == "admitted"]
    return OldFiles(name, tuple(_read_of(lake, name, source, admitted)), rejected)


def _read_of(lake: Lake, name: str, source: Source | None, admitted: Iterable[dict[str, Any]]) -> Iterator[Path]:
    """A file was read if it was let in before its stream last read all that there was."""
    kinds = {one.kind for one in CONTRACTS.values()} if source is None else {CONTRACTS[source.contract].kind}
    times = [caught_up_at(lake.locations.checkpoint(f"ingest_{kind}s", name)) for kind in sorted(kinds)]
    read_until = max((time for time in times if time is not None), default=None)
    if read_until is None:
        return
    read = [row for row in admitted if row["checked_at"] < read_until]
    if source is not None:
        told = {(row["path"], row["bytes"], row["modified_at"]) for row in read}
        yield from (file.path for file in files_of(source) if (file.relative, file.size, file.modified_at) in told)
    yield from _in_inbox(lake.locations.inbox(name), read)


def _in_inbox(inbox: Path, old: Iterable[dict[str, Any]]) -> Iterator[Path]:
    """The links of files; an erasure changes how large they are, not how they are called."""
    seen = set[Path]()
    for row in old:
        written = int(row["modified_at"].timestamp() * 1000)
        folder = inbox / row["path"]
        links = folder.iterdir() if folder.is_dir() else ()
        seen.update(path for path in links if path.name.partition("_")[2].startswith(f"{written}-"))
    yield from sorted(seen)


def settle_files(context: JobContext) -> None:
    """Confirm what a run told of before it died: of its files, those that are no longer there are gone."""
    for name in sorted({*context.settings.sources, *former_sources(context.settings, context.lake)}):
        for receipt in unconfirmed_of(context.lake, OldFiles(name, ()).place):
            there = [old for old in old_files(context, receipt["removed_before"]) if old.source == name]
            confirm(context, receipt, max(receipt["rows"] - sum(len(old.paths) for old in there), 0))


def remove_files(context: JobContext, old: OldFiles, kept_days: int, cutoff: datetime) -> int:
    """Delete them, with a receipt before and after.

    Returns:
        Files that are gone.
    """
    if not old.paths:
        return 0
    receipt: Receipt = announce_files(context, old.place, kept_days, cutoff, len(old.paths))
    for path in old.paths:
        path.unlink(missing_ok=True)
    confirm(context, receipt, len(old.paths))
    logger.info("%s: %d files that were kept for %d days are deleted", old.place, len(old.paths), kept_days)
    return len(old.paths)
