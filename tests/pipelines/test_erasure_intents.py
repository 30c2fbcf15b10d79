"""A run that is killed between a table's commit and its receipt: the next one finds out how much it erased; no session."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from personalake.lake import Lake, erasing
from personalake.pipelines import erasure_work
from personalake.pipelines.erasure_receipts import INTENDED, Receipts
from personalake.pipelines.erasure_requests import Request
from personalake.pipelines.job import JobContext
from personalake.privacy.receipts import verifies
from personalake.privacy.subject import Subject
from personalake.tables.erasure import ERASURE_RECEIPT
from personalake.tables.gold import PREDICTION
from tests.pipelines.outbox_rows import a_lake, context, settings

ANN, BOB = (f"p_{letter * 24}" for letter in "ab")
DAY = date(2026, 1, 1)
WHO = {"r1": ANN, "r2": BOB}
SUBJECTS = {request: Subject(("crm", request), frozenset({who})) for request, who in WHO.items()}


@pytest.fixture
def job(tmp_path: Path) -> JobContext:
    lake = a_lake(tmp_path)
    rows = [(ANN, "churn"), (ANN, "value"), (BOB, "churn"), ("p_other", "churn")]
    lake.ledger.append(PREDICTION, [{"person_id": who, "model": model, "as_of": DAY} for who, model in rows])
    made = context(lake, settings(lake, {}))
    erasing_now = made.settings.erasure.model_copy(update={"retention_hours": 0})
    return replace(made, settings=made.settings.model_copy(update={"erasure": erasing_now}))


def erase(job: JobContext, run: str, *requests: str) -> Receipts:
    """The tables' part of one run."""
    told = {name: Request(name, None, True, {"subject": f"of {name}"}) for name in requests}
    receipts = Receipts(replace(job, run_id=run), "key", told)
    erasure_work.erase_from_tables(replace(job, run_id=run), {name: SUBJECTS[name] for name in requests}, receipts)
    return receipts


def killed(job: JobContext, monkeypatch: pytest.MonkeyPatch, run: str, *requests: str, after: bool = True) -> None:
    """A run that ends right after the rows have left the table, or right before."""
    merge = erasing._merge

    def dies(*given: Any) -> None:
        if after:
            merge(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(erasing, "_merge", dies)
        with pytest.raises(KeyboardInterrupt):
            erase(job, run, *requests)


def told(lake: Lake, request: str) -> list[tuple[str, str, int]]:
    rows = lake.ledger.read(ERASURE_RECEIPT, where=[("place", "=", PREDICTION.full_name), ("request_id", "=", request)])
    rows.sort(key=lambda row: row["recorded_at"])
    assert all(verifies("key", row) for row in rows)
    assert len({row["receipt_id"] for row in rows}) == len(rows)
    return [(row["run_id"], row["outcome"], row["rows_erased"]) for row in rows]


def test_what_went_before_the_kill_is_found_in_the_history_and_counted_once(
    job: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(job, monkeypatch, "first", "r1", "r2")

    second = erase(job, "second", "r1", "r2")
    third = erase(job, "third", "r1", "r2")

    assert told(job.lake, "r1") == [
        ("first", INTENDED, 0), ("second", "erased", 2), ("second", "nothing_found", 0), ("third", "nothing_found", 0),
    ]  # fmt: skip
    assert told(job.lake, "r2")[1] == ("second", "erased", 1)
    assert second.summary("r1") == third.summary("r1") == "2 rows, lines and files erased"


def test_what_was_never_committed_counts_when_it_is(job: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(job, monkeypatch, "first", "r1", after=False)

    receipts = erase(job, "second", "r1")

    assert told(job.lake, "r1") == [
        ("first", INTENDED, 0), ("second", "nothing_found", 0), ("second", INTENDED, 0), ("second", "erased", 2),
    ]  # fmt: skip
    assert receipts.summary("r1") == "2 rows, lines and files erased"


def test_where_the_history_does_not_reach_back_what_is_left_tells(job: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    killed(job, monkeypatch, "first", "r1")
    monkeypatch.setattr("personalake.pipelines.erasure_receipts.removed_with", lambda *_: None)

    assert erase(job, "second", "r1").summary("r1") == "2 rows, lines and files erased"


def test_a_run_that_is_not_killed_says_before_what_it_will_do_and_afterwards_what_it_did(job: JobContext) -> None:
    erase(job, "first", "r1")

    (intent, receipt) = sorted(
        job.lake.ledger.read(ERASURE_RECEIPT, where=[("request_id", "=", "r1"), ("rows_before", "=", 4)]),
        key=lambda row: row["recorded_at"],
    )
    assert (intent["rows_before"], intent["rows_after"], intent["version_before"]) == (4, 2, receipt["version_before"])
    assert (receipt["rows_before"], receipt["rows_after"], receipt["rows_erased"]) == (4, 2, 2)
