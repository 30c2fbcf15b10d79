import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation import claiming
from personalake.activation.answers import Again, Lost, NotYet, Refused, Stop, Taken
from personalake.activation.breaker import Volume
from personalake.activation.contract import Limits
from personalake.activation.delivery import Claim, Claimed, Delivery, Outcome, Pack, State
from personalake.config.connections import Bounds, Patience, Rate
from tests.activation.doubles import START, FakeClock, MemoryJournal, Scripted, TickingClock, deliveries, delivery, sent


def test_everything_is_claimed_before_it_leaves_and_accepted_after() -> None:
    connector = Scripted()

    report, journal = sent(deliveries("a", "b", "c", "d"), connector)

    assert connector.posted == [["a", "b", "c"], ["d"]]
    assert journal.states == dict.fromkeys("abcd", "accepted")
    assert journal.chunks == [4]
    assert (report.states["accepted"], report.traffic.requests, report.stopped) == (4, 2, None)


def test_a_request_that_is_refused_is_cut_in_halves_until_only_the_bad_item_is_left_out() -> None:
    def refuse_b(pack: Pack) -> Taken | Refused:
        return Refused("status 400: bad row") if any(d.delivery_id == "b" for d in pack.deliveries) else Taken()

    connector = Scripted([refuse_b] * 9, max_items=8)

    _, journal = sent(deliveries("a", "b", "c", "d"), connector)

    assert journal.states == {"a": "accepted", "b": "rejected", "c": "accepted", "d": "accepted"}
    assert journal.outcomes["b"].reason == "status 400: bad row"
    assert connector.posted == [["a", "b", "c", "d"], ["a", "b"], ["a"], ["b"], ["c", "d"]]


def test_half_of_a_refused_request_whose_reply_was_lost_is_sent_again_under_its_own_name() -> None:
    taken: dict[str, list[str]] = {}

    def remembers(pack: Pack) -> Taken | Refused | Lost:
        if any(one.delivery_id == "d" for one in pack.deliveries):
            return Refused("status 400: bad row")
        is_new = pack.pack_id not in taken
        taken.setdefault(pack.pack_id, [one.delivery_id for one in pack.deliveries])
        return Lost("no reply") if is_new else Taken()

    settings = {"max_items": 4, "unknown": "resend_same_key", "deduplication": "request_key"}
    in_a_hurry = Scripted([remembers] * 9, patience=Patience(max_tries=1), **settings)

    _, journal = sent(deliveries("a", "b", "c", "d"), in_a_hurry)
    assert journal.states == {"a": "unknown", "b": "unknown", "c": "unknown", "d": "rejected"}
    _, journal = sent(journal.left(deliveries("a", "b", "c", "d")), Scripted([remembers] * 9, **settings), journal)

    assert journal.states == {"a": "accepted", "b": "accepted", "c": "accepted", "d": "rejected"}
    assert Counter(name for names in taken.values() for name in names) == {"a": 1, "b": 1, "c": 1}


@settings(max_examples=120)
@given(
    kill=st.integers(0, 12),
    bad=st.sets(st.integers(0, 9), min_size=1, max_size=3),
    gone=st.sets(st.integers(0, 9), min_size=1, max_size=3),
)
def test_nobody_gets_a_cut_request_twice_or_never_who_stays_while_others_withdraw_before_it_is_repeated(
    kill: int, bad: set[int], gone: set[int]
) -> None:
    """Killed after the numbered request had its effect; then somebody withdraws, and the same is sent again."""

    class Killed(BaseException):
        pass

    remembered, reached, steps = set[str](), Counter[str](), iter(range(10_000))

    def takes(pack: Pack) -> Taken | Refused:
        is_killed = next(steps) == kill
        names = [one.delivery_id for one in pack.deliveries]
        is_refused = pack.pack_id not in remembered and any(int(name) in bad for name in names)
        if not is_refused and pack.pack_id not in remembered:
            remembered.add(pack.pack_id)
            reached.update(names)
        if is_killed:
            raise Killed
        return Refused("status 400: bad row") if is_refused else Taken()

    def sends() -> Scripted:
        promised = {"unknown": "resend_same_key", "deduplication": "request_key"}
        return Scripted([takes] * 99, max_items=10, max_in_flight=1, **promised)

    def withdrawn(asked: Sequence[Delivery]) -> dict[str, str]:
        return {one.delivery_id: "withdrawn" for one in asked if int(one.delivery_id) in gone}

    people, journal = deliveries(*"0123456789"), MemoryJournal()

    with contextlib.suppress(Killed):
        sent(people, sends(), journal)
    sent(journal.left(people), sends(), journal, check=withdrawn)

    good = {str(number) for number in range(10)} - {str(number) for number in bad}
    stays = good - {str(number) for number in gone}
    assert max(reached.values(), default=1) == 1
    assert {name for name in stays if journal.states[name] == "accepted"} == stays == set(reached) & stays


