"""Settings that would lead a region into another one's lake, wherever they were said."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from personalake.config.regions import CENTRE
from personalake.config.settings import Settings

# A store in a file, e.g. sqlite:///lakehouse/us/mlflow.db, sqlite:////srv/mlflow.db or file:///srv/models.
_STORE = re.compile(r"(?:sqlite(?:\+\w+)?:///|file://|file:)(?P<path>[^?#]+)")
_HOMES = {"sources": "a region reads below ${landing} alone", "connections": "a region writes below ${exports} alone"}


def trespasses(settings: Settings) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every setting with a path, at whatever depth, that lies in another region's places, or above them.

    Asked when files, environment and command line have been merged: places that follow from a region's name can be led
    elsewhere by each of them.

    Yields:
        The key, and what is wrong with it.
    """
    if settings.regions.mode == "central":
        return
    own = settings.region or CENTRE
    others = [name for name in (*settings.regions.names, CENTRE) if name != own]
    homes = (settings.root, settings.landing, settings.exports, settings.report.path, settings.erasure.access)
    foreign = [(home.expanduser().resolve().parent / other) for home in homes for other in others]
    for key, path in paths_of(settings):
        place = path.expanduser().resolve()
        is_theirs = any(place.is_relative_to(one) or one.is_relative_to(place) for one in foreign)
        # Its own places are made of a common folder and its name; a folder that is a region's is common to nobody.
        if is_theirs or (path in homes and place.parent.name in others):
            home = _HOMES.get(key[0], "each region has its own")
            yield key, f"{str(path)!r} reaches into another region; {home}"
    yield from _catalogs(settings, others)


def paths_of(node: Any, key: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Every path in settings, those in addresses of stores too, with its key.

    >>> from personalake.config.settings import TrackingSettings
    >>> list(paths_of(TrackingSettings(uri="sqlite:///lake/us/mlflow.db")))
    [(('uri',), PosixPath('lake/us/mlflow.db'))]
    """
    if isinstance(node, Path):
        yield key, node
    elif isinstance(node, str):
        store = _STORE.match(node)
        if store is not None:
            yield key, Path(store["path"])
    elif isinstance(node, BaseModel):
        for name in type(node).model_fields:
            yield from paths_of(getattr(node, name), (*key, name))
    elif isinstance(node, dict):
        for name, value in node.items():
            yield from paths_of(value, (*key, str(name)))
    elif isinstance(node, tuple | list | set | frozenset):
        for place, value in enumerate(node):
            yield from paths_of(value, (*key, str(place)))


def _catalogs(settings: Settings, others: list[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """A registry in another region's catalog."""
    if not settings.catalog:
        return
    common = settings.catalog.removesuffix(f"_{settings.region or CENTRE}")
    for other in others:
        if settings.tracking.registry_prefix.startswith(f"{common}_{other}."):
            text = f"{settings.tracking.registry_prefix!r} is another region's catalog; it follows from the region's name"
            yield ("tracking", "registry_prefix"), text
