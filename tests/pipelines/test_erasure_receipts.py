"""What receipts of killed runs, failed searches and closed requests come to; without a session."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from personalake.lake import Ledger, Locations
from personalake.lake.erasing import Erased
from personalake.pipelines import erase_customers
from personalake.pipelines.erasure_cleaned import Cleaned
from personalake.pipelines.erasure_destinations import Answered, ask_destinations
from personalake.pipelines.erasure_later import awaited
from personalake.pipelines.erasure_receipts import Found, Receipts
from personalake.pipelines.erasure_requests import Request, forget_closed, last_states, remember, remembered, to_state
from personalake.privacy.receipts import MAC, mac_of
from personalake.privacy.settled import FOR_GOOD
from personalake.privacy.subject import Subject
from personalake.tables.erasure import ERASURE_RECEIPT

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
    assert "mail" not in last.summary("r1")


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


def test_a_vendor_that_tells_nothing_is_asked_for_as_long_as_any_other_and_its_reason_is_remembered(context: Any) -> None:
    settings = SimpleNamespace(connections={"braze": SimpleNamespace(enabled=True, tells_of_deletions=True)})
    common = {"request_id": "r1", "kind": "destination", "place": "braze", "outcome": "asked", "reference": "job-1"}
    silent = {**common, "detail": "not known whether it is done: status 401", "recorded_at": MAY.replace(day=30)}
    context.lake.add([{**common, "recorded_at": MAY}, silent], ERASURE_RECEIPT)

    (row,) = awaited(settings, context.lake.ledger, MAY + timedelta(days=59))  # type: ignore[arg-type]

    assert (row["recorded_at"], row["detail"]) == (MAY, silent["detail"])
    assert awaited(settings, context.lake.ledger, MAY + timedelta(days=61)) == []  # type: ignore[arg-type]


def test_a_place_that_could_not_be_cleaned_keeps_the_request_open_and_one_beyond_reach_is_left_to_a_human(
    context: Any,
) -> None:
    refused = Cleaned("inbox/orders", refused=Counter({"Read-only file system": 2}))
    taken = Cleaned("files of drop", unsettled={"r1": "taken away; must be asked by hand"})
    first, second = receipts_of(context, "first"), receipts_of(context, "second")

    for place in (refused, taken):
        first.add_files(place)
    second.add_files(taken)
    second.add_search("r1", CLEAN)

    first.write()
    assert first.problem("r1") == (
        "inbox/orders not cleaned: 2 files (Read-only file system); mend that, and run erase_customers again"
    )
    assert second.problem("r1") is None
    assert second.summary("r1") == "nothing found; not erased by request, see receipts: files of drop"


def test_a_file_that_is_damaged_or_locked_keeps_no_other_from_being_cleaned() -> None:
    cleaned = Cleaned("inbox/orders")

    def fails() -> list[int]:
        raise PermissionError(13, "Permission denied", "/of/ann@x.example")

    def is_gone() -> list[int]:
        raise FileNotFoundError

    counts = [cleaned.attempt(["r1"], clean) for clean in (fails, is_gone, lambda: [2])]

    assert counts == [[0], [0], [2]]
    assert (cleaned.files, cleaned.erased) == (3, {"r1": 2})
    assert cleaned.problem == "not cleaned: 1 file (Permission denied); mend that, and run erase_customers again"


def test_files_that_are_not_opened_are_told_and_wait_for_a_person(context: Any) -> None:
    receipts = receipts_of(context, "first")

    receipts.add_search("r1", replace(CLEAN, closed={"/data/partner": Counter({"a 7z archive": 2})}))
    receipts.write()

    rows = {row["place"]: row for row in context.lake.ledger.read(ERASURE_RECEIPT)}
    assert "2 files are not opened here and could not be searched" in rows["every file"]["detail"]
    told = rows["not opened: /data/partner"]
    assert (told["outcome"], told["rows_before"], told["detail"][:14]) == ("failed", 2, "2 a 7z archive")
    assert receipts.summary("r1").endswith("see receipts: not opened: /data/partner")


@pytest.mark.parametrize(("is_for_good", "is_as_written"), [(True, True), (False, True), (True, False)])
def test_a_place_that_is_settled_for_every_request_is_not_asked_about_again(
    context: Any, is_for_good: bool, is_as_written: bool
) -> None:
    first = {"request_id": "r0", "place": "landing/old", "kind": "files", "outcome": "settled", "recorded_at": MAY}
    row = dict.fromkeys(ERASURE_RECEIPT.columns) | first | {"receipt_id": "0", "detail": "settled by jo: the disk is gone"}
    row["reference"] = FOR_GOOD if is_for_good else None
    context.lake.ledger.append(ERASURE_RECEIPT, [{**row, MAC: mac_of("key" if is_as_written else "other", row)}])
    later = receipts_of(context, "later")

    later.add_files(Cleaned("landing/old", unsettled={"r1": "nobody knows its landing folder"}))
    later.write()

    (told,) = context.lake.ledger.read(ERASURE_RECEIPT, where=[("request_id", "=", "r1")])
    if is_for_good and is_as_written:
        assert told["outcome"] == "settled"
        assert told["detail"] == "settled by jo: the disk is gone (on 2017-05-01, for every request)"
        assert later.summary("r1") == "nothing found; settled by hand: landing/old"
    else:
        assert told["outcome"] == "failed"


def test_what_is_settled_for_a_request_stays_settled_when_a_later_run_goes_on_with_it(context: Any) -> None:
    row = dict.fromkeys(ERASURE_RECEIPT.columns) | {
        "receipt_id": "0", "request_id": "r1", "place": "vendor", "kind": "destination", "outcome": "settled",
        "detail": "settled by jo: asked by letter", "recorded_at": MAY,
    }  # fmt: skip
    context.lake.ledger.append(ERASURE_RECEIPT, [{**row, MAC: mac_of("key", row)}])
    later = receipts_of(context, "later")

    later.add_answers("r1", [Answered("vendor", "failed", 1), Answered("another", "failed", 1)])

    assert later.summary("r1") == "nothing found; settled by hand: vendor; not erased by request, see receipts: another"
