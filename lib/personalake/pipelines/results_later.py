"""Requests whose results outlasted the polling of the run that sent them: later runs ask on, while there may be any."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby

from personalake.activation.contract import Connector
from personalake.activation.last_state import last_states
from personalake.activation.later import Handed, asked_later
from personalake.activation.sending import finished
from personalake.common.in_memory import in_memory
from personalake.config import Settings
from personalake.config.connections import Connection
from personalake.lake import Ledger
from personalake.lake.conditions import Conditions
from personalake.pipelines.activation_journal import LakeJournal
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX

_COLUMNS = ("delivery_id", "state", "pack_id", "reference", "logged_at")
# In the order in which the rows were written, which is that of the request.
_HANDED = f"""
WITH log AS (SELECT *, row_number() OVER () AS n FROM given),
last AS ({last_states()}),
handed AS (
    SELECT log.reference, log.pack_id, log.delivery_id, n, last.state = 'accepted' AS is_open
    FROM log JOIN last USING (delivery_id) WHERE log.state = 'accepted' AND log.reference IS NOT NULL
), waiting AS (SELECT reference FROM handed WHERE is_open GROUP BY reference)
SELECT reference, pack_id, delivery_id, is_open FROM handed SEMI JOIN waiting USING (reference) ORDER BY reference, n
"""


def with_results(connections: Mapping[str, Connection]) -> Mapping[str, timedelta]:
    """Destinations that are asked for results, and for how long after a request was accepted."""
    kept = {name: getattr(one, "results_seconds", None) for name, one in connections.items() if one.enabled}
    return {name: timedelta(seconds=seconds) for name, seconds in kept.items() if seconds is not None}


def handed(ledger: Ledger, destination: str, since: datetime) -> Iterator[Handed]:
    """Requests to a destination that were accepted since then, and of which something still is."""
    if not ledger.count(ACTIVATION_LOG, [*_accepted(destination, since), ("reference", "!=", None)]):
        return
    with in_memory() as opened:
        of_it: Conditions = [("destination", "=", destination), ("logged_at", ">=", since)]
        opened.register("given", ledger.scan(ACTIVATION_LOG, of_it).reader(_COLUMNS))
        rows = opened.execute(_HANDED).fetchall()
    for (reference, pack_id), found in groupby(rows, key=lambda row: (row[0], row[1])):
        told = list(found)
        open_ids = frozenset(row[2] for row in told if row[3])
        yield Handed(reference, pack_id or "", tuple(row[2] for row in told), open_ids)


def is_waiting(settings: Settings, ledger: Ledger, now: datetime) -> bool:
    """Whether any request may have results by now that nobody has asked for."""
    kept = with_results(settings.connections)
    return any(next(handed(ledger, name, now - age), None) is not None for name, age in kept.items())


def ask_on(
    ledger: Ledger, name: str, since: datetime, connect: Callable[[], Connector], journal: LakeJournal
) -> tuple[Counter[str], str | None]:
    """Ask one destination for what it still owes an answer about.

    Args:
        ledger: The tables.
        name: The destination.
        since: Requests of before that have no results any more.
        connect: Makes its connector, if there is anything to ask for.
        journal: Where outcomes are written down.

    Returns:
        Deliveries by the state that was found out, and why it could not be asked to the end.
    """
    waiting = list(handed(ledger, name, since))
    if not waiting:
        return Counter(), None
    found = finished(asked_later(waiting, connect(), journal, lambda ids: _payloads(ledger, ids)))
    return Counter(outcome.state.value for outcome in found.outcomes for _ in outcome.delivery_ids), found.stopped


def _accepted(destination: str, since: datetime) -> Conditions:
    return [("destination", "=", destination), ("state", "=", "accepted"), ("logged_at", ">=", since)]


def _payloads(ledger: Ledger, delivery_ids: Collection[str]) -> Mapping[str, str]:
    rows = ledger.read(ACTIVATION_OUTBOX, ("delivery_id", "payload"), [("delivery_id", "in", sorted(delivery_ids))])
    return {row["delivery_id"]: row["payload"] for row in rows}
