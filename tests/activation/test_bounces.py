"""A relay that says of everybody that there is no such mailbox is not believed."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from personalake.activation.answers import Answer, Refused, Taken
from personalake.activation.bounces import ANSWERS
from personalake.activation.delivery import Outcome, Pack
from personalake.activation.reasons import NO_MAILBOX
from personalake.config.connections import Bounds
from personalake.errors import SendingStoppedError
from personalake.pipelines.reply_receipts import take_replies
from personalake.tables.receipts import DELIVERY_RECEIPT
from tests.activation.doubles import FakeClock, MemoryJournal, Scripted, deliveries, sent
from tests.activation.matrix import CASES
from tests.fakes import Fakes
from tests.fakes.fixtures import fakes, started_fakes
from tests.pipelines.outbox_rows import a_lake, context, planned, send, settings, states

__all__ = ["fakes", "started_fakes"]
NAMES = [f"d{n:03d}" for n in range(200)]
GONE = Refused(NO_MAILBOX)


def relay(script: Sequence[Answer | Callable[[Pack], Answer]], **more: Any) -> Scripted:
    return Scripted(script, max_items=1, max_in_flight=1, chunk_items=4, **more)


def test_sending_stops_before_many_are_asked_for_and_none_of_them_is_refused() -> None:
    connector = relay([GONE] * 200)

    report, journal = sent(deliveries(*NAMES), connector)

    assert len(connector.posted) == 20
    assert report.stopped == (
        "20 of the last 25 addresses were refused as unknown, and none is taken for a bounce; "
        "bounds.open_after_no_mailbox is 20"
    )
    assert set(journal.states.values()) == {"pending"}
    # Whether a next chunk was claimed before the last answer came is a matter of moments; nothing of it leaves.
    of_refused = ("pending", "not sent: the relay says of nearly everybody: no such mailbox there")
    assert report.reasons[of_refused] == 20
    assert set(report.reasons) <= {of_refused, ("pending", f"not sent: {report.stopped}")}
    assert report.states.total() == len(journal.outcomes)


def test_a_relay_that_begins_to_refuse_everybody_is_believed_in_what_it_said_before() -> None:
    before = [GONE, *[Taken()] * 59, GONE, *[Taken()] * 20]
    now_and_then = [*[GONE] * 5, Taken()] * 9
    connector = relay([*before, *now_and_then, *[GONE] * 99])

    _, journal = sent(deliveries(*NAMES), connector)

    # Of 25 answers four were taken.
    assert len(connector.posted) == len(before) + 23
    assert Counter(journal.states[name] for name in NAMES[:81]) == {"accepted": 79, "rejected": 2}
    assert {journal.states[name] for name in NAMES[81:104] if name in journal.states} == {"pending", "accepted"}
    assert [name for name, state in journal.states.items() if state == "rejected"] == ["d000", "d060"]


def test_who_is_refused_among_others_bounces_also_if_nothing_comes_after() -> None:
    script = [GONE if n % 4 else Taken() for n in range(100)]
    few = relay([GONE] * 19)

    report, journal = sent(deliveries(*NAMES[:100]), relay(script))
    _, of_few = sent(deliveries(*NAMES[:19]), few)

    assert report.stopped is None
    assert Counter(journal.states.values()) == {"rejected": 75, "accepted": 25} == dict(report.states)
    assert set(of_few.states.values()) == {"rejected"}


def test_who_takes_the_relay_at_its_word_says_so() -> None:
    connector = relay([GONE] * 40, bounds=Bounds(open_after_no_mailbox=None))

    report, journal = sent(deliveries(*NAMES[:40]), connector)

    assert (report.stopped, set(journal.states.values())) == (None, {"rejected"})


def test_what_is_not_sure_yet_has_no_outcome_so_that_a_kill_leaves_no_bounce() -> None:
    class Written(MemoryJournal):
        def record(self, outcomes: Sequence[Outcome]) -> None:
            asked.update({outcome.state.value: len(connector.posted) for outcome in outcomes})
            super().record(outcomes)

    # How much had been asked for when outcomes of a state were written down last.
    asked: dict[str, int] = {}
    connector = relay([GONE, Taken(), GONE])

    _, journal = sent(deliveries(*NAMES[:80]), connector, Written())

    assert Counter(journal.states.values()) == {"accepted": 78, "rejected": 2}
    # After the third answer came as many as are looked at; and nobody waits for the end.
    assert 3 + ANSWERS <= asked["rejected"] < 80


def test_what_is_known_is_written_down_if_something_breaks() -> None:
    def breaks(pack: Pack) -> Answer:
        raise RuntimeError("of the connector")

    journal = MemoryJournal()
    with pytest.raises(RuntimeError):
        sent(deliveries(*NAMES[:8]), relay([GONE, Taken(), GONE, Taken(), Taken(), breaks]), journal)

    assert [journal.states.get(name) for name in NAMES[:4]] == ["rejected", "accepted", "rejected", "accepted"]


@pytest.mark.parametrize("is_all", [True, False])
def test_a_fault_of_the_relay_bars_no_address_from_later_mails(tmp_path: Path, fakes: Fakes, is_all: bool) -> None:
    case, lake = CASES["email"], a_lake(tmp_path)
    planned(lake, case, 40)
    addresses = [case.connector(fakes, FakeClock()).message(one)[0] for one in case.deliveries(40)]  # type: ignore[attr-defined]
    fakes.smtp.do("unknown_mailboxes", addresses if is_all else addresses[:3])

    if is_all:
        with pytest.raises(SendingStoppedError, match=r"refused as unknown.*or, if that much is meant, raise the bound"):
            send(lake, fakes, case, max_in_flight=1)
    else:
        send(lake, fakes, case, max_in_flight=1)

    found = Counter(states(lake).values())
    connections = {"there": {"kind": "email", "host": "relay.example", "sender": "news@shop.example"}}
    count = take_replies(context(lake, settings(lake, connections)))
    receipts = lake.ledger.read(DELIVERY_RECEIPT)
    told = {row["receipt_type"] for row in receipts}
    assert (count, told) == ((0, set()) if is_all else (found["rejected"], {"hard_bounce"}))
    assert found["rejected"] == (0 if is_all else len([one for one in addresses if one in addresses[:3]]))