def test_a_partial_success_rejects_only_what_it_names_and_sends_again_only_what_asks_for_it() -> None:
    connector = Scripted([Taken(refused={0: "unknown column"}, again={2: "rerun the transaction"})])

    _, journal = sent(deliveries("a", "b", "c"), connector)

    assert connector.posted == [["a", "b", "c"], ["c"]]
    assert journal.states == {"a": "rejected", "b": "accepted", "c": "accepted"}


def test_too_many_requests_pause_everybody_for_as_long_as_was_asked() -> None:
    clock = FakeClock()
    connector = Scripted([Again("status 429", 40.0, is_pause=True)], clock, max_items=1, max_in_flight=1)

    _, journal = sent(deliveries("a", "b"), connector, clock=clock)

    assert connector.posted == [["a"], ["a"], ["b"]]
    assert 40 <= clock.seconds <= 41
    assert set(journal.states.values()) == {"accepted"}


def test_waits_grow_with_full_jitter_and_what_is_given_up_stays_pending() -> None:
    clock = FakeClock()
    patience = Patience(max_tries=4, first_wait_seconds=1, max_wait_seconds=3)
    connector = Scripted([Again("status 500")] * 9, clock, patience=patience)

    report, journal = sent(deliveries("a"), connector, clock=clock)

    chance = random.Random(7)
    assert clock.slept == [chance.uniform(0, 1), chance.uniform(0, 2), chance.uniform(0, 3)]
    assert journal.outcomes["a"].state is State.PENDING
    assert journal.outcomes["a"].reason == "given up after 4 tries: status 500"
    assert report.stopped is None


@pytest.mark.parametrize(
    ("policy", "deduplication", "posts", "state", "may_repeat"),
    [
        ("hold", "none", 1, "unknown", False),
        ("at_least_once", "none", 2, "accepted", True),
        ("resend_same_key", "natural", 2, "accepted", False),
    ],
)
def test_a_lost_reply_is_treated_by_the_policy(
    policy: str, deduplication: str, posts: int, state: str, may_repeat: bool
) -> None:
    connector = Scripted([Lost("no reply")], unknown=policy, deduplication=deduplication)

    report, journal = sent(deliveries("a"), connector)

    assert len(connector.posted) == posts
    assert journal.outcomes["a"].state.value == state
    assert (report.may_repeat == 1) is may_repeat


def test_after_a_lost_reply_states_are_set_again_and_events_are_held() -> None:
    connector = Scripted([Lost("no reply")], max_items=4)
    connector.is_state = lambda one: one.operation == "attributes"  # type: ignore[method-assign]
    given_ones = [delivery("a", operation="attributes"), delivery("b"), delivery("c", operation="attributes")]

    report, journal = sent(given_ones, connector)

    assert connector.posted == [["a", "b", "c"], ["a", "c"]]
    assert journal.states == {"a": "accepted", "b": "unknown", "c": "accepted"}
    assert report.may_repeat == 0


def test_what_was_lost_once_is_never_called_pending() -> None:
    connector = Scripted([Lost("no reply"), Again("status 500"), Again("status 500")], unknown="at_least_once")

    _, journal = sent(deliveries("a"), connector)

    assert journal.outcomes["a"].state is State.UNKNOWN


