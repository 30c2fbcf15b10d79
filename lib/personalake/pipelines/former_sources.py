"""Sources that are not configured any more: what they brought lies where it did, in inboxes and landing folders."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from personalake.config import Settings
from personalake.lake import Lake
from personalake.lake.line_removal import without_lines, without_rows
from personalake.lake.search import Search, files_below
from personalake.pipelines.erasure_cleaned import Cleaned
from personalake.pipelines.everybody import Everybody
from personalake.pipelines.landing_sizes import new_sizes
from personalake.privacy.subject import Subject
from personalake.tables.bronze import LANDING_FILE

Subjects = Mapping[str, Subject]
NOWHERE = (
    "the source is not configured any more, and nobody knows its landing folder: configure it again with its path and "
    "enabled: false and run erase_customers again; or see to it by hand, and say so once for every request: "
    "personalake receipts settle --place landing/NAME --for-good --why WHAT_WAS_DONE"
)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def former_sources(settings: Settings, lake: Lake) -> list[str]:
    """Names of sources that brought files once and are not configured now."""
    inboxes = lake.locations.inbox("any").parent
    known = {path.name for path in inboxes.iterdir() if path.is_dir()} if inboxes.is_dir() else set()
    told = {str(name) for name in lake.ledger.distinct(LANDING_FILE, "source") if name}
    return sorted((known | told) - set(settings.sources))


def landing_of(settings: Settings, source: str) -> Path | None:
    """The folder of a former source: below the landing folder, under its name; None if there is none."""
    folder = settings.landing.expanduser().resolve() / source
    return folder if folder.is_dir() else None


def clean_former(settings: Settings, lake: Lake, subjects: Subjects) -> Iterator[Cleaned]:
    """Remove lines that name a person; no mapping tells any more which columns say whose a line is."""
    subjects = {request_id: subject.loosely() for request_id, subject in subjects.items()}
    for name in former_sources(settings, lake):
        yield _without_lines(f"inbox/{name}", lake.locations.inbox(name), subjects)
        folder = landing_of(settings, name)
        if folder is None:
            yield Cleaned(f"landing/{name}", unsettled=dict.fromkeys(subjects, NOWHERE))
        else:
            with new_sizes(lake, name, folder):
                cleaned = _without_lines(f"landing/{name}", folder, subjects)
            yield cleaned


def _without_lines(place: str, folder: Path, subjects: Subjects) -> Cleaned:
    cleaned = Cleaned(place, detail="lines that name the person removed, files kept")
    searches, everybody = [Search(subject.needles) for subject in subjects.values()], Everybody(subjects)
    for path in files_below([folder]):
        cleaned.attempt(list(subjects), partial(_cleaned, path, searches, everybody))
    return cleaned


def _cleaned(path: Path, searches: list[Search], everybody: Everybody) -> list[int]:
    with path.open("rb") as stream:
        head = stream.read(4)
    if head == b"PAR1":
        return without_rows(path, everybody.asked(path, [partial(_names, search) for search in searches]))
    lines = everybody.asked(path, [partial(_says, search) for search in searches])
    encoding = "utf-16" if head[:2] in _UTF_16 else "utf-8"
    return without_lines(path, lines, encoding, '"' if ".csv" in path.suffixes else None)


def _says(search: Search, line: str) -> bool:
    return bool(search.content(line.encode("utf-8", "surrogateescape")))


def _names(search: Search, row: Mapping[str, object]) -> bool:
    return bool(search.content("\n".join(str(value) for value in row.values()).encode()))
