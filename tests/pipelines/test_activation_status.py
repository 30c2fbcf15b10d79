"""What the console and the report say of deliveries, and how a person settles those that nobody knows about."""

import io
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from personalake.activation.delivery import Claimed, Outcome, State
from personalake.config.settings import Settings
from personalake.errors import InputError, SendingStoppedError
from personalake.lake import Lake
from personalake.pipelines.activation_journal import LakeJournal, Stamps
from personalake.pipelines.activation_plans import plans
from personalake.pipelines.activation_status import sent_so_far
from personalake.pipelines.activation_totals import totals_so_far
from personalake.pipelines.activation_view import status_view
from personalake.pipelines.approve_plan import approve_plan
from personalake.pipelines.held_up import held_up, too_small
from personalake.pipelines.settle_unknown import settle_unknown
from personalake.reports.sending import what_was_sent
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN
from personalake.tables.receipts import DELIVERY_RECEIPT
from personalake.tables.silver import PERSON_LINK
from tests.activation.matrix import CASES, PATIENCE, TodaysClock
from tests.fakes import Fakes, Step
from tests.fakes.fixtures import fakes, started_fakes
from tests.pipelines.outbox_rows import PLANNED_AT, a_lake, answered, changed, planned, send, settings, states

__all__ = ["fakes", "started_fakes"]
SEGMENT, WEBHOOK = CASES["segment"], CASES["webhook"]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return a_lake(tmp_path / "lakehouse")


@pytest.fixture
def half_sent(lake: Lake, fakes: Fakes) -> Lake:
    """Of eight deliveries two were cancelled, two lost their reply, one was refused, and the rest was taken."""
    planned(lake, WEBHOOK, 8)
    answered(lake, ["p3"], "withdrawn")
    fakes.webhook.script(Step("lost", at=[1, 2]), Step("partial", at=[3], items=[0]))
    send(lake, fakes, WEBHOOK, max_in_flight=1)
    return lake


def shown(view: Any) -> str:
    out = io.StringIO()
    Console(width=80, file=out).print(view)
    return re.sub(r"\s+", " ", out.getvalue())


def test_the_status_adds_up_and_names_the_reasons(half_sent: Lake) -> None:
    (sent,) = sent_so_far(half_sent.ledger)

    counts = (sent.planned, sent.taken, sent.rejected, sent.unknown, sent.cancelled, sent.pending, sent.may_repeat)
    assert counts == (8, 3, 1, 2, 2, 0, 0)
    assert sum(counts[1:6]) == sent.planned
    assert sent.reasons["cancelled", "no consent at this moment"] == 2
    assert sum(count for (state, _), count in sent.reasons.items() if state == "unknown") == 2
    text = shown(status_view([sent]))
    told = "plan-1 to there, ready planned 8, sent 3, rejected 1, unknown 2, cancelled 2, waiting 0, share sent 50.0 %, "
    assert text.startswith(f"{told}data points 6, ")
    assert " 2 cancelled: no consent at this moment" in text


def test_what_is_planned_is_the_sum_of_all_states_each_of_which_has_a_figure_of_its_own(lake: Lake) -> None:
    planned(lake, WEBHOOK, 14)
    journal = LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), []))
    names = [f"d{n:03}" for n in range(14)]
    counts = {State.IN_FLIGHT: 2, State.UNKNOWN: 3, State.REJECTED: 1, State.CANCELLED: 1, State.ACCEPTED: 4,
              State.CONFIRMED: 2}  # fmt: skip
    places = iter(names)
    for state, count in counts.items():
        some = tuple(islice(places, count))
        journal.claim([Claimed(some, f"pack-{state}")])
        if state is not State.IN_FLIGHT:
            journal.record([Outcome(some, state, f"because {state}", f"pack-{state}")])

    (sent,) = sent_so_far(lake.ledger)
    (total,) = totals_so_far(lake.ledger, [sent])

    for one in (sent, total):
        parts = (one.pending, one.in_flight, one.taken, one.rejected, one.unknown, one.cancelled)
        assert (one.confirmed, parts, sum(parts)) == (2, (1, 2, 6, 1, 3, 1), one.planned)
    text = shown(status_view([sent], [total]))
    assert text.count("unknown 3, in flight 2, ") == 2
    assert text.count("2 in flight: claimed, and no outcome yet: on the way now, or left so") == 2


