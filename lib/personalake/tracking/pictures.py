"""Pictures of a model: one page that opens without a network, and each figure as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_pictures(figures: Mapping[str, Any], folder: Path) -> None:
    """Write Plotly figures as `<name>.json` and together as `figures.html`; bytes as they are.

    Args:
        figures: Plotly figures or bytes, by name.
        folder: Where to write.
    """
    if not figures:
        return
    folder.mkdir(parents=True, exist_ok=True)
    drawn: list[str] = []
    for name, figure in figures.items():
        if isinstance(figure, bytes):
            (folder / name).write_bytes(figure)
            continue
        (folder / f"{name}.json").write_text(figure.to_json(), encoding="utf-8")
        # The script is put in once, with the first figure.
        drawn.append(figure.to_html(full_html=False, include_plotlyjs=not drawn))
    if drawn:
        page = "<!doctype html><meta charset='utf-8'>" + "\n".join(drawn)
        (folder / "figures.html").write_text(page, encoding="utf-8")
