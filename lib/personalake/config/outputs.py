"""What a lake leaves for others lies in its own folder where a run names another lake and not these."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

OWN_EXPORTS = "_exports"
_OUTPUTS = {("exports",): OWN_EXPORTS, ("report", "path"): "_report", ("erasure", "access"): "_access"}


def follow(merged: dict[str, Any], configured: object, said: Collection[tuple[str, ...]]) -> None:
    """Give a lake that a run names outputs of its own, so that a trial leaves nothing in those of the lake at work.

    Args:
        merged: The merged settings; changed in place. Faults of other kinds are left to others.
        configured: The root that the files name.
        said: Keys that variables and the command line set; of outputs, these stay as they are.
    """
    root = merged.get("root")
    if ("root",) not in said or not isinstance(root, str | Path) or not str(root).strip():
        return
    if _whole(root) == _whole(str(configured)):
        return
    for key, folder in _OUTPUTS.items():
        section = merged.setdefault(key[0], {}) if len(key) > 1 else merged
        if key not in said and isinstance(section, dict):
            section[key[-1]] = str(Path(root).expanduser() / folder)


def _whole(path: str | Path) -> Path:
    return Path(path).expanduser().resolve()