def test_a_sync_whose_connection_is_off_is_told_also_where_nothing_was_planned() -> None:
    told = shown(status_view([], off={"regulars": "crm"}))

    assert told.startswith(
        "OFF. The sync regulars is on, and its connection crm is off: nothing of it is planned, and nothing"
    )
    assert "Nothing has been planned" in told


def test_a_destination_as_a_whole_is_counted_with_what_arrived_and_who_was_left_out(half_sent: Lake) -> None:
    ledger = half_sent.ledger
    taken = sorted(name for name, state in states(half_sent).items() if state == "accepted")
    receipts = [
        ("1", "delivered", taken[0]),
        ("2", "clicked", taken[0]),
        ("3", "opened", taken[1]),
        ("4", "failed", taken[2]),
    ]
    shared = [row for row in ledger.read(ACTIVATION_OUTBOX) if row["delivery_id"] == taken[2]]
    ledger.append(ACTIVATION_LOG, [{"delivery_id": one, "destination": "there", "state": "accepted", "reference": "request",
                                    "logged_at": TodaysClock().now()} for one in taken])  # fmt: skip
    # Another message to the same person, of which no receipt tells.
    ledger.append(ACTIVATION_OUTBOX, [{**shared[0], "delivery_id": "other", "plan_id": None}])
    ledger.append(ACTIVATION_LOG, [{"delivery_id": "other", "destination": "there", "state": "accepted", "reference": "r2",
                                    "logged_at": TodaysClock().now()}])  # fmt: skip
    ledger.append(PERSON_LINK, [{"namespace": "customer_id", "value": "ann", "person_id": shared[0]["person_id"]}])
    ledger.append(
        DELIVERY_RECEIPT,
        [{"record_id": n, "source": "s", "receipt_type": kind, "delivery_id": one} for n, kind, one in receipts]
        # A request to several people: who it was tells the person whom the receipt names, and nothing if it names none.
        + [{"record_id": n, "source": "s", "receipt_type": "delivered", "reference": "request", "namespace": "customer_id",
            "customer_id": who} for n, who in (("5", "ann"), ("6", None), ("7", "nobody"))],
    )  # fmt: skip
    ledger.append(
        ACTIVATION_OUTBOX, [{"delivery_id": "h", "person_id": "p9", "destination": "there", "operation": "holdout"}]
    )

    (total,) = totals_so_far(ledger, sent_so_far(ledger))

    counts = (total.planned, total.taken, total.delivered, total.rejected, total.unknown, total.cancelled, total.held_out)
    assert counts == (8, 3, 3, 1, 2, 2, 1)
    assert (total.calls, total.data_points) == (6, 6)
    told = "there planned 8, sent 3, delivered 3, share delivered 100.0 %, rejected 1, unknown 2, cancelled 2, waiting 0, "
    assert shown(status_view(sent_so_far(ledger), [total])).startswith(f"{told}held out 1, calls 6, data points 6, ")


def test_who_sent_back_late_what_had_arrived_is_not_counted_among_the_delivered(lake: Lake, fakes: Fakes) -> None:
    planned(lake, SEGMENT, 4)
    send(lake, fakes, SEGMENT)
    arrived = [
        {"record_id": str(n), "source": "s", "receipt_type": "delivered", "delivery_id": f"d{n:03}"} for n in range(3)
    ]
    lake.ledger.append(DELIVERY_RECEIPT, arrived)
    bounced = Outcome(("d000", "d001"), State.REJECTED, "bounced")
    LakeJournal(lake, "there", Stamps.after(lake.ledger, TodaysClock(), [])).record([bounced])

    (total,) = totals_so_far(lake.ledger, sent_so_far(lake.ledger))

    assert (total.taken, total.delivered, total.rejected) == (2, 1, 2)
    assert "sent 2, delivered 1, share delivered 50.0 %, rejected 2" in shown(status_view(sent_so_far(lake.ledger), [total]))


