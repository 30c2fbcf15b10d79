"""Destinations as a whole: what all plans sent to each, what came back, what it cost; reads without Spark."""

from collections import Counter
from collections.abc import Sequence

from personalake.activation.spells import seconds_of, together
from personalake.activation.syncs.diff import REFUSED
from personalake.activation.syncs.plan_state import SUPERSEDED
from personalake.activation.traffic import Traffic, traffic
from personalake.lake import Ledger
from personalake.pipelines.last_look import FORGOTTEN, HOLDOUT, NO_CONSENT, SUPPRESSED, UNKNOWN
from personalake.reports.data import Sent, Total
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX
from personalake.tables.receipts import DELIVERY_RECEIPT
from personalake.tables.silver import PERSON_LINK

_CANCELLED = "cancelled"
# Who was stopped for one of these is left out of later plans.
_FOR_GOOD = frozenset({NO_CONSENT, SUPPRESSED, HOLDOUT, UNKNOWN, FORGOTTEN})


def totals_so_far(ledger: Ledger, sent: Sequence[Sent]) -> list[Total]:
    """One entry for each destination of connections.

    Args:
        ledger: The tables.
        sent: What became of each plan.
    """
    if not sent:
        return []
    tables = (ACTIVATION_OUTBOX, ACTIVATION_LOG, DELIVERY_RECEIPT, PERSON_LINK)
    counted = traffic(*(ledger.scan(table, ()) for table in tables))
    names = sorted({one.destination for one in sent})
    return [_total(name, [one for one in sent if one.destination == name], counted.get(name, Traffic())) for name in names]


def _total(name: str, sent: Sequence[Sent], counted: Traffic) -> Total:
    points = [one.data_points for one in sent if one.data_points is not None]
    return Total(
        destination=name,
        planned=sum(one.planned - _taken_back(one) - one.again for one in sent),
        taken=sum(one.taken for one in sent),
        confirmed=sum(one.confirmed for one in sent),
        delivered=counted.delivered,
        rejected=sum(one.rejected for one in sent),
        unknown=sum(one.unknown for one in sent),
        in_flight=sum(one.in_flight for one in sent),
        again=sum(one.again for one in sent),
        may_repeat=sum(one.may_repeat for one in sent),
        cancelled=sum(one.cancelled - _taken_back(one) for one in sent),
        pending=sum(one.pending for one in sent),
        held_out=counted.held_out,
        calls=counted.calls,
        bytes=sum(one.bytes for one in sent),
        data_points=sum(points) if points else None,
        seconds=seconds_of(together(spell for one in sent for spell in one.spells)),
        reasons=_reasons(sent),
    )


def _taken_back(one: Sent) -> int:
    """What a superseded plan did not send: the later one has it among its own, so it is not planned twice.

    It has not whom the earlier one stopped for good, since it leaves them out.
    """
    if one.plan_state != SUPERSEDED:
        return 0
    return one.cancelled - sum(count for (state, why), count in one.reasons.items() if _is_for_good(state, why))


def _is_for_good(state: str, why: str) -> bool:
    return state == _CANCELLED and why in _FOR_GOOD


def _reasons(sent: Sequence[Sent]) -> dict[tuple[str, str], int]:
    """Of all plans; whom each plan left out is said of it alone, since the next one leaves out the same people."""
    found: Counter[tuple[str, str]] = Counter()
    for one in sent:
        apart = (REFUSED, _CANCELLED) if one.plan_state == SUPERSEDED else (REFUSED,)
        found.update(
            {
                (state, why): count
                for (state, why), count in one.reasons.items()
                if state not in apart or _is_for_good(state, why)
            }
        )
    return dict(found)
