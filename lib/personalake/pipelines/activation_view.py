"""How `personalake activation status` looks in a terminal."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from personalake.reports.data import Sent, Total
from personalake.reports.sending import (
    HEAD,
    REASONS_HEAD,
    TOTAL_HEAD,
    TOTAL_REASONS_HEAD,
    cells,
    reason_rows,
    total_cells,
    total_reason_rows,
)

_TEXTS = ("Destination", "Sync", "Plan", "Plan is", "State", "Reason")


def status_view(sent: Sequence[Sent], totals: Sequence[Total] = ()) -> RenderableType:
    """Destinations, their plans, and below them why deliveries did not arrive."""
    if not sent:
        return Text("Nothing has been planned for a connection so far.", style="dim italic")
    told = [_table(TOTAL_HEAD, [total_cells(one) for one in totals])] if totals else []
    if whole := total_reason_rows(totals):
        told.append(_table(TOTAL_REASONS_HEAD, whole))
    told.append(_table(HEAD, [cells(one) for one in sent]))
    reasons = reason_rows(sent)
    return Group(*told, *([_table(REASONS_HEAD, reasons)] if reasons else []))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    view = Table(title=None, header_style="bold", expand=False)
    for column in head:
        view.add_column(column, justify="left" if column in _TEXTS else "right", no_wrap=column == "Destination")
    for row in rows:
        view.add_row(*row)
    return view