def test_why_deliveries_did_not_arrive_is_summed_up_over_all_plans_of_a_destination(half_sent: Lake, fakes: Fakes) -> None:
    again = [{**row, "delivery_id": f"{row['delivery_id']}-2", "plan_id": "plan-2"}
             for row in half_sent.ledger.read(ACTIVATION_OUTBOX)]  # fmt: skip
    half_sent.ledger.append(ACTIVATION_OUTBOX, again)
    left_out = {"refused": {"no person": 4}, "destination": "there", "state": "ready"}
    half_sent.ledger.append(ACTIVATION_PLAN, [{**left_out, "plan_id": "plan-2", "logged_at": PLANNED_AT + timedelta(1)}])
    send(half_sent, fakes, WEBHOOK)

    sent = sent_so_far(half_sent.ledger)
    (total,) = totals_so_far(half_sent.ledger, sent)

    assert total.reasons["cancelled", "no consent at this moment"] == 4
    assert not [state for state, _ in total.reasons if state == "refused"]
    text = shown(status_view(sent, [total]))
    assert " 4 cancelled: no consent at this moment" in text
    assert " 4 refused: no person" in text


def test_every_request_that_left_is_a_call_whatever_came_of_it(lake: Lake, fakes: Fakes) -> None:
    planned(lake, SEGMENT, 8)
    # The first request is refused as a whole and cut in halves; the second one is tried in vain.
    fakes.segment.script(Step("status", status=400, at=[1]), Step("status", status=503, at=range(4, 10)))

    result = send(lake, fakes, SEGMENT, max_in_flight=1)

    assert Counter(states(lake).values()) == {"accepted": 4, "pending": 4}
    (total,) = totals_so_far(lake.ledger, sent_so_far(lake.ledger))
    assert total.calls == result.figures["destinations"]["there"]["requests"] == 3 + PATIENCE["max_tries"]


def test_a_plan_that_waits_for_a_person_is_told_on_the_console_and_in_the_report(lake: Lake) -> None:
    beyond = "3 of 4 would be removed, bounds.max_removed_share is 0.2"
    plans_ = [("vip", "stopped", beyond), ("news", "ready", f"{beyond}; only 1 person"), ("big", "awaiting_approval", "9"),
              ("few", "stopped", "2 people may be sent, min_people is 5"), ("fine", "ready", None),
              ("off", "stopped", beyond), ("gone", "awaiting_approval", "9"), ("moved", "stopped", beyond)]  # fmt: skip
    lake.ledger.append(
        ACTIVATION_PLAN,
        [{"plan_id": f"plan-{sync}", "sync": sync, "destination": "there", "state": state, "reason": reason, "added": 9,
          "logged_at": PLANNED_AT} for sync, state, reason in plans_],
    )  # fmt: skip
    sync = {"audience": {"where": "orders > 1"}, "destination": "there", "purposes": ["personalisation"]}
    audiences = {**dict.fromkeys(("vip", "news", "big", "few", "fine"), sync), "off": {**sync, "enabled": False},
                 "moved": {**sync, "destination": "elsewhere"}}  # fmt: skip

    syncs = Settings.model_validate({"audiences": audiences}).audiences

    told = held_up(plans(lake.ledger), syncs, PLANNED_AT + timedelta(1))
    small = too_small(plans(lake.ledger), syncs)

    look = (
        "Look at it with `personalake activation plan plan-{0}`; if that much is meant, plan again with --set audiences.{0}."
    )
    assert sorted(told) == [
        "big to there: plan-big waits for approval with 9 deliveries: 9. "
        "`personalake activation approve plan-big` lets it leave.",
        f"news to there: plan-news takes withdrawn people away, nothing else is sent: {beyond}; only 1 person. "
        f"{look.format('news')}bounds.<name>=<figure>.",
        f"vip to there: plan-vip is stopped, nothing of it is sent: {beyond}. {look.format('vip')}bounds.<name>=<figure>.",
    ]
    # Of few people there is nothing to look at, and no bound to be raised.
    assert small == ["few to there: plan-few is stopped, nothing of it is sent: 2 people may be sent, min_people is 5."]
    text = shown(status_view([], held_up=told, too_small=small))
    assert (text.count("LOOK AT "), text.endswith(small[0] + " ")) == (3, True)
    alone = shown(status_view([], too_small=small))
    assert alone.strip() == small[0]

    class Data:
        sent = totals = ()
        held_up = told
        too_small = small

    notes = what_was_sent(Data).blocks  # type: ignore[arg-type, union-attr]
    assert [(block.tone, block.text) for block in notes] == [  # type: ignore[union-attr]
        *(("alarm", one) for one in told),
        ("plain", small[0]),
    ]


