"""Plans as a table for the console."""

from collections.abc import Iterable
from typing import Any

from rich.console import RenderableType
from rich.table import Table

_NUMBERS = ("added", "changed", "removed", "unchanged", "refused", "held out", "calls")


def plans_view(plans: Iterable[dict[str, Any]]) -> RenderableType:
    """One row for each plan, the latest last."""
    rows = list(plans)
    if not rows:
        return "No plan yet: enable a sync in conf/audiences.yml, then run plan_activation."
    table = Table(title="Plans of audiences", title_justify="left")
    for name in ("plan", "sync", "to", "mode", "as of"):
        table.add_column(name, overflow="fold")
    for name in _NUMBERS:
        table.add_column(name, justify="right")
    table.add_column("about", justify="right")
    table.add_column("state", overflow="fold")
    for row in rows:
        table.add_row(*_cells(row))
    return table


def _cells(row: dict[str, Any]) -> list[str]:
    refused = row["refused"] or {}
    numbers = [*(row[name] for name in _NUMBERS[:4]), sum(refused.values()), row["holdout"], row["calls"]]
    words = [row["state"].replace("_", " "), *([row["reason"]] if row["reason"] else [])]
    words += [f"{count:,} refused: {reason}" for reason, count in sorted(refused.items())]
    points = f"\n{row['data_points']:,} data points" if row["data_points"] else ""
    head = [row["plan_id"], row["sync"], row["destination"], row["mode"], str(row["as_of"])]
    return [*head, *(f"{number:,}" for number in numbers), f"{row['seconds']:,.0f} s{points}", "\n".join(words)]
