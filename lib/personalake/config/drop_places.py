"""Where connections drop their files: in no folder that somebody else reads or keeps, and no two under one name."""

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from personalake.config.connections.files import FilesConnection, TealiumFileConnection
from personalake.config.outputs import OWN_EXPORTS
from personalake.config.settings import Settings

Problem = tuple[tuple[str, ...], str]
# What says where files lie, beside how their names begin; what a connection does not have counts as nothing.
_WHERE = ("host", "port", "folder", "uri")


def drop_problems(settings: Settings) -> Iterator[Problem]:
    """Key and text of each place that would be the wrong one, of connections that are enabled."""
    files = {
        name: one for name, one in sorted(settings.connections.items()) if one.enabled and isinstance(one, FilesConnection)
    }
    kept = {"the lake": settings.root, "the landing folder, where it would be read as a source": settings.landing}
    read = {
        f"the folder that the source {name} reads": source.path
        for name, source in sorted(settings.sources.items())
        if source.enabled and source.path is not None and not _whole(source.path).is_relative_to(_whole(settings.landing))
    }
    taken = {_whole(settings.exports / name): name for name, one in settings.destinations.items() if one.enabled}
    for name, connection in files.items():
        if (folder := connection.local_folder) is None:
            continue
        if folder == Path():
            told = "expected a folder; nothing, or a dot, is wherever a job is started; write e.g. ${exports}/partner"
            yield (("connections", name, "folder"), told)
        for what, home in {**kept, **read}.items():
            is_export = home == settings.root and _whole(folder).is_relative_to(_whole(home / OWN_EXPORTS))
            if _whole(folder).is_relative_to(_whole(home)) and not is_export:
                yield (
                    ("connections", name, "folder"),
                    f"{str(folder)!r} lies in {what}; drop files below ${{exports}}",
                )
        if _whole(folder) in taken:
            other = taken[_whole(folder)]
            yield (
                ("connections", name, "folder"),
                f"{other} of conf/destinations.yml drops its files there, too",
            )
    for (one, first), (other, second) in combinations(files.items(), 2):
        if _place(first) == _place(second):
            told = f"{one} drops files there, too, and their names begin alike; give one another folder, or another prefix"
            yield ("connections", other, "prefix"), told
        elif _is_one_import(first, second):
            told = f"{one} drops files there, too, and one prefix begins with the other: to Tealium they are one import"
            yield ("connections", other, "prefix"), told


def _whole(path: Path) -> Path:
    return path.expanduser().resolve()


def _is_one_import(one: FilesConnection, other: FilesConnection) -> bool:
    """Whether Tealium could not tell the files of two imports: it knows them by how their names begin."""
    if not isinstance(one, TealiumFileConnection) or not isinstance(other, TealiumFileConnection):
        return False
    is_begun = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    return is_begun and _place(one)[:-1] == _place(other)[:-1]


def _place(connection: FilesConnection) -> tuple[str, ...]:
    if (folder := connection.local_folder) is not None:
        return (str(_whole(folder)), connection.prefix)
    told = (str(getattr(connection, name, None) or "") for name in _WHERE)
    # A slash at the end makes no other folder of it.
    return (*(text.rstrip("/") for text in told), connection.prefix)