def test_a_plan_that_waited_too_long_to_be_approved_is_not_offered_for_it(lake: Lake) -> None:
    now = datetime.now(UTC)
    waiting = {"plan_id": "plan-big", "sync": "big", "destination": "there", "state": "awaiting_approval", "reason": "9"}
    lake.ledger.append(ACTIVATION_PLAN, [{**waiting, "added": 9, "logged_at": now - timedelta(3)}])
    sync = {"audience": {"where": "orders > 1"}, "destination": "there", "purposes": ["personalisation"]}

    def said(max_age_days: int) -> str:
        given = {"root": lake.locations.root, "audiences": {"big": {**sync, "max_age_days": max_age_days}}}
        chosen = Settings.model_validate(given)
        (told,) = held_up(plans(lake.ledger), chosen.audiences, now)
        if "activation approve" in told:
            assert approve_plan(lake, chosen, "plan-big")["state"] == "approved"
        else:
            with pytest.raises(InputError, match="too old to be approved"):
                approve_plan(lake, chosen, "plan-big")
        return told

    assert "9. It is too old to be approved by now: run plan_activation with a later as-of, and approve" in said(2)
    assert said(4).endswith("`personalake activation approve plan-big` lets it leave.")


def test_where_nothing_was_planned_the_status_says_so_and_the_report_leaves_it_out(lake: Lake) -> None:
    sent = sent_so_far(lake.ledger)

    assert sent == []
    assert "Nothing has been planned" in shown(status_view(sent))


def test_the_report_shows_what_was_sent_and_raises_an_alarm_for_the_unknown(half_sent: Lake) -> None:
    class Data:
        sent = sent_so_far(half_sent.ledger)
        totals = totals_so_far(half_sent.ledger, sent)
        held_up = too_small = ()

    section = what_was_sent(Data)  # type: ignore[arg-type]

    assert section is not None
    alarm, whole, whole_took, by_destination, table, took, reasons = section.blocks
    assert [row[:3] for row in whole.rows] == [["there", "8", "3"]]  # type: ignore[union-attr]
    assert alarm.text.startswith("there: 2 deliveries of plan plan-1 may have been taken or not: ")  # type: ignore[union-attr]
    assert ["there", "cancelled", "no consent at this moment", "2"] in by_destination.rows  # type: ignore[union-attr]
    assert [row[:4] for row in table.rows] == [["there", "", "plan-1", "ready"]]  # type: ignore[union-attr]
    assert whole.head[-1] == "Held out"  # type: ignore[union-attr]
    assert whole_took.head == ["Destination", "Calls", "Bytes", "Data points", "Took"]  # type: ignore[union-attr]
    assert [row[:2] for row in whole_took.rows] == [["there", "6"]]  # type: ignore[union-attr]
    assert table.head[-1] == "Waiting"  # type: ignore[union-attr]
    assert took.head == ["Destination", "Sync", "Plan", "Plan is", "Share sent", "Data points", "Took", "Last"]  # type: ignore[union-attr]
    assert [row[:4] for row in took.rows] == [["there", "", "plan-1", "ready"]]  # type: ignore[union-attr]
    assert len(reasons.rows) >= 3  # type: ignore[union-attr]


