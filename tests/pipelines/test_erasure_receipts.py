"""What receipts of killed runs, failed searches and closed requests come to; without a session."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from personalake.lake import Ledger, Locations
from personalake.lake.erasing import Erased
from personalake.pipelines import erase_customers
from personalake.pipelines.erasure_destinations import Answered, ask_destinations
from personalake.pipelines.erasure_receipts import Found, Receipts
from personalake.pipelines.erasure_requests import Request, forget_closed, last_states, remember, remembered, to_state
from personalake.privacy.subject import Subject

MAY = datetime(2017, 5, 1, tzinfo=UTC)
REQUEST = Request(
    "r1",
    ("email", "ann@x.example"),
    True,
    {"subject": "s", "regulation": "GDPR", "requested_at": MAY, "due_at": MAY, "source": "erase_customers"},
)
ERASED = Erased(4, 3, 1, 2, MAY, MAY)
CLEAN = Found(files=7, places=(), needles=3)


def no_session() -> None:
    raise AssertionError("receipts need no Spark")


@pytest.fixture
def context(tmp_path: Path) -> Any:
    ledger = Ledger(Locations(tmp_path), no_session)  # type: ignore[arg-type]
    lake = SimpleNamespace(ledger=ledger, locations=ledger.locations, add=lambda rows, table: ledger.append(table, rows))
    return SimpleNamespace(lake=lake, run_id="first")


def receipts_of(context: Any, run: str) -> Receipts:
    return Receipts(SimpleNamespace(lake=context.lake, run_id=run), "key", {"r1": REQUEST})  # type: ignore[arg-type]


def test_what_a_run_erased_before_it_was_killed_counts_when_the_next_one_is_done(context: Any) -> None:
    killed = receipts_of(context, "first")
    killed.add_table("silver.person", ERASED, {"r1": 150})
    killed.add_answers("r1", [Answered("files", "asked", 1, "erasure_1.csv"), Answered("mail", "failed", 1)])
    killed.write()

    last = receipts_of(context, "second")
    last.add_table("silver.person", ERASED, {"r1": 0})
    last.add_table("silver.event", ERASED, {"r1": 2})
    last.add_search("r1", CLEAN)

    assert last.problem("r1") is None
    assert last.summary("r1").startswith("152 rows, lines and files erased")
    assert "to be deleted once followed: files" in last.summary("r1")
    assert "refuse" not in last.summary("r1")


def test_a_request_is_not_done_while_the_search_finds_something_or_a_destination_is_to_be_asked_again(context: Any) -> None:
    searched, asked = receipts_of(context, "first"), receipts_of(context, "second")

    searched.add_search("r1", replace(CLEAN, places=("silver/event/part-0",)))
    searched.write()
    asked.add_answers("r1", [Answered("vendor", "pending", 1)])
    asked.write()

    assert str(searched.problem("r1")).endswith("left in silver/event/part-0")
    assert asked.problem("r1") == "to be asked again: vendor"
    assert erase_customers._concluded(context, "key", REQUEST, searched) == "partial"


def test_a_run_that_is_killed_while_it_closes_a_request_leaves_it_done_and_the_next_one_forgets(
    context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipts = receipts_of(context, "first")
    receipts.add_search("r1", CLEAN)
    receipts.write()
    subject = Subject(("email", "ann@x.example"), person_ids=frozenset({"p_1"}))
    for request_id in ("r1", "r2"):
        remember(context.lake, request_id, subject)
    to_state(context, "key", replace(REQUEST, request_id="r2"), "running")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(erase_customers, "forget", killed)
    with pytest.raises(KeyboardInterrupt):
        erase_customers._concluded(context, "key", REQUEST, receipts)

    assert last_states(context.lake)["r1"]["state"] == "done"
    forget_closed(context.lake)
    assert remembered(context.lake, "r1") is None
    assert remembered(context.lake, "r2") == subject


def test_a_connection_that_was_sent_a_person_and_is_no_more_has_a_receipt_that_names_it(context: Any) -> None:
    told = frozenset({("gone", "k1"), ("gone", "k2"), ("off", "k3"), ("files", "k4")})
    subject = Subject(("email", "ann@x.example"), told=told)
    settings = SimpleNamespace(connections={"off": SimpleNamespace(enabled=False)}, destinations={"files": None})

    answers = ask_destinations(settings, {"r1": subject})["r1"]  # type: ignore[arg-type]
    receipts = receipts_of(context, "first")
    receipts.add_answers("r1", answers)

    assert [(answer.destination, answer.outcome, answer.people) for answer in answers] == [
        ("gone", "failed", 2),
        ("off", "failed", 1),
    ]
    assert receipts.summary("r1").endswith("gone, off")