def test_what_was_lost_and_then_refused_may_be_there_all_the_same() -> None:
    def refuse_b(pack: Pack) -> Taken | Refused:
        return Refused("status 422") if any(one.delivery_id == "b" for one in pack.deliveries) else Taken()

    connector = Scripted([Lost("no reply"), *[refuse_b] * 5], unknown="at_least_once")

    report, journal = sent(deliveries("a", "b"), connector)

    assert journal.states == {"a": "accepted", "b": "unknown"}
    assert journal.outcomes["b"].reason == "may have been taken before; then refused: status 422"
    assert report.may_repeat == 1


def test_an_account_error_stops_the_run_and_says_why() -> None:
    connector = Scripted([Stop("status 401: credentials")], max_items=1, max_in_flight=1, chunk_items=2)

    report, journal = sent(deliveries("a", "b", "c", "d", "e", "f"), connector)

    assert connector.posted == [["a"]]
    assert report.stopped == "status 401: credentials"
    assert set(journal.states.values()) == {"pending"}
    assert journal.outcomes["b"].reason == "not sent: status 401: credentials"
    assert "f" not in journal.claims


def test_a_destination_that_only_fails_is_left_alone() -> None:
    connector = Scripted([Lost("no reply")] * 50, max_items=1, max_in_flight=1, bounds=Bounds(open_after_failures=3))

    report, journal = sent(deliveries(*"abcdefgh"), connector)

    assert len(connector.posted) == 3
    assert Counter(journal.states.values()) == {"unknown": 3, "pending": 5}
    assert report.stopped == "3 requests in a row failed, the last: no reply"


def test_a_destination_that_refuses_everything_is_left_alone() -> None:
    connector = Scripted([Refused("status 400")] * 99, max_items=64, bounds=Bounds(open_after_rejections=4))

    report, journal = sent(deliveries(*(f"d{n:02d}" for n in range(64))), connector)

    assert Counter(journal.states.values()) == {"rejected": 4, "pending": 60}
    assert report.stopped is not None
    assert report.stopped.startswith("4 items in a row were refused")


def test_a_plan_beyond_the_bounds_does_not_start() -> None:
    connector = Scripted(bounds=Bounds(max_deliveries=3, max_removals=1))

    report, journal = sent(deliveries("a", "b"), connector, volume=Volume(4))

    assert (connector.posted, journal.claims) == ([], {})
    assert report.stopped == "4 deliveries are planned; bounds.max_deliveries is 3"


def test_a_run_stops_before_the_request_that_would_go_beyond_a_bound() -> None:
    connector = Scripted(max_items=2, max_in_flight=1, bounds=Bounds(max_removals=3))
    given_ones = [replace(one, removal=True) for one in deliveries("a", "b", "c", "d")]

    report, journal = sent(given_ones, connector)

    assert connector.posted == [["a", "b"]]
    assert journal.states == {"a": "accepted", "b": "accepted", "c": "pending", "d": "pending"}
    assert report.stopped == "4 removals; bounds.max_removals is 3"


def test_a_full_window_stops_rather_than_waits() -> None:
    connector = Scripted(max_items=2, max_in_flight=1, bounds=Bounds(max_in_window=3, window_seconds=900))

    report, journal = sent(deliveries("a", "b", "c", "d"), connector)

    assert Counter(journal.states.values()) == {"accepted": 2, "pending": 2}
    assert report.stopped == "4 in 900 seconds; bounds.max_in_window is 3"


@pytest.mark.parametrize(
    ("recent", "taken"),
    # Two are wanted, three may leave in 900 seconds: of the one of a moment ago the window knows, of older ones no more.
    [(((890.0, 2),), 0), (((10.0, 1),), 2), (((901.0, 3),), 2), (((1_000.0, 9), (5.0, 1)), 2)],
)
def test_what_earlier_runs_sent_fills_the_window_too(recent: tuple[tuple[float, int], ...], taken: int) -> None:
    connector = Scripted(max_items=2, bounds=Bounds(max_in_window=3, window_seconds=900))

    report, journal = sent(deliveries("a", "b"), connector, volume=Volume(2, recent=recent))

    assert Counter(journal.states.values())["accepted"] == taken
    assert report.stopped == (None if taken else "4 in 900 seconds; bounds.max_in_window is 3")


