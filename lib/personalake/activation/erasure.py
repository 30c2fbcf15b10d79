"""The right to be forgotten, carried to a destination: who was asked about, and what it answered."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from personalake.activation.answers import Answer
from personalake.activation.clock import Chance, Clock
from personalake.activation.contract import Connector, Declaration, Measured, one_by_one
from personalake.activation.delivery import Claimed, Delivery, Name, Outcome, Pack, State
from personalake.activation.sending import Report, finished, sending

# Shorter ones are parts of every number that a destination gives a request.
_TELLING = 6


@dataclass(frozen=True)
class ErasureReceipt:
    """What a destination answered about one person.

    Args:
        identifier_hash: SHA-256 of the identifier it was asked for; the identifier itself is to be forgotten.
        destination: Who was asked.
        state: Accepted (queued there), confirmed, rejected, unknown or pending.
        reason: Why, if it is not done.
        reference: The destination's own name for the request, by which its support finds it.
        requested_at: When it was asked.
    """

    identifier_hash: str
    destination: str
    state: State
    reason: str | None
    reference: str | None
    requested_at: datetime


def delete(identifiers: Iterable[str | Name], connector: Connector, clock: Clock, chance: Chance) -> list[ErasureReceipt]:
    """Ask a destination to forget people. Asking twice does no harm, so a lost reply is asked again.

    Args:
        identifiers: Whom, as the destination knows them; with the kind of name, where it is known.
        connector: Where.
        clock: Time.
        chance: Randomness of the waits.

    Returns:
        One receipt for each identifier and kind of name; what is pending or unknown must be asked again later.
    """
    (receipts,) = delete_each([identifiers], connector, clock, chance)
    return receipts


def delete_each(
    requests: Iterable[Iterable[str | Name]], connector: Connector, clock: Clock, chance: Chance
) -> list[list[ErasureReceipt]]:
    """The same for several requests, one after the other over one connector.

    A destination that leaves one of them pending or unknown, after all tries, is not asked about those that follow: where it
    hangs, each would take as long again.

    Args:
        requests: Whom, request by request.
        connector: Where.
        clock: Time.
        chance: Randomness of the waits.

    Returns:
        The receipts of each request.
    """

    async def run() -> list[list[ErasureReceipt]]:
        told: list[list[ErasureReceipt]] = []
        why: str | None = None
        for identifiers in requests:
            asked_at, names = clock.now(), _named(identifiers)
            outcomes = [] if why else await _asked(names, connector, clock, chance)
            never = Outcome((), State.PENDING, why or "not asked: the destination was left alone after an earlier failure")
            found = {key: outcome for outcome in outcomes for key in outcome.delivery_ids}
            values = {name.value for name in names.values()}  # replies repeat what was asked
            told.append(
                [
                    _receipt(_hashed(name.value), found.get(key, never), connector.name, asked_at, values)
                    for key, name in names.items()
                ]
            )
            why = why or _left_alone(told[-1])
        return told

    return finished(run())


def _left_alone(receipts: Sequence[ErasureReceipt]) -> str | None:
    """Why a destination is not asked any more, after what it made of a request; null if it is."""
    left = next((receipt for receipt in receipts if receipt.state in (State.PENDING, State.UNKNOWN)), None)
    if left is None:
        return None
    return f"not asked: an earlier request of this run was left {left.state.value}: {left.reason or 'no reason given'}"


def _named(identifiers: Iterable[str | Name]) -> dict[str, Name]:
    names = dict.fromkeys(each if isinstance(each, Name) else Name(each) for each in identifiers)
    return {f"{_hashed(name.value)}{'' if name.label is None else f'/{name.label}'}": name for name in names}


async def _asked(names: Mapping[str, Name], connector: Connector, clock: Clock, chance: Chance) -> list[Outcome]:
    deliveries = [Delivery(key, key, name.operation, name.value) for key, name in names.items()]
    return [
        outcome
        async for some in sending(deliveries, _Eraser(connector), clock, _Unwritten(), chance, Report())
        for outcome in some
    ]


def _hashed(identifier: str) -> str:
    return hashlib.sha256(identifier.encode()).hexdigest()


def _receipt(
    key: str, outcome: Outcome, destination: str, asked_at: datetime, identifiers: Collection[str]
) -> ErasureReceipt:
    reason, reference = (_without(text, identifiers) for text in (outcome.reason, outcome.reference))
    return ErasureReceipt(key, destination, outcome.state, reason, reference, asked_at)


def _without(text: str | None, identifiers: Collection[str]) -> str | None:
    """A destination's words without whom it was asked about: a receipt is kept when all else is gone."""
    if text is None:
        return None
    for identifier in sorted((each for each in identifiers if len(each) >= _TELLING), key=len, reverse=True):
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(identifier)}(?![A-Za-z0-9])", "[erased]", text, flags=re.IGNORECASE)
    return text


class _Unwritten:
    """Receipts are the journal of erasures."""

    def claim(self, claims: Sequence[Claimed]) -> None:
        return None

    def record(self, outcomes: Sequence[Outcome]) -> None:
        return None


class _Eraser:
    """A connector whose only request is to erase; everything else is the connector's own."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        bounds = connector.declaration.bounds.model_copy(
            update={"max_deliveries": None, "max_removals": None, "max_in_window": None}
        )
        self.declaration: Declaration = replace(
            connector.declaration,
            limits=connector.erasure_limits,
            deduplication="natural",
            unknown="resend_same_key",
            bounds=bounds,
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connector, name)

    has_groups = False

    def group_of(self, delivery: Delivery) -> str:
        return ""

    def measured(self, deliveries: Sequence[Delivery]) -> Sequence[Measured]:
        return one_by_one(self, deliveries)

    def size_of(self, delivery: Delivery) -> int:
        return len(delivery.payload.encode())

    def envelope(self, group: str, first: Delivery) -> int:
        return 0

    def problem_of(self, delivery: Delivery) -> str | None:
        return None if delivery.payload else "the identifier is empty"

    async def post(self, pack: Pack) -> Answer:
        return await self._connector.erase(pack)

    async def __aenter__(self) -> "_Eraser":
        await self._connector.__aenter__()
        return self

    async def __aexit__(self, *failure: Any) -> None:
        await self._connector.__aexit__(*failure)
