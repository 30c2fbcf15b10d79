"""What lies in files: landed lines, inboxes, logs, exports, the report, the model store."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from personalake.activation.dropped_files import is_dropped
from personalake.activation.dropped_files import without_rows as without_dropped
from personalake.activation.file_drop import ERASURE_LIST, MANIFEST, Item, drop, packed
from personalake.activation.former_drops import without_items
from personalake.common.spellings import spellings
from personalake.config import Settings
from personalake.config.sources import Source
from personalake.lake import Lake
from personalake.lake.file_checks import shape_of
from personalake.lake.landing import REJECTED
from personalake.lake.line_removal import without_lines, without_rows
from personalake.lake.search import Search, files_below
from personalake.pipelines.erasure_cleaned import Cleaned
from personalake.pipelines.erasure_drops import clean_drops, item_test, row_test
from personalake.pipelines.everybody import Everybody
from personalake.pipelines.former_sources import clean_former
from personalake.pipelines.landing_sizes import new_sizes
from personalake.privacy.payloads import LineTest
from personalake.privacy.subject import Subject
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX
from personalake.tracking.store_files import redact

Subjects = Mapping[str, Subject]
ELSEWHERE = (
    "the model store of tracking.uri is not searched here: look there for examples and tags that name the person, "
    "or settle it for good if none are kept there"
)
DECIDED = "a decision names the person; take it out of the configuration, wherever that is kept"


def clean_files(settings: Settings, lake: Lake, subjects: Subjects) -> Iterator[Cleaned]:
    """Remove persons from every file outside the tables, place by place."""
    for name, source in sorted(settings.sources.items()):
        if source.kind == "files" and source.path is not None:
            yield _landed(lake, name, source, subjects)
            yield _taken_in(lake, name, source, subjects)
    yield from clean_former(settings, lake, subjects)
    if settings.identity.overrides:
        yield _decided(settings, subjects)
    yield _logs(lake, subjects)
    yield from clean_drops(settings, subjects)
    yield from _exports(settings, lake, subjects)
    report = settings.report.path.expanduser().resolve()
    yield _removed("report", report, subjects, "deleted; publish_report draws it again")
    access = settings.erasure.access.expanduser().resolve()
    yield _told_before(access, subjects)
    yield _model_store(settings, lake, subjects)


def _decided(settings: Settings, subjects: Subjects) -> Cleaned:
    """The configuration is people's to change: what it says of a person would come back with the next run."""
    code, cleaned = settings.identity.calling_code, Cleaned("identity.overrides", files=1)
    named = (name.partition(":") for override in settings.identity.overrides for name in override.between)
    told = {(kind, form) for kind, _, value in named for form in spellings(kind, value, code)}
    cleaned.unsettled = {rid: DECIDED for rid, subject in subjects.items() if not told.isdisjoint(subject.identifiers)}
    return cleaned


def _landed(lake: Lake, name: str, source: Source, subjects: Subjects) -> Cleaned:
    """Files as they landed, the rejected ones as well; the ledger of landing files hears of their new size."""
    cleaned = Cleaned(f"landing/{name}", detail="lines removed, files kept")
    folder = source.path
    assert folder is not None, "the settings refuse a file source without its folder"
    with new_sizes(lake, name, folder):
        for path in files_below([folder]):
            is_rejected = REJECTED in path.relative_to(folder).parts
            cleaned.attempt(list(subjects), partial(_without, path, source, source.encoding, subjects, is_rejected))
    return cleaned


def _taken_in(lake: Lake, name: str, source: Source, subjects: Subjects) -> Cleaned:
    """The inbox, under names that the stream knows: it reads no file again."""
    cleaned = Cleaned(f"inbox/{name}", detail="lines removed, files kept")
    for path in files_below([lake.locations.inbox(name)]):
        cleaned.attempt(list(subjects), partial(_without, path, source, source.inbox_encoding, subjects, is_loose=False))
    return cleaned


def _without(path: Path, source: Source, encoding: str, subjects: Subjects, is_loose: bool) -> list[int]:
    if not path.stat().st_size:
        return [0] * len(subjects)
    if source.format == "parquet":
        try:
            return without_rows(path, [LineTest(source, subject, (), is_loose).has for subject in subjects.values()])
        except (OSError, pa.ArrowInvalid) as error:
            # The machine's word (no permission, no room on the disk), or a file that could be let in and is damaged since.
            if getattr(error, "errno", None) is not None or _has_footer(path):
                raise
            return [0] * len(subjects)  # no Parquet, or cut off: it was never let in, and shows nothing to anybody
    header, quote = None, None
    if source.format == "csv":
        quote = source.quote
        header = source.header if is_loose else _header(path, source, encoding)
    tests = [LineTest(source, subject, header, is_loose) for subject in subjects.values()]
    return without_lines(path, tests, encoding, quote, words=[test.words for test in tests])


def _has_footer(path: Path) -> bool:
    try:
        pq.read_metadata(path)
    except (OSError, pa.ArrowInvalid):
        return False
    return True


def _header(path: Path, source: Source, encoding: str) -> tuple[str, ...] | None:
    found = shape_of(path, source, encoding)
    return found.names if found else source.header


def _logs(lake: Lake, subjects: Subjects) -> Cleaned:
    """Lines that name a person; other processes go on writing to these very files."""
    cleaned = Cleaned("logs", detail="lines removed, files kept")
    tests, everybody = [_naming(subject) for subject in subjects.values()], Everybody(subjects)
    for path in files_below([lake.locations.log("any").parent]):
        cleaned.attempt(list(subjects), partial(_without_log_lines, path, tests, everybody))
    return cleaned


