"""The work of an erasure on tables, and the search that follows it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pyarrow as pa

from personalake.activation.file_drop import ERASURE_LIST
from personalake.lake.erasing import Erased, batches_of, erase_rows
from personalake.lake.search import Search, files_below
from personalake.pipelines.erasure_cleaned import reason_of
from personalake.pipelines.erasure_drops import drop_folders
from personalake.pipelines.erasure_receipts import Found, Receipts, note_of
from personalake.pipelines.former_sources import former_sources, landing_of
from personalake.pipelines.job import JobContext
from personalake.pipelines.payload_vault import Vault
from personalake.pipelines.person_search import payloads_of, personal_tables
from personalake.privacy.subject import Subject
from personalake.privacy.ways import rows_of, way_of
from personalake.tables import BY_NAME, Table
from personalake.tables.bronze import DATA_KEY

Subjects = Mapping[str, Subject]
# Raw rows have no key; equal ones are told apart by nobody.
_RAW_KEY = ("source", "payload")
Tell = Callable[[str], None]


def _in_silence(far: str) -> None:
    """Nobody is told how far it is."""


def erase_from_tables(context: JobContext, subjects: Subjects, receipts: Receipts, tell: Tell = _in_silence) -> None:
    """Remove persons from every table that holds anything of a person, and the versions that still know them."""
    tables = personal_tables(context.lake)
    for place, table in enumerate(tables, 1):
        tell(f"table {place:,} of {len(tables):,}")
        _erase_from(context, table, _keys(context, table, subjects), _retention(context), receipts)
    # Last, since raw rows can only be told apart by who can read them; whatever the retention is.
    if context.lake.exists(DATA_KEY):
        keys = Vault(context.settings, context.lake).keys_of(subjects)
        _erase_from(context, DATA_KEY, keys, timedelta(0), receipts)
    receipts.write()


def _erase_from(
    context: JobContext, table: Table, found: tuple[pa.Table, dict[str, int]], retention: timedelta, receipts: Receipts
) -> None:
    """Told first, done in a commit that bears the run's name, told again: the next run finds out what a killed one did."""
    (keys, counts), lake = found, context.lake
    receipts.settle(table, counts)
    if any(counts.values()):
        receipts.add_intent(table.full_name, counts, lake.ledger.rows(table), lake.ledger.version(table))
        receipts.write()
    receipts.add_table(table.full_name, erase_rows(lake, table, keys, retention, note_of(context.run_id)), counts)
    if any(counts.values()):
        receipts.write()


def rows_in_tables(context: JobContext, subjects: Subjects) -> dict[str, int]:
    """Rows that would go, by table."""
    found = {table.full_name: sum(_keys(context, table, subjects)[1].values()) for table in personal_tables(context.lake)}
    return {name: rows for name, rows in found.items() if rows}


def clean_up(context: JobContext, names: Iterable[str]) -> list[Erased]:
    """Remove older versions only."""
    tables = [BY_NAME[name] for name in names if context.lake.exists(BY_NAME[name])]
    return [erase_rows(context.lake, table, pa.table({}), _retention(context)) for table in tables]


def left_of(context: JobContext, subjects: Subjects, tell: Tell = _in_silence) -> dict[str, Found]:
    """Where anything of each person is still found, after every file has been decoded, once for all of them.

    Lists of whom to forget are for readers of files, and name them for that; the last state of the request says so.
    """
    if not context.settings.erasure.search:
        return {request_id: Found(0, (), 0) for request_id in subjects}
    needles = {request_id: set(subject.needles) for request_id, subject in subjects.items()}
    search = Search(set[str]().union(*needles.values()))
    places: dict[str, list[str]] = {request_id: [] for request_id in subjects}
    paths, closed = list(_every_file(context, subjects)), dict[str, Counter[str]]()
    for place, path in enumerate(paths, 1):
        tell(f"file {place:,} of {len(paths):,}")
        if path.name.startswith(ERASURE_LIST):
            continue
        try:
            look = search.look(path)
        except OSError as error:  # nobody can say whom it names
            shown = f"{_shown(path, search, context)} (cannot be read: {reason_of(error)})"
            for told in places.values():
                told.append(shown)
            continue
        named = [request_id for request_id, theirs in needles.items() if not look.found.isdisjoint(theirs)]
        if named:
            shown = _shown(path, search, context)
            for request_id in named:
                places[request_id].append(shown)
        for what in look.sealed:
            closed.setdefault(_shown(path.parent, search, context), Counter())[what] += 1
    return {each: Found(len(paths), tuple(places[each]), len(needles[each]), closed) for each in subjects}


def _every_file(context: JobContext, subjects: Subjects) -> Iterator[Path]:
    """Files of the lake, of landing folders and of what has left, wherever that lies."""
    settings, root = context.settings, context.lake.locations.root
    own = [root / part for part in ("bronze", "silver", "gold", "_inbox", "_checkpoints", "_logs", "_leases", "mlflow")]
    others = [settings.exports, settings.report.path, settings.erasure.access]
    landed = [source.path for source in settings.sources.values() if source.path is not None]
    former = [landing_of(settings, name) for name in former_sources(settings, context.lake)]
    dropped = [folder for folders in drop_folders(settings, subjects).values() for folder in folders]
    folders = [*others, *landed, *filter(None, former), *dropped]
    return files_below([*own, *(folder.expanduser().resolve() for folder in folders)])


def _shown(path: Path, search: Search, context: JobContext) -> str:
    """A path as messages may show it: one that names any of the persons is not repeated."""
    shown = str(path).removeprefix(f"{context.lake.locations.root}/")
    return "a file that is named after the person" if search.path(shown) else shown


def _keys(context: JobContext, table: Table, subjects: Subjects) -> tuple[pa.Table, dict[str, int]]:
    """Keys of the rows of any of the persons, and how many rows each has."""
    way, payloads, key = way_of(table), payloads_of(context.settings, table), _key_of(table)
    counts, found, vault = dict.fromkeys(subjects, 0), [], Vault(context.settings, context.lake)
    for batch in batches_of(context.lake, table, tuple(dict.fromkeys((*key, *way.columns)))):
        readable = vault.opened_batch(batch)
        for request_id, subject in subjects.items():
            theirs = batch.filter(rows_of(readable, way, subject, payloads))
            counts[request_id] += len(theirs)
            if len(theirs):
                found.append(theirs.select(list(key)))
    return (pa.Table.from_batches(found) if found else pa.table({})), counts


def _key_of(table: Table) -> tuple[str, ...]:
    if table.key:
        return table.key
    return _RAW_KEY if "payload" in table.columns else ("row_id", "payload_hash")


def _retention(context: JobContext) -> timedelta:
    return timedelta(hours=context.settings.erasure.retention_hours)
