"""Requests to be forgotten, carried to every destination."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from personalake.activation.connectors import connect
from personalake.activation.delivery import Name, State
from personalake.activation.erasure import ErasureReceipt, delete_each
from personalake.config import Settings
from personalake.errors import PersonalakeError
from personalake.pipelines.erasure_names import names_at
from personalake.pipelines.system_clock import SystemClock
from personalake.privacy.subject import Subject

_DONE = {State.ACCEPTED, State.CONFIRMED}
_LATER = {State.PENDING, State.UNKNOWN}
NOT_CONNECTED = "may have been sent this person, and no enabled connection has its name any more; ask there by hand"


@dataclass(frozen=True)
class Answered:
    """What one destination said about one request.

    Args:
        destination: Its name.
        outcome: `asked` if it has taken the request, `pending` if it must be asked again, `failed` if it refuses.
        people: Ids that it was asked about.
        reference: Its own name for the request.
        detail: Why it is not done.
    """

    destination: str
    outcome: str
    people: int
    reference: str | None = None
    detail: str | None = None


def ask_destinations(settings: Settings, subjects: Mapping[str, Subject]) -> dict[str, list[Answered]]:
    """Ask every enabled connection about every person: what it was never sent, it will not miss.

    One that may have been sent somebody, and has been disabled or removed since, cannot be asked; that is an answer, too,
    since the outbox by which it could be known goes with the person.
    """
    answers: dict[str, list[Answered]] = {request_id: [] for request_id in subjects}
    for name, connection in sorted(settings.connections.items()):
        if connection.enabled:
            named = {request_id: names_at(settings, name, subject) for request_id, subject in subjects.items()}
            for request_id, answer in _ask(name, settings, {one: names for one, names in named.items() if names}).items():
                answers[request_id].append(answer)
    connected = {name for name, connection in settings.connections.items() if connection.enabled}
    for request_id, subject in subjects.items():
        for name in sorted({destination for destination, _ in subject.told} - connected - set(settings.destinations)):
            keys = sum(destination == name for destination, _ in subject.told)
            answers[request_id].append(Answered(name, "failed", keys, detail=NOT_CONNECTED))
    return answers


def _ask(name: str, settings: Settings, named: Mapping[str, Sequence[Name]]) -> dict[str, Answered]:
    """What one destination says about each request; what it hangs on keeps the others of this run from being asked.

    So they are asked in any order: one that it can never answer is not always before the same ones.
    """
    if not named:
        return {}
    clock, chance = SystemClock(), random.Random()
    in_turn = chance.sample(list(named), len(named))
    try:
        connector = connect(name, settings.connections[name], clock)
        told = delete_each([named[request_id] for request_id in in_turn], connector, clock, chance)
    except PersonalakeError as error:
        return {request_id: Answered(name, "pending", len(names), detail=error.what) for request_id, names in named.items()}
    return {request_id: _summed(name, receipts) for request_id, receipts in zip(in_turn, told, strict=True)}


def _summed(name: str, receipts: list[ErasureReceipt]) -> Answered:
    states = {receipt.state for receipt in receipts}
    outcome = "pending" if states & _LATER else "asked" if states <= _DONE else "failed"
    references = sorted({receipt.reference for receipt in receipts if receipt.reference})
    reasons = sorted({receipt.reason for receipt in receipts if receipt.reason})
    return Answered(name, outcome, len(receipts), ", ".join(references) or None, "; ".join(reasons) or None)