def test_a_destination_that_asks_for_more_patience_than_there_is_is_left_alone_until_then() -> None:
    clock = FakeClock()
    connector = Scripted([Again("status 429", 7_200.0, is_pause=True)], clock, max_items=1, max_in_flight=1)

    report, journal = sent(deliveries("a", "b", "c"), connector, clock=clock)

    assert (connector.posted, clock.slept) == ([["a"]], [])
    assert set(journal.states.values()) == {"pending"}
    told = (
        "status 429; it asks to be left alone for 7,200 s, until 2026-01-01 02:00:00 UTC; patience.max_wait_seconds is 300"
    )
    assert report.stopped == told


def test_a_wait_as_long_as_patience_is_waited() -> None:
    clock = FakeClock()
    connector = Scripted([Again("status 429", 300.0, is_pause=True)], clock)

    report, journal = sent(deliveries("a"), connector, clock=clock)

    assert (journal.states, report.stopped) == ({"a": "accepted"}, None)
    assert clock.seconds >= 300


def test_queued_results_are_asked_for_until_they_are_there() -> None:
    connector = Scripted([Taken(reference="r1", ask_later=True)])
    connector.results = [NotYet(), Again("status 500"), Taken(State.CONFIRMED, refused={1: "row: too long"}, reference="r1")]

    _, journal = sent(deliveries("a", "b"), connector)

    assert journal.states == {"a": "confirmed", "b": "rejected"}
    assert journal.outcomes["a"].reference == "r1"


def test_results_that_never_come_leave_the_deliveries_accepted() -> None:
    connector = Scripted([Taken(reference="r1", ask_later=True)], patience=Patience(poll_seconds=10, poll_limit_seconds=25))
    connector.results = [NotYet()] * 3

    _, journal = sent(deliveries("a"), connector)

    assert journal.states == {"a": "accepted"}


def test_a_queue_that_ends_in_an_error_again_and_again_is_a_lost_reply() -> None:
    asked = Taken(reference="r1", ask_later=True)
    connector = Scripted([asked, asked], deduplication="natural", unknown="resend_same_key")
    connector.results = [NotYet("Error"), NotYet(), *[NotYet("Error")] * 3, Taken(State.CONFIRMED)]

    _, journal = sent(deliveries("a"), connector)

    assert connector.posted == [["a"], ["a"]]
    assert journal.states == {"a": "confirmed"}


def test_consent_that_goes_between_plan_and_send_stops_the_send() -> None:
    connector = Scripted()

    report, journal = sent(deliveries("a", "b"), connector, check=lambda ones: {"b": "consent withdrawn"})

    assert connector.posted == [["a"]]
    assert journal.outcomes["b"] == Outcome(("b",), State.CANCELLED, "consent withdrawn", journal.claims["a"].pack_id)
    assert "b" not in journal.claims  # a run that died now would leave nobody in doubt who got nothing
    assert report.states == {"accepted": 1, "cancelled": 1}


def test_consent_is_asked_again_after_a_long_wait() -> None:
    clock = FakeClock()
    asked: list[float] = []

    def check(ones: Sequence[Delivery]) -> dict[str, str]:
        asked.append(clock.seconds)
        return {"a": "consent withdrawn"} if clock.seconds >= 100 else {}

    connector = Scripted([Again("status 429", 100.0, is_pause=True)], clock, recheck_seconds=30)

    _, journal = sent(deliveries("a"), connector, check=check, clock=clock)

    assert connector.posted == [["a"]]
    assert journal.states == {"a": "cancelled"}
    assert asked[:2] == [0.0, 0.0]  # before it is claimed, and after
    assert len(asked) == 3


def test_consent_that_cannot_be_asked_stops_the_run_and_nothing_leaves() -> None:
    def broken(ones: Sequence[Delivery]) -> dict[str, str]:
        raise OSError("the lake is away")

    connector = Scripted()

    report, journal = sent(deliveries("a", "b"), connector, check=broken)

    assert connector.posted == []
    assert set(journal.states.values()) == {"pending"}
    assert report.stopped == "the last look at consent failed: OSError"