def test_an_unknown_delivery_is_settled_by_hand_and_sent_again_only_if_a_person_says_so(
    half_sent: Lake, fakes: Fakes
) -> None:
    unknown = sorted(name for name, state in states(half_sent).items() if state == "unknown")
    chosen, clock = settings(half_sent, {}), TodaysClock()
    send(half_sent, fakes, WEBHOOK)
    assert Counter(states(half_sent).values())["unknown"] == 2

    settled = settle_unknown(half_sent, chosen, "there", "send_again", clock, unknown[:1])
    taken = settle_unknown(half_sent, chosen, "there", "taken", clock)
    send(half_sent, fakes, WEBHOOK)

    assert (settled, taken) == (1, 1)
    assert {states(half_sent)[name] for name in unknown} == {"accepted"}
    held = WEBHOOK.effects(fakes.webhook.state())
    assert (held[int(unknown[0][1:])], held[int(unknown[1][1:])]) == (2, 1)
    (sent,) = sent_so_far(half_sent.ledger)
    assert (sent.unknown, sent.may_repeat) == (0, 1)
    (total,) = totals_so_far(half_sent.ledger, [sent])
    assert total.may_repeat == 1
    assert "perhaps twice 1" in shown(status_view([sent], [total]))


def test_what_is_sent_again_of_a_plan_that_was_replaced_is_said_to_wait_for_the_next_plan(half_sent: Lake) -> None:
    chosen, clock = settings(half_sent, {}), TodaysClock()
    first, second = sorted(name for name, state in states(half_sent).items() if state == "unknown")
    settle_unknown(half_sent, chosen, "there", "send_again", clock, [first])
    changed(half_sent, "superseded")

    settle_unknown(half_sent, chosen, "there", "send_again", clock, [second])

    (sent,) = sent_so_far(half_sent.ledger)
    told = "settled by hand: "
    assert sent.reasons["pending", f"{told}send it again"] == 1
    assert sent.reasons["pending", f"{told}the next plan of its sync says it again, its own does not stand"] == 1


def test_what_a_person_gives_up_counts_as_refused_so_that_no_plan_says_it_again(half_sent: Lake) -> None:
    unknown = [name for name, state in states(half_sent).items() if state == "unknown"]

    settle_unknown(half_sent, settings(half_sent, {}), "there", "given_up", TodaysClock())

    assert {states(half_sent)[name] for name in unknown} == {"rejected"}
    (sent,) = sent_so_far(half_sent.ledger)
    assert sent.reasons["rejected", "settled by hand: it is not there, and is not sent again"] == len(unknown)


def test_who_was_to_be_taken_away_is_no_refusal_when_a_person_gives_up(lake: Lake) -> None:
    planned(lake, WEBHOOK, 2, removal=True)
    names = [row["delivery_id"] for row in lake.ledger.read(ACTIVATION_OUTBOX)]
    in_doubt = {"destination": "there", "state": "unknown", "pack_id": "pack", "logged_at": PLANNED_AT + timedelta(1)}
    lake.ledger.append(ACTIVATION_LOG, [{**in_doubt, "delivery_id": name} for name in names])

    assert settle_unknown(lake, settings(lake, {}), "there", "given_up", TodaysClock()) == len(names)

    # Had it been refused, no later plan would say it again, and they stayed there.
    assert set(states(lake).values()) == {"cancelled"}


def test_a_misspelt_destination_or_delivery_settles_nothing_and_is_told_what_there_is(half_sent: Lake) -> None:
    unknown = sorted(name for name, state in states(half_sent).items() if state == "unknown")
    chosen, clock, before = settings(half_sent, {}), TodaysClock(), half_sent.ledger.version(ACTIVATION_LOG)

    with pytest.raises(InputError, match=r"no destination ther\. There are: there\."):
        settle_unknown(half_sent, chosen, "ther", "taken", clock)
    with pytest.raises(InputError, match=rf"deliveries: typo\. Nothing .* Unknown are: {', '.join(unknown)}\."):
        settle_unknown(half_sent, chosen, "there", "taken", clock, [unknown[0], "typo"])

    assert half_sent.ledger.version(ACTIVATION_LOG) == before


