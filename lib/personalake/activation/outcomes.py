"""What is said of deliveries, given where their request stands: the honest states, and nothing personal in the reasons."""

from collections.abc import Mapping
from dataclasses import dataclass

from personalake.activation.answers import Taken
from personalake.activation.contract import Connector
from personalake.activation.delivery import Delivery, Outcome, Pack, State
from personalake.activation.kept_back import doubt, unmarked
from personalake.activation.reasons import told


@dataclass(slots=True)
class Attempt:
    """Where one request stands.

    Args:
        pack: What is left of it.
        looked_at: When consent was last asked, in ticks.
        tries: How many there were.
        lost: Why its fate is in doubt, without anything personal; null if it is not.
        parts: Requests that its parts took after it was refused as a whole.
    """

    pack: Pack
    looked_at: float
    tries: int = 0
    lost: str | None = None
    parts: int = 0

    @property
    def requests(self) -> int:
        """Requests that left so far."""
        return self.tries + self.parts


def cancelled(attempt: Attempt, reasons: Mapping[str, str], connector: Connector) -> list[Outcome]:
    """Take out what was stopped; what may have left before that is unknown, not cancelled."""
    pack = attempt.pack
    if not any(delivery.delivery_id in reasons for delivery in pack.deliveries):
        return []
    attempt.pack = pack.of([place for place, one in enumerate(pack.deliveries) if one.delivery_id not in reasons])
    # Where the key is the request's, whatever is left of it leaves under the same one.
    is_left_out = connector.declaration.deduplication == "request_key" and bool(attempt.pack.deliveries)
    return [
        _outcome(delivery, pack, State.CANCELLED, told(reasons[delivery.delivery_id]))
        if attempt.lost is None and delivery.claim is None
        else _outcome(delivery, pack, State.UNKNOWN, doubt(reasons[delivery.delivery_id], is_left_out))
        for delivery in pack.deliveries
        if delivery.delivery_id in reasons
    ]


def stays(outcomes: list[Outcome]) -> list[Outcome]:
    """The same of a request that does not leave after all, with or without them."""
    return [one._replace(reason=unmarked(one.reason)) if one.state is State.UNKNOWN else one for one in outcomes]


def taken_whole(attempt: Attempt, taken: Taken) -> Outcome | None:
    """All of a request that was taken at its first try, as nearly every one is; null if there is more to it."""
    pack = attempt.pack
    if taken.ask_later or taken.refused or taken.again or pack.is_resent or attempt.lost is not None:
        return None
    return Outcome(pack.delivery_ids, taken.state, taken.reason, pack.pack_id, taken.reference, False, attempt.requests)


def of_taken(connector: Connector, attempt: Attempt, taken: Taken) -> list[Outcome]:
    """Accepted or confirmed, apart from what the reply names; what should be sent again has no outcome yet."""
    pack, is_first = attempt.pack, attempt.lost is None and not attempt.pack.is_resent
    if is_first and not taken.refused and not taken.again:
        return [Outcome(pack.delivery_ids, taken.state, taken.reason, pack.pack_id, taken.reference)]
    outcomes = []
    for place, delivery in enumerate(pack.deliveries):
        if place in taken.again:
            continue
        if place in taken.refused:
            outcomes.append(refused(connector, attempt, delivery, told(taken.refused[place], delivery.payload)))
        else:
            repeated = _may_be_there(connector, attempt, delivery)
            told_so = (taken.state, taken.reason, pack.pack_id, taken.reference, repeated)
            outcomes.append(Outcome((delivery.delivery_id,), *told_so))
    return outcomes


def refused(connector: Connector, attempt: Attempt, delivery: Delivery, reason: str) -> Outcome:
    """An item that is refused; if it was sent before, and that could have had an effect, it may be there all the same."""
    if _may_be_there(connector, attempt, delivery):
        return _outcome(delivery, attempt.pack, State.UNKNOWN, f"may have been taken before; then refused: {reason}")
    return _outcome(delivery, attempt.pack, State.REJECTED, reason)


def _may_be_there(connector: Connector, attempt: Attempt, delivery: Delivery) -> bool:
    """Whether an earlier try may have been taken, so that this one is a second."""
    was_sent = attempt.lost is not None or delivery.claim is not None
    return was_sent and not connector.declaration.is_repeatable and not connector.is_state(delivery)


def held(connector: Connector, attempt: Attempt) -> list[Outcome]:
    """After a lost reply: what the policy holds, and may not be sent again."""
    if connector.declaration.unknown != "hold":
        return []
    pack = attempt.pack
    states = [place for place, delivery in enumerate(pack.deliveries) if connector.is_state(delivery)]
    attempt.pack = pack.of(states)
    kept = [delivery for place, delivery in enumerate(pack.deliveries) if place not in set(states)]
    return [_outcome(delivery, pack, State.UNKNOWN, attempt.lost or "") for delivery in kept]


def left(attempt: Attempt, why: str | None) -> list[Outcome]:
    """What the breaker kept back: pending, unless it may have left before."""
    return _doubtful_or_pending(attempt, f"not sent: {told(why or 'nothing is left')}")


def given_up(attempt: Attempt, reason: str) -> list[Outcome]:
    """What was tried as often as patience allows; the reason holds nothing personal."""
    return _doubtful_or_pending(attempt, f"given up after {attempt.tries} tries: {reason}")


def told_of(pack: Pack, reason: object) -> str:
    """What is said of a whole request, without anything of its items."""
    return told(reason, *(delivery.payload for delivery in pack.deliveries))


def _doubtful_or_pending(attempt: Attempt, reason: str) -> list[Outcome]:
    return [
        _outcome(delivery, attempt.pack, State.PENDING, reason)
        if attempt.lost is None and delivery.claim is None
        else _outcome(delivery, attempt.pack, State.UNKNOWN, reason)
        for delivery in attempt.pack.deliveries
    ]


def _outcome(delivery: Delivery, pack: Pack, state: State, reason: str) -> Outcome:
    return Outcome((delivery.delivery_id,), state, reason, pack.pack_id)