def test_a_journal_that_breaks_lets_what_is_under_way_come_to_its_end() -> None:
    journal = MemoryJournal()
    claim = journal.claim

    def claim_once(claims: Sequence[Claimed]) -> None:
        if journal.chunks:
            raise OSError("the disk is full")
        claim(claims)

    journal.claim = claim_once  # type: ignore[method-assign]

    with pytest.raises(OSError, match="the disk is full"):
        sent(deliveries(*"abcdef"), Scripted(max_items=1, chunk_items=3), journal)

    assert journal.states == dict.fromkeys("abc", "accepted")


def test_sending_works_where_a_loop_runs_already() -> None:
    async def in_a_notebook() -> dict[str, str]:
        return sent(deliveries("a"), Scripted())[1].states

    assert asyncio.run(in_a_notebook()) == {"a": "accepted"}


def test_what_may_have_left_before_consent_went_is_unknown_not_cancelled() -> None:
    connector = Scripted([Lost("no reply")], unknown="at_least_once", recheck_seconds=0)
    answers = iter([{}, {}, {"a": "consent withdrawn"}])

    _, journal = sent(deliveries("a"), connector, check=lambda ones: next(answers, {"a": "consent withdrawn"}))

    assert journal.outcomes["a"].state is State.UNKNOWN


@settings(max_examples=60)
@given(withdrawn_at=st.dictionaries(st.integers(0, 39), st.floats(0, 400)), seed=st.integers(0, 99))
def test_nobody_is_sent_anything_after_they_withdrew(withdrawn_at: dict[int, float], seed: int) -> None:
    clock = FakeClock()
    chance = random.Random(seed)
    breaches: list[str] = []

    def gone(name: str) -> bool:
        return clock.seconds >= withdrawn_at.get(int(name), 1e9)

    def judge(pack: Pack) -> Taken | Again:
        breaches.extend(d.delivery_id for d in pack.deliveries if gone(d.delivery_id))
        return Again("status 503", chance.uniform(0, 90)) if chance.random() < 0.4 else Taken()

    def check(ones: Sequence[Delivery]) -> dict[str, str]:
        return {d.delivery_id: "consent withdrawn" for d in ones if gone(d.delivery_id)}

    connector = Scripted(
        [judge] * 500, clock, recheck_seconds=0, max_in_flight=1, patience=Patience(max_tries=20), rates=(Rate(amount=1),)
    )

    report, _ = sent(deliveries(*map(str, range(40))), connector, check=check, clock=clock)

    assert breaches == []
    assert sum(report.states.values()) == 40


def test_one_person_is_never_overtaken_not_even_by_a_retry() -> None:
    connector = Scripted([Again("status 500")], max_items=1, max_in_flight=4)
    given_ones = [delivery("a1", "ann"), delivery("b1", "bob"), delivery("a2", "ann"), delivery("a3", "ann")]

    sent(given_ones, connector)

    of_ann = [names[0] for names in connector.posted if names[0].startswith("a")]
    assert of_ann == ["a1", "a1", "a2", "a3"]


def test_a_run_that_is_killed_after_the_claim_leaves_unknown_deliveries_that_the_policy_treats() -> None:
    journal = MemoryJournal()

    class Killed(BaseException):
        pass

    def die(pack: Pack) -> Taken:
        raise Killed

    with pytest.raises(Killed):
        sent(deliveries("a", "b"), Scripted([die]), journal)
    left = journal.left(deliveries("a", "b"))
    held, repeated = Scripted(), Scripted(unknown="at_least_once")

    _, after_hold = sent(left, held, MemoryJournal())
    report, after_repeat = sent(left, repeated, MemoryJournal())

    assert [one.claim is not None for one in left] == [True, True]
    assert (held.posted, set(after_hold.states.values())) == ([], {"unknown"})
    assert (repeated.posted, report.may_repeat) == ([["a", "b"]], 2)
    assert set(after_repeat.states.values()) == {"accepted"}