def test_a_plan_that_was_stopped_by_its_bounds_waits_whole(lake: Lake, fakes: Fakes) -> None:
    planned(lake, WEBHOOK, 4)

    with pytest.raises(SendingStoppedError):
        send(lake, fakes, WEBHOOK, bounds={"max_deliveries": 3})

    (sent,) = sent_so_far(lake.ledger)
    assert (sent.planned, sent.pending, sent.spells) == (4, 4, ())
    why = "4 deliveries are planned; bounds.max_deliveries is 3"
    assert f"STOPPED. 4 deliveries of plan plan-1 wait: {why}. Mend the cause" in shown(status_view([sent]))


def test_the_report_raises_an_alarm_for_what_waits_since_sending_stopped_until_it_is_sent(lake: Lake, fakes: Fakes) -> None:
    class Data:
        totals = held_up = too_small = ()
        sent = ()

    planned(lake, WEBHOOK, 4)
    # One request is refused with the token, and what was begun besides is given back.
    fakes.webhook.script(Step("status", status=401, at=[1]))
    with pytest.raises(SendingStoppedError):
        send(lake, fakes, WEBHOOK, max_in_flight=1)

    Data.sent = sent_so_far(lake.ledger)  # type: ignore[assignment]
    alarm = what_was_sent(Data).blocks[0]  # type: ignore[arg-type, union-attr]
    assert alarm.tone == "alarm"  # type: ignore[union-attr]
    assert re.match(r"there: sending stopped, and 4 deliveries of plan plan-1 wait: .*401.* Mend the cause", alarm.text)  # type: ignore[union-attr]
    send(lake, fakes, WEBHOOK)

    Data.sent = sent_so_far(lake.ledger)  # type: ignore[assignment]
    assert not [block for block in what_was_sent(Data).blocks if block.kind == "note"]  # type: ignore[arg-type, union-attr]


def test_what_a_later_plan_took_over_is_not_planned_twice(lake: Lake, fakes: Fakes) -> None:
    planned(lake, WEBHOOK, 4)
    changed(lake, "superseded")
    send(lake, fakes, WEBHOOK)
    again = [{**row, "delivery_id": f"{row['delivery_id']}-2", "plan_id": "plan-2"}
             for row in lake.ledger.read(ACTIVATION_OUTBOX)]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, again)
    lake.ledger.append(ACTIVATION_PLAN, [{"plan_id": "plan-2", "state": "ready", "logged_at": PLANNED_AT + timedelta(2)}])

    (total,) = totals_so_far(lake.ledger, sent_so_far(lake.ledger))

    assert (total.planned, total.cancelled, total.pending, total.reasons) == (4, 0, 4, {})


def test_who_withdrew_before_a_plan_was_sent_stays_cancelled_once_there_is_a_later_one(lake: Lake, fakes: Fakes) -> None:
    planned(lake, WEBHOOK, 4)
    answered(lake, ["p0"], "withdrawn")
    send(lake, fakes, WEBHOOK)
    changed(lake, "superseded")
    again = [{**row, "delivery_id": f"{row['delivery_id']}-2", "plan_id": "plan-2"}
             for row in lake.ledger.read(ACTIVATION_OUTBOX) if row["person_id"] == "p1"]  # fmt: skip
    lake.ledger.append(ACTIVATION_OUTBOX, again)
    lake.ledger.append(ACTIVATION_PLAN, [{"plan_id": "plan-2", "state": "ready", "logged_at": PLANNED_AT + timedelta(2)}])

    (total,) = totals_so_far(lake.ledger, sent_so_far(lake.ledger))

    assert (total.planned, total.taken, total.cancelled, total.pending) == (6, 2, 2, 2)
    assert total.reasons == {("cancelled", "no consent at this moment"): 2}
