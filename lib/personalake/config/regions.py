"""One lake, or one for each region: places follow from a region's name, so that no setting can lead into another's."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from personalake.config.base import Section
from personalake.config.place_names import expand

CENTRE = "central"
_NAME = re.compile(r"[a-z][a-z0-9]{0,19}")
_TAKEN = frozenset({CENTRE, "bronze", "silver", "gold"})
# Folders below which each region has its own, with their defaults.
_FOLDERS = {"root": "lakehouse", "landing": "landing", "exports": "exports"}
# Where a source that is no folder says what it reads.
_REACHED_BY = {"kafka": "kafka", "jdbc": "database"}
# Kinds of connections whose folder is another machine's: nobody here reads it.
_FAR = frozenset({"sftp"})
# What says where something lies, so that a region's own file may say it.
PLACED_BY = {"sources": ("path", *_REACHED_BY.values()), "connections": ("folder",)}
# What a region's own files cannot say: it would be a way into another region, or out of its own.
_NOT_ITS_OWN = ("root", "landing", "exports", "catalog", "environment", "region", "regions", "tracking", "report.path",
                "erasure.access")  # fmt: skip


class RegionSettings(Section):
    """Central, regional or hybrid set-ups."""

    mode: Literal["central", "regional", "hybrid"] = Field(
        "central",
        description="central: one lake for all; regional: a lake for each region, nothing beside them; hybrid: a lake for "
        "each region, and a centre that holds figures about groups of people, never a person",
    )
    names: tuple[str, ...] = Field((), description="Names of the regions: small letters and digits")
    smallest_cell: int = Field(50, ge=2, description="Fewest people behind a figure that leaves its region")
    handover: Path | None = Field(
        None, description="Folder in which regions leave figures for the centre; `_handover` below the root by default"
    )
    handover_catalog: str | None = Field(
        None, description="The same with Unity Catalog: one catalog `<this>_<region>` each; `<catalog>_handover` by default"
    )

    @field_validator("names")
    @classmethod
    def _plain_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not _NAME.fullmatch(name) or name in _TAKEN:
                raise ValueError(f"{name!r} cannot be a region: small letters and digits, and none of {sorted(_TAKEN)}")
        if len(set(names)) < len(names):
            raise ValueError("a region is named twice")
        return names


def forbidden(layer: Mapping[str, Any]) -> Iterator[str]:
    """Keys of a region's own file that are not its to set, dotted."""
    for key in _NOT_ITS_OWN:
        outer, _, inner = key.partition(".")
        value = layer.get(outer)
        if outer in layer and (not inner or (isinstance(value, Mapping) and inner in value)):
            yield key


def place(merged: dict[str, Any], region: str | None, own: Collection[str] = ()) -> Iterator[str]:
    """Give a region, or the centre, places of its own; everything else of the merged settings stays.

    Args:
        merged: The merged settings; changed in place. Faults of other kinds are left to others.
        region: The region of this run; None for none.
        own: Sources of which the region's own files say where they lie, as `sources.crm`.

    Yields:
        What is wrong with the choice of region, and with topics and databases that all regions share.
    """
    regions = merged.get("regions") or {}
    mode, told = (regions.get("mode", "central"), regions.get("names")) if isinstance(regions, dict) else (None, None)
    names = [str(name) for name in told] if isinstance(told, list | tuple) else []
    merged["region"] = region
    if mode not in ("regional", "hybrid"):
        if region is not None:
            yield f"region: {region!r} was asked for, but regions.mode is {mode}; set it to regional or hybrid"
        return
    if region is None and mode == "regional":
        yield f"region: missing, since regions.mode is regional; name one with --region: {', '.join(names)}"
        return
    if region is not None and region not in names:
        yield f"region: {region!r} is none of {', '.join(names) or 'no regions'}; add it to regions.names"
        return
    base = {key: str(merged.get(key) or default) for key, default in _FOLDERS.items()}
    _hand_over(merged, base["root"])
    _move(merged, base, region or CENTRE)
    if region is None:
        # The centre takes in and sends nothing about people.
        merged.update(sources={}, destinations={}, connections={}, audiences={})
        return
    yield from _shared(merged, own)


def _hand_over(merged: dict[str, Any], root: str) -> None:
    regions = dict(merged["regions"])
    regions["handover"] = str(regions.get("handover") or Path(root) / "_handover")
    if merged.get("catalog"):
        regions["handover_catalog"] = regions.get("handover_catalog") or f"{merged['catalog']}_handover"
    merged["regions"] = regions


def _move(merged: dict[str, Any], base: Mapping[str, str], name: str) -> None:
    merged.update({key: str(Path(folder) / name) for key, folder in base.items()})
    report = dict(merged.get("report") or {})
    merged["report"] = {**report, "path": str(Path(str(report.get("path") or "report")) / name)}
    erasure = dict(merged.get("erasure") or {})
    merged["erasure"] = {**erasure, "access": str(Path(str(erasure.get("access") or "access")) / name)}
    tracking, catalog = dict(merged.get("tracking") or {}), merged.get("catalog")
    prefix = str(tracking.get("registry_prefix") or "")
    if catalog:
        merged["catalog"] = f"{catalog}_{name}"
    is_in_catalog = bool(catalog) and prefix.startswith(f"{catalog}.")
    tracking["registry_prefix"] = (
        f"{catalog}_{name}.{prefix.removeprefix(f'{catalog}.')}" if is_in_catalog else f"{prefix}{name}_"
    )
    tracking["experiment"] = f"{tracking.get('experiment') or 'personalake'}_{name}"
    merged["tracking"] = tracking


def _shared(merged: Mapping[str, Any], own: Collection[str]) -> Iterator[str]:
    """Topics and databases that are named for all regions: each would read the people of all."""
    for name, source in _enabled(merged, "sources", own):
        key = _REACHED_BY.get(str(source.get("kind")))
        if key is not None and "${region}" not in str(source.get(key)):
            yield f"sources.{name}.{key}: the same for every region; name it in the region's own file, or by ${{region}}"


def shared_folders(merged: Mapping[str, Any], own: Collection[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Folders that are named for all regions, wherever they lie: each would read, or keep, the people of all.

    Args:
        merged: The merged settings, placed, in which names such as `${landing}` still stand.
        own: Sources and connections of which the region's own files say where they lie, as `sources.crm`.

    Yields:
        The key, and what is wrong with it.
    """
    if merged.get("region") is None:
        return
    places = {name: str(merged.get(name) or default) for name, default in _FOLDERS.items()}
    homes = [_resolved(place) for place in places.values()]
    for section, key, home in (("sources", "path", "${landing}"), ("connections", "folder", "${exports}")):
        for name, one in _enabled(merged, section, own):
            said = str(one.get(key) or "")
            is_here = one.get("kind") not in _FAR and one.get("kind", "files") not in _REACHED_BY
            if said and is_here and "${region}" not in said:
                found = _resolved(str(expand(said, places)))
                if not any(found.is_relative_to(its) for its in homes):
                    remedy = f"choose one below {home}, name it by ${{region}}, or in the region's own file"
                    yield (section, name, key), f"{said!r} is the same for every region; {remedy}"


def _resolved(place: str) -> Path:
    return Path(place).expanduser().resolve()


def _enabled(merged: Mapping[str, Any], section: str, own: Collection[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Those of a section that run, and of which no file of the region's own says where they lie."""
    found = merged.get(section)
    for name, one in sorted(found.items()) if isinstance(found, dict) else ():
        if isinstance(one, dict) and one.get("enabled") is not False and f"{section}.{name}" not in own:
            yield name, one