def test_a_claimed_request_is_made_again_as_it_was_where_the_key_is_the_requests() -> None:
    connector = Scripted(deduplication="request_key", unknown="resend_same_key", max_items=5)
    packs: list[Pack] = []
    connector.script = [lambda pack: packs.append(pack) or Taken()] * 9  # type: ignore[func-returns-value]
    claimed = [
        replace(delivery(name), claim=Claim(pack_id, START)) for name, pack_id in (("a", "k1"), ("b", "k1"), ("c", "k2"))
    ]

    sent([*claimed, *deliveries("d")], connector)

    assert [(pack.pack_id, [one.delivery_id for one in pack.deliveries]) for pack in packs[:2]] == [
        ("k1", ["a", "b"]),
        ("k2", ["c"]),
    ]
    assert [one.delivery_id for one in packs[2].deliveries] == ["d"]
    assert packs[2].pack_id not in ("k1", "k2")


def test_a_claim_older_than_the_destinations_memory_is_held() -> None:
    connector = Scripted(deduplication="item_key", unknown="resend_same_key")
    connector._declaration = replace(connector.declaration, window_seconds=3600)
    old = replace(delivery("a"), claim=Claim("k", START - timedelta(hours=2)))
    young = replace(delivery("b"), claim=Claim("k", START - timedelta(minutes=2)))

    _, journal = sent([old, young], connector)

    assert journal.states == {"a": "unknown", "b": "accepted"}


def test_oversize_and_broken_payloads_are_rejected_and_their_neighbours_leave() -> None:
    connector = Scripted(limits=Limits(3, max_bytes=100, max_item_bytes=40))
    given_ones = [
        delivery("a", payload=json.dumps({"x": "é" * 30}, ensure_ascii=False)),
        delivery("b", payload="{not json"),
        delivery("c", payload="[1]"),
        delivery("d"),
    ]

    _, journal = sent(given_ones, connector)

    assert connector.posted == [["d"]]
    assert [journal.outcomes[name].reason for name in "abc"] == [
        "oversize: 69 bytes, 40 at most",
        "the payload is not JSON",
        "the payload is not a JSON object",
    ]


def test_reasons_never_hold_what_the_payload_holds() -> None:
    connector = Scripted([Refused("status 400: no such contact 'Jane Doe' <jane@example.com>")])

    _, journal = sent([delivery("a", payload='{"name":"Jane Doe","mail":"jane@example.com"}')], connector)

    assert journal.outcomes["a"].reason == "status 400: no such contact '<value>' <<value>>"


