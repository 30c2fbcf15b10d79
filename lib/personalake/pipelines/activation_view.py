"""How `personalake activation status` looks in a terminal: blocks, since the tables of the report ask for 180 columns."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from personalake.pipelines.plan_view import block
from personalake.reports.data import Sent, Total
from personalake.reports.sending import HEAD, TOTAL_HEAD, cells, stopped_words, total_cells
from personalake.reports.words import ABSENT

# Of those that wait, only some were tried and have a reason.
_OF_THE_WAITING = "of the waiting"
_OFF = (
    "OFF. The sync {sync} is on, and its connection {connection} is off: nothing of it is planned, and nothing leaves. "
    "conf/connections.yml turns it on."
)
# Said also where they are nothing.
_ALWAYS = ("Planned", "Sent", "Waiting")


def status_view(
    sent: Sequence[Sent],
    totals: Sequence[Total] = (),
    off: Mapping[str, str] | None = None,
    held_up: Sequence[str] = (),
    too_small: Sequence[str] = (),
) -> RenderableType:
    """Destinations, their plans, and below each why deliveries did not arrive.

    Args:
        sent: What became of each plan.
        totals: The same by destination.
        off: Syncs that are on while their connection is off, with that connection.
        held_up: What is said of plans that a person has to look at.
        too_small: What is said of plans that do not leave since too few people are meant.
    """
    told: list[RenderableType] = [Text(_OFF.format(sync=sync, connection=one)) for sync, one in (off or {}).items()]
    told += [Text(f"LOOK AT {one}") for one in held_up]
    told += [Text(one) for one in too_small]
    if not sent and (held_up or too_small):
        return Group(*told)
    if not sent:
        return Group(*told, Text("Nothing has been planned for a connection so far.", style="dim italic"))
    for total in totals:
        told.append(block(total.destination, [_figures(TOTAL_HEAD[1:], total_cells(total)[1:]), *_reasons(total.reasons)]))
    told += [block(one.plan_id, _of_plan(one)) for one in sent]
    return Group(*told)


def _of_plan(one: Sent) -> Iterator[str]:
    _, _, _, state, *figures = cells(one)
    yield f"{f'{one.sync} to ' if one.sync else 'to '}{one.destination}, {state}"
    yield _figures(HEAD[4:], figures)
    yield from _reasons(one.reasons)
    if (why := stopped_words(one)) is not None:
        yield f"STOPPED. {why}"


def _figures(head: Sequence[str], values: Sequence[str]) -> str:
    """Figures with their names, those that are nothing left out."""
    shown = [pair for pair in zip(head, values, strict=True) if pair[0] in _ALWAYS or pair[1] not in ("0", ABSENT)]
    return ", ".join(f"{name.lower()} {value}" for name, value in shown)


def _reasons(reasons: Mapping[tuple[str, str], int]) -> list[str]:
    """The most frequent first."""
    found = sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
    return [f"{count:,} {_OF_THE_WAITING if state == 'pending' else state}: {why}" for (state, why), count in found]
