"""Results that outlast the run that sent: each delivery that is still accepted gets what the destination says by now."""

import asyncio
from collections.abc import Collection, Mapping

from personalake.activation.answers import Answer, NotYet, Stop, Taken
from personalake.activation.delivery import State
from personalake.activation.later import Handed, asked_later
from tests.activation.doubles import MemoryJournal, Scripted

DONE = Taken(State.CONFIRMED, refused={1: "bad city Ulm"}, again={2: "rerun the transaction"})


def asked(*results: Answer | NotYet, **more: str) -> MemoryJournal:
    """Two requests of earlier runs: of the first, one delivery has been settled by a receipt since."""
    journal, connector = MemoryJournal(), Scripted(**more)  # type: ignore[arg-type]
    connector.results = list(results)
    first = Handed("r1", "pack-1", ("a1", "b1", "c1", "d1"), frozenset({"a1", "b1", "c1"}))

    def payloads(ids: Collection[str]) -> Mapping[str, str]:
        assert set(ids) <= {"b1", "c1"}
        return dict.fromkeys(ids, '{"city": "Ulm"}')

    asyncio.run(asked_later([first, Handed("r2", "pack-2", ("e1",), frozenset({"e1"}))], connector, journal, payloads))
    return journal


def test_each_delivery_is_settled_by_its_place_and_what_is_settled_already_stays() -> None:
    journal = asked(DONE, NotYet())

    assert journal.states == {"a1": "confirmed", "b1": "rejected", "c1": "pending"}
    assert (journal.outcomes["b1"].reason, journal.outcomes["b1"].pack_id) == ("bad city <value>", "pack-1")
    assert journal.outcomes["a1"].reference == "r1"


def test_a_queue_that_failed_whole_is_unknown_only_where_a_repetition_does_no_harm() -> None:
    natural = asked(NotYet("the queue says Error"), NotYet(), deduplication="natural", unknown="resend_same_key")
    once = asked(NotYet("the queue says Error"), NotYet())

    assert natural.states == dict.fromkeys(("a1", "b1", "c1"), "unknown")
    assert once.states == {}


def test_an_account_that_may_not_ask_is_left_alone() -> None:
    assert asked(Stop("status 403")).states == {}
