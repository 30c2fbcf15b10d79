"""Files that connections dropped into folders: the person's rows go, everybody else's stay, and manifests fit again."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from personalake.activation.dropped_files import UNFINISHED, RowTest, cells_of, is_dropped, without_rows
from personalake.activation.file_drop import ERASURE_LIST
from personalake.activation.former_drops import ItemTest
from personalake.config import Settings
from personalake.lake.search import Search, files_below
from personalake.pipelines.erasure_cleaned import Cleaned, reason_of
from personalake.pipelines.everybody import Everybody
from personalake.privacy.subject import Subject

Subjects = Mapping[str, Subject]
_NO_FOLDER = "the folder is not there any more"
_TAKEN = "of {count} file{s} with rows of this person somebody has taken it away from here"
_ASK = "whoever reads from there must be asked by hand"


def drop_folders(settings: Settings, subjects: Subjects) -> dict[str, list[Path]]:
    """Destination to the folders of this machine into which its files go, or went when this person was sent there."""
    folders: dict[str, list[Path]] = {}
    for name, connection in settings.connections.items():
        folder: Path | None = connection.local_folder
        if folder is not None:
            folders[name] = [folder.resolve()]
    for subject in subjects.values():
        for name, file in sorted(subject.files):
            if "/" in file and (where := Path(file).parent) not in folders.setdefault(name, []):
                folders[name].append(where)
    return folders


def clean_drops(settings: Settings, subjects: Subjects) -> Iterator[Cleaned]:
    """Clean every folder into which a connection drops its files, or did, one that is disabled or gone included."""
    for name, folders in sorted(drop_folders(settings, subjects).items()):
        for folder in folders:
            place = f"files of {name}" if folder == folders[0] else f"files of {name} in {folder}"
            yield _cleaned(place, name, folder, folder == folders[0], subjects)


def _cleaned(place: str, name: str, folder: Path, is_current: bool, subjects: Subjects) -> Cleaned:
    cleaned = Cleaned(place, detail="rows removed, files and their manifests written anew")
    tests, everybody = [row_test(name, subject) for subject in subjects.values()], Everybody(subjects)
    try:
        is_there = folder.is_dir()
        files = list(folder.iterdir()) if is_there else []
    except OSError as error:
        cleaned.refused[reason_of(error)] += 1
        return cleaned
    for request_id, subject in subjects.items():
        gone = _gone(subject, name, folder, is_current, [file.name for file in files])
        if gone:
            why = _TAKEN.format(count=gone, s="s" if gone > 1 else "")
            cleaned.unsettled[request_id] = f"{why if is_there else _NO_FOLDER}; {_ASK}"
    for path in files_below([folder] if is_there else []):
        if is_dropped(path) and not path.name.startswith(ERASURE_LIST):
            cleaned.attempt(list(subjects), partial(without_rows, path, tests))
        elif path.suffix == UNFINISHED:
            cleaned.attempt(list(subjects), partial(_without_unfinished, path, everybody))
    return cleaned


def _gone(subject: Subject, name: str, folder: Path, is_current: bool, there: Sequence[str]) -> int:
    """Files with rows of the person that were in this folder and are no more."""
    gone = 0
    for destination, file in subject.files:
        path = Path(file)
        is_here = path.parent == folder if "/" in file else is_current
        if destination == name and is_here:
            gone += not any(Path(each).match(path.name) for each in there)
    return gone


def row_test(name: str, subject: Subject) -> RowTest:
    """Whether a row is what one destination was sent about the person, or names them in any of its cells."""
    search = Search(subject.needles)
    payloads = [payload for destination, payload in subject.left if destination == name]
    known: dict[tuple[str, ...], set[tuple[str, ...]]] = {}

    def is_theirs(header: Sequence[str], cells: Sequence[str]) -> bool:
        columns = tuple(header)
        if columns not in known:
            known[columns] = {row for payload in payloads for row in cells_of(payload, columns)}
        return tuple(cells) in known[columns] or bool(search.content("\n".join(cells).encode()))

    return is_theirs


def item_test(name: str, subject: Subject) -> ItemTest:
    """The same for items of bodies of requests, too."""
    rows, search = row_test(name, subject), Search(subject.needles)
    known = {payload for destination, payload in subject.left if destination == name}

    def is_theirs(header: Sequence[str], item: Sequence[str] | str) -> bool:
        if isinstance(item, str):
            return item in known or bool(search.content(item.encode()))
        return rows(header, item)

    return is_theirs


def _without_unfinished(path: Path, everybody: Everybody) -> list[int]:
    """A file that was never renamed is none yet; whoever writes there writes it again."""
    found = everybody.named(path)
    if any(found):
        path.unlink()
    return found