@pytest.mark.parametrize(
    "answer",
    [
        Refused("550 no mailbox for Annelorna <anne@canary.example>"),
        Stop("535 Annelorna <anne@canary.example> may not relay"),
        Again("451 Annelorna <anne@canary.example>: later"),
        Lost("454 Annelorna <anne@canary.example>, perhaps"),
    ],
)
def test_a_destination_that_repeats_who_it_was_told_of_names_nobody_in_outcomes_stops_or_log_lines(
    answer: Refused | Stop | Again | Lost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    people = [delivery(name, payload='{"name":"Annelorna","mail":"anne@canary.example","n":550}') for name in "ab"]
    bounds = Bounds(open_after_failures=1, open_after_rejections=1)
    connector = Scripted([answer] * 9, unknown="hold", bounds=bounds, patience=Patience(max_tries=2))

    report, journal = sent(people, connector)

    said = [str(report.stopped), caplog.text, *(str(outcome.reason) for outcome in journal.outcomes.values())]
    assert report.stopped
    assert "<value>" in report.stopped
    assert not any("annelorna" in text.lower() or "canary" in text for text in said)


def test_a_status_stays_readable_where_an_item_holds_the_same_number_by_chance() -> None:
    connector = Scripted([Again("status 503")] * 2, patience=Patience(max_tries=1), max_items=2)

    _, journal = sent([delivery(name, payload='{"price":503}') for name in "ab"], connector)

    assert journal.outcomes["a"].reason == "given up after 1 tries: status 503"


def test_deliveries_are_read_as_they_are_needed() -> None:
    read = Counter[str]()
    most_ahead = 0
    journal = MemoryJournal()

    def rows() -> object:
        nonlocal most_ahead
        for number in range(500):
            read["rows"] += 1
            most_ahead = max(most_ahead, read["rows"] - len(journal.outcomes))
            yield delivery(f"{number:03d}")

    sent(rows(), Scripted(chunk_items=20, max_items=10), journal)  # type: ignore[arg-type]

    assert len(journal.outcomes) == 500
    assert most_ahead <= 100


ANSWERS = (Taken(), Again("status 500"), Again("status 429", 2.0, is_pause=True), Lost("no reply"), Refused("bad row"))


@settings(max_examples=150)
@given(
    moment=st.integers(0, 30),
    who=st.sets(st.integers(0, 5), min_size=1),
    answers=st.lists(st.sampled_from(ANSWERS), max_size=10),
    items=st.integers(1, 4),
    policy=st.sampled_from(("hold", "at_least_once")),
)
def test_nothing_leaves_of_whom_the_check_refuses_at_any_moment_whatever_is_answered(
    moment: int, who: set[int], answers: list[Taken | Again | Lost | Refused], items: int, policy: str
) -> None:
    """Withdrawn at the numbered step, a look or a reply: no request after it has anything of these people."""
    steps, withdrawn, told, leaked = iter(range(10_000)), set[str](), list(answers), list[str]()

    def step() -> None:
        if next(steps) == moment:
            withdrawn.update(f"p{one}" for one in who)

    def check(asked: Sequence[Delivery]) -> dict[str, str]:
        step()
        return {one.delivery_id: "no consent" for one in asked if one.person_id in withdrawn}

    def answer(pack: Pack) -> Taken | Again | Lost | Refused:
        leaked.extend(one.delivery_id for one in pack.deliveries if one.person_id in withdrawn)
        step()
        return told.pop(0) if told else Taken()

    given = [delivery(f"d{number:02d}", f"p{number // 2}") for number in range(12)]
    # One chunk and one request at a time: nothing is between a request and its last look.
    given_settings = {"max_items": items, "chunk_items": 12, "max_in_flight": 1, "recheck_seconds": 0, "unknown": policy}
    connector = Scripted([answer] * 200, TickingClock(), bounds=Bounds(open_after_failures=100), **given_settings)

    with mock.patch.object(claiming, "_ROUNDS", 12):
        _, journal = sent(given, connector, check=check)

    assert leaked == []
    assert journal.outcomes.keys() == {one.delivery_id for one in given}
    allowed = {one.delivery_id for one in given if int(one.person_id[1:]) not in who}
    assert not any(journal.states[name] == "cancelled" for name in allowed)


def test_who_stops_a_delivery_that_an_earlier_run_had_claimed_makes_it_unknown_and_not_cancelled() -> None:
    claimed = replace(delivery("a"), claim=Claim("p", START))
    connector = Scripted(unknown="resend_same_key", deduplication="natural")

    _, journal = sent(
        [claimed, delivery("b")], connector, check=lambda given: {one.delivery_id: "withdrawn" for one in given}
    )

    assert journal.states == {"a": "unknown", "b": "cancelled"}
    assert journal.outcomes["a"].reason == "may have left before: withdrawn"


@pytest.mark.parametrize(
    ("stopped", "known_before", "reason"),
    [
        (("a",), ["a"], "may have left before, and its request leaves again without it: withdrawn"),
        (("a", "b"), [], "may have left before: withdrawn"),
    ],
)
def test_who_is_left_out_of_a_request_that_leaves_again_under_its_name_is_on_record_before_it_does(
    stopped: tuple[str, ...], known_before: list[str], reason: str
) -> None:
    journal, known = MemoryJournal(), list[str]()
    given = [replace(one, claim=Claim("p", START)) for one in deliveries("a", "b")]

    def taken(pack: Pack) -> Taken:
        known.extend(journal.outcomes)
        return Taken()

    connector = Scripted([taken], unknown="resend_same_key", deduplication="request_key")
    sent(given, connector, journal=journal, check=lambda ones: {one.delivery_id: "withdrawn" for one in ones
                                                                if one.delivery_id in stopped})  # fmt: skip

    assert (known, journal.outcomes["a"].reason) == (known_before, reason)


@pytest.mark.parametrize(("before", "state"), [([], "pending"), ([Lost("no reply")], "unknown")])
def test_what_a_reply_asks_for_once_more_is_not_there_unless_a_try_before_was_taken(before: list[Lost], state: str) -> None:
    script = [*before, Taken(again={0: "rerun the transaction"}), *[Again("status 500")] * 9]

    _, journal = sent(deliveries("a"), Scripted(script, unknown="resend_same_key", deduplication="natural"))

    assert journal.states == {"a": state}


def test_a_person_is_not_overtaken_by_a_next_chunk_whose_look_is_quicker() -> None:
    looks: list[list[str]] = []

    def check(asked: Sequence[Delivery]) -> dict[str, str]:
        names = [one.delivery_id for one in asked]
        looks.append(names)
        if looks.count(["first"]) == 2 and names == ["first"]:
            time.sleep(0.3)  # e.g. the lease lies in a slow store
        return {}

    connector = Scripted(max_items=1, chunk_items=1, max_in_flight=1, unknown="at_least_once")

    sent([delivery("first", "ann"), delivery("second", "ann")], connector, check=check)

    assert connector.posted == [["first"], ["second"]]
    assert looks.index(["second"]) < len(looks) - 1


def test_who_is_stopped_takes_no_place_under_a_rate() -> None:
    clock = FakeClock()
    connector = Scripted(clock=clock, max_items=1, rates=(Rate(amount=1),))

    report, _ = sent(
        deliveries(*map(str, range(100))), connector, check=lambda ones: {one.delivery_id: "withdrawn" for one in ones}
    )

    assert report.states == {"cancelled": 100}
    assert clock.slept == []


def test_who_is_left_out_of_a_request_that_does_not_leave_after_all_may_leave_with_it_later() -> None:
    given = [replace(one, claim=Claim("p", START)) for one in deliveries("a", "b")]
    full = {"bounds": Bounds(max_in_window=1, window_seconds=60)}
    connector = Scripted(unknown="resend_same_key", deduplication="request_key", **full)

    _, journal = sent(given, connector, volume=Volume(1, recent=((1.0, 1),)), check=lambda ones: {"a": "withdrawn"})

    assert connector.posted == []
    assert journal.outcomes["a"].reason == "may have left before: withdrawn"


def test_items_are_refused_in_a_row_only_while_none_is_taken() -> None:
    def odd_ones(pack: Pack) -> Taken | Refused:
        return Refused("no such person") if int(pack.deliveries[0].delivery_id) % 3 else Taken()

    connector = Scripted([odd_ones] * 9, max_items=1, max_in_flight=1, bounds=Bounds(open_after_rejections=3))

    report, journal = sent(deliveries(*"123456789"), connector)

    assert report.stopped is None
    assert Counter(journal.states.values()) == {"rejected": 6, "accepted": 3}


def test_all_that_is_left_of_a_chunk_is_looked_at_together_as_soon_as_the_last_look_is_too_old() -> None:
    clock = FakeClock()
    asked: list[list[str]] = []
    withdrawn = set[str]()

    def check(deliveries: Sequence[Delivery]) -> dict[str, str]:
        asked.append([one.delivery_id for one in deliveries])
        return {one.delivery_id: "no consent" for one in deliveries if one.delivery_id in withdrawn}

    def slow(pack: Pack) -> Taken:
        clock.seconds += 1.5
        if pack.deliveries[0].delivery_id == "b":
            withdrawn.update(("a", "b", "e"))
        return Taken()

    pace = {"max_items": 1, "max_in_flight": 1, "chunk_items": 6, "unknown": "at_least_once"}
    connector = Scripted([slow] * 6, clock, **pace)

    report, journal = sent(deliveries(*"abcdef"), connector, check=check)

    whole = list("abcdef")
    # Before and after the claim; after two requests of a second and a half each, and two more.
    assert asked == [whole, whole, ["c", "d", "e", "f"], ["f"]]
    assert journal.states == {**dict.fromkeys("abcdf", "accepted"), "e": "cancelled"}
    assert report.reasons["cancelled", "no consent"] == 1
