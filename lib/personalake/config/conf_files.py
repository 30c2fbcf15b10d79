"""Files of conf/ that nothing reads, since their names are no settings': whoever wrote them would wait in vain."""

from collections.abc import Collection, Iterator
from pathlib import Path

from personalake.config.nearest import closest, nearest

_FOLDERS = ("sources", "templates", "environments", "regions")
_ONE_EACH = ("sources", "templates")


def unread_files(folder: Path, sections: Collection[str]) -> Iterator[str]:
    """What is wrong with the name of each file that is not read.

    Args:
        folder: The configuration folder.
        sections: Names of files, without ending, that hold a part of the settings.
    """
    yield from _misnamed(folder, ("base", *sections))
    yield from _misnamed(folder / "environments", None)
    yield from _of_folders(folder)
    for region in sorted((folder / "regions").glob("*/")):
        yield from _misnamed(region, ("region", *sections))
        yield from _of_folders(region)


def _of_folders(folder: Path) -> Iterator[str]:
    """Files in folders with one for each thing, and folders that are nearly called so."""
    for kind in _ONE_EACH:
        yield from _misnamed(folder / kind, None)
    for other in sorted(path for path in folder.glob("*/") if path.name not in _FOLDERS and any(path.glob("*.y*ml"))):
        meant = closest(other.name, _FOLDERS)
        if meant is not None:
            yield f"{other}: not read; call the folder {meant}"


def _misnamed(folder: Path, known: Collection[str] | None) -> Iterator[str]:
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() not in (".yml", ".yaml") or path.name.startswith((".", "_")):
            continue
        if known is not None and path.stem not in known:
            yield f"{path}: not read, for no settings have this name; {nearest(path.stem, known)}"
        elif path.suffix != ".yml":
            yield f"{path}: not read; call it {path.stem}.yml"