def _without_log_lines(path: Path, tests: Sequence[Callable[[str], bool]], everybody: Everybody) -> list[int]:
    return without_lines(path, everybody.asked(path, tests), in_place=True)


def _naming(subject: Subject) -> Callable[[str], bool]:
    search = Search(subject.needles)
    return lambda line: bool(search.content(line.encode("utf-8", "surrogateescape")))


def _exports(settings: Settings, lake: Lake, subjects: Subjects) -> Iterator[Cleaned]:
    """Files of file destinations are written again from the outbox, from which the person is gone."""
    exports = settings.exports.expanduser().resolve()
    wanted = {
        place: [rid for rid, it in subjects.items() if place in it.drops] for it in subjects.values() for place in it.drops
    }
    for place, request_ids in sorted(wanted.items()):
        name, _, day = place.partition("/")
        cleaned = Cleaned(f"exports/{place}", detail="written again without the person")
        folder = exports / name / day
        if folder.is_dir() and name not in settings.destinations and name not in settings.connections:
            cleaned.attempt(list(subjects), partial(_without_items, name, folder, subjects))
        elif folder.is_dir() and name in settings.destinations:
            cleaned.files = len(list(files_below([folder])))
            cleaned.erased = dict.fromkeys(request_ids, 1)
            _drop_again(settings, lake, name, day, folder)
        yield cleaned
    yield _removed("exports", exports, subjects, "files deleted; of those with a manifest of their own, rows")


def _drop_again(settings: Settings, lake: Lake, name: str, day: str, folder: Path) -> None:
    destination = settings.destinations[name]
    as_of = date.fromisoformat(day)
    planned = lake.ledger.read(ACTIVATION_OUTBOX, where=[("destination", "=", name), ("as_of", "=", as_of)])
    logged = sorted(
        lake.ledger.read(ACTIVATION_LOG, ("delivery_id", "state", "logged_at"), [("destination", "=", name)]),
        key=lambda row: row["logged_at"],
    )
    states = {row["delivery_id"]: row["state"] for row in logged}
    leaving = sorted(
        (row for row in planned if row["sync"] is None and states.get(row["delivery_id"]) == "accepted"),
        key=lambda row: (row["person_id"], row["decision_id"]),
    )
    items = [Item(row["delivery_id"], row["operation"], row["payload"]) for row in leaving]
    drop(list(packed(items, name, destination)), folder, name, destination, as_of)


def _without_items(name: str, folder: Path, subjects: Subjects) -> list[int]:
    """Of a destination that is not configured any more; its files tell how they are written, or go."""
    try:
        return without_items(folder, [item_test(name, subject) for subject in subjects.values()])
    except (ValueError, KeyError, FileNotFoundError):
        for path in files_below([folder]):
            path.unlink()
        return [int(any(place == f"{name}/{folder.name}" for place in subject.drops)) for subject in subjects.values()]


def _removed(place: str, folder: Path, subjects: Subjects, detail: str) -> Cleaned:
    """Files that name a person, whole; a manifest that vouches for them goes, too."""
    cleaned = Cleaned(place, detail=detail)
    everybody = Everybody(subjects)
    tests = [row_test("", subject) for subject in subjects.values()]
    for path in files_below([folder]):
        if path.name.startswith(ERASURE_LIST):
            continue  # it names people to those who are to forget them
        if is_dropped(path):
            cleaned.attempt(list(subjects), partial(without_dropped, path, tests))
        else:
            cleaned.attempt(list(subjects), partial(_without_file, path, everybody))
    return cleaned


def _without_file(path: Path, everybody: Everybody) -> list[int]:
    found = everybody.named(path)
    if any(found):
        path.unlink()
        (path.parent / MANIFEST).unlink(missing_ok=True)
    return found


def _told_before(access: Path, subjects: Subjects) -> Cleaned:
    """What was exported for the person to read, whole folders."""
    cleaned = Cleaned("access exports", detail="deleted")
    everybody = Everybody(subjects)
    for folder in sorted(access.glob("*")) if access.is_dir() else ():
        files = list(files_below([folder]))
        cleaned.attempt(list(subjects), partial(_without_folder, folder, files, everybody))
    return cleaned


def _without_folder(folder: Path, files: Sequence[Path], everybody: Everybody) -> list[int]:
    found = everybody.named(*files)
    if any(found):
        shutil.rmtree(folder)
    return found


def _model_store(settings: Settings, lake: Lake, subjects: Subjects) -> Cleaned:
    """Models know nobody by name; should a tag, a parameter or an example do so, it goes. Free pages are written over."""
    if settings.tracking.uri is not None:
        return Cleaned("model store", kind="store", unsettled=dict.fromkeys(subjects, ELSEWHERE))
    folder = lake.locations.root / "mlflow"
    cleaned = Cleaned(
        "model store", detail="rows of the database blackened, examples deleted, free pages written over", kind="store"
    )
    searches, everybody = [Search(subject.needles) for subject in subjects.values()], Everybody(subjects)
    for path in files_below([folder]):
        clean = partial(_redacted, path, searches) if path.suffix == ".db" else partial(_without_example, path, everybody)
        cleaned.attempt(list(subjects), clean)
    return cleaned


def _redacted(path: Path, searches: Sequence[Search]) -> list[int]:
    return redact(path, [search.blackened for search in searches])


def _without_example(path: Path, everybody: Everybody) -> list[int]:
    found = everybody.named(*([path] if "example" in path.name else []))
    if any(found):
        path.unlink()
    return found
