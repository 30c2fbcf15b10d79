"""What earlier runs left accepted: its results are asked for once more."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from personalake.activation.answers import Answer, NotYet, Stop, Taken
from personalake.activation.contract import Connector
from personalake.activation.delivery import Delivery, Outcome, Pack, State
from personalake.activation.journal import Journal
from personalake.activation.outcomes import Attempt, of_taken
from personalake.activation.reasons import told

# Delivery to payload; asked only for what was refused, whose reasons must not repeat it.
Payloads = Callable[[Collection[str]], Mapping[str, str]]


@dataclass(frozen=True)
class Handed:
    """A request that was accepted.

    Args:
        reference: The destination's name for it.
        pack_id: Ours.
        delivery_ids: What it held, in order.
        open_ids: What of it is still accepted, and nothing more.
    """

    reference: str
    pack_id: str
    delivery_ids: tuple[str, ...]
    open_ids: frozenset[str]


@dataclass(frozen=True)
class Found:
    """What a destination says by now.

    Args:
        outcomes: Confirmed, rejected, pending where it should be sent once more, unknown where all of a request failed.
        stopped: Why it was not asked to the end; null if it was.
    """

    outcomes: Sequence[Outcome] = ()
    stopped: str | None = None


async def asked_later(requests: Iterable[Handed], connector: Connector, journal: Journal, payloads: Payloads) -> Found:
    """Ask for the results of each request; what is not there yet stays accepted.

    Args:
        requests: Requests of earlier runs.
        connector: Where they went.
        journal: Where outcomes are written down.
        payloads: What was sent.
    """
    found: list[Outcome] = []
    async with connector:
        for request in requests:
            answer = await connector.ask(_pack(request, {}), request.reference)
            if isinstance(answer, Stop):
                return Found(found, answer.reason)
            if outcomes := _outcomes(request, answer, connector, payloads):
                await asyncio.to_thread(journal.record, outcomes)
                found += outcomes
    return Found(found)


def _outcomes(request: Handed, answer: Answer | NotYet, connector: Connector, payloads: Payloads) -> list[Outcome]:
    if isinstance(answer, Taken):
        return _of_taken(request, answer, connector, payloads)
    if isinstance(answer, NotYet) and answer.doubt and connector.declaration.is_repeatable:
        # It ended badly, and nobody knows for which rows: they may be sent again, which does no harm here.
        ids = tuple(each for each in request.delivery_ids if each in request.open_ids)
        return [Outcome(ids, State.UNKNOWN, told(answer.doubt), request.pack_id)] if ids else []
    return []


def _of_taken(request: Handed, taken: Taken, connector: Connector, payloads: Payloads) -> list[Outcome]:
    odd = [request.delivery_ids[place] for place in sorted({*taken.refused, *taken.again})]
    pack = _pack(request, payloads(odd) if odd else {})
    outcomes = of_taken(connector, Attempt(pack, 0.0), taken._replace(reference=request.reference))
    for place, why in taken.again.items():
        delivery = pack.deliveries[place]
        outcomes.append(Outcome((delivery.delivery_id,), State.PENDING, told(why, delivery.payload), pack.pack_id))
    still_open = ([each for each in outcome.delivery_ids if each in request.open_ids] for outcome in outcomes)
    return [outcome._replace(delivery_ids=ids) for outcome, ids in zip(outcomes, still_open, strict=True) if ids]


def _pack(request: Handed, payloads: Mapping[str, str]) -> Pack:
    deliveries = tuple(Delivery(name, "", "", payloads.get(name, "{}")) for name in request.delivery_ids)
    return Pack(request.pack_id, "", deliveries, 0)
