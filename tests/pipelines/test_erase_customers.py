"""One person is forgotten everywhere, and nobody else; each step would be noticed if it were left out."""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from personalake.activation.delivery import Name, State
from personalake.activation.erasure import ErasureReceipt
from personalake.errors import InputError, LeaseHeldError
from personalake.lake import Lake
from personalake.lake.lease import lease
from personalake.lake.search import Search
from personalake.pipelines import erase_customers, erasure_destinations, export_customer, refine_events, refine_records
from personalake.pipelines.erasure_requests import identifiers_named, last_states, told_as
from personalake.pipelines.job import JobContext
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.refinery import is_refined
from personalake.pipelines.verify_receipts import verify_receipts
from personalake.privacy.payloads import needle_pattern
from personalake.privacy.receipts import pseudonym, verifies
from personalake.privacy.ways import way_of
from personalake.tables import ALL, Table
from personalake.tables.bronze import EVENT as BRONZE_EVENT
from personalake.tables.bronze import RECORD as BRONZE_RECORD
from personalake.tables.erasure import ACCESS_LOG, ERASURE_ASKED, ERASURE_RECEIPT, ERASURE_REQUEST
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import CUSTOMER_RECORD, QUARANTINE
from tests.pipelines.erasure_lake import (
    ANN,
    AS_OF,
    BOB,
    MAY,
    ask,
    asking,
    context_in,
    fill,
    found_of,
    land,
    order,
    report,
    take_in,
)
from tests.pipelines.overheard import Spoken, listening


@pytest.fixture(scope="module")
def spoken() -> Iterator[Spoken]:
    with listening() as told:
        yield told


@pytest.fixture(scope="module")
def planted(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, spoken: Spoken) -> JobContext:
    context = context_in(tmp_path_factory.mktemp("erasure"), spark)
    context.progress.stream = io.StringIO()
    land(context.settings.landing)
    ask(context.settings.landing, "r1")
    take_in(context)
    fill(context)
    return context


@pytest.fixture(scope="module")
def story(planted: JobContext) -> dict[str, Any]:
    """What was found before, after an attempt that died, and after the one that came through."""
    told: dict[str, Any] = {"before": found_of(planted, ANN), "bob": found_of(planted, BOB)}
    told["planned"] = erase_customers.run(replace(planted, lake=replace(planted.lake, dry_run=True)))
    export_customer.run(replace(planted, options={"identifier": f"email={ANN.email}"}))
    told["access"] = read_export(planted)
    told["exports"] = exports(planted)
    died = erase_customers.clean_files

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(erase_customers, "clean_files", dies)
        with pytest.raises(KeyboardInterrupt):
            erase_customers.run(planted)
    assert erase_customers.clean_files is died
    told["half"] = last_states(planted.lake)
    told["result"] = erase_customers.run(planted)
    told["after"] = found_of(planted, ANN)
    return told


def read_export(context: JobContext) -> dict[str, Any]:
    (folder,) = context.settings.erasure.access.iterdir()
    texts = {path.name: path.read_text() for path in folder.iterdir()}
    return {"mode": folder.stat().st_mode & 0o777, "texts": texts}


def exports(context: JobContext) -> str:
    return "".join(path.read_text() for path in (context.settings.exports / "mail").rglob("mail-*"))


def test_every_planted_value_is_found_before_and_none_afterwards(story: dict[str, Any]) -> None:
    assert set(story["before"]) == ANN.canaries
    assert len({place for places in story["before"].values() for place in places}) > 30
    assert story["after"] == {}


def test_nobody_else_loses_anything(planted: JobContext, story: dict[str, Any]) -> None:
    assert set(story["bob"]) == set(found_of(planted, BOB)) == BOB.canaries
    kept = {canary: {place.partition("/part-")[0] for place in places} for canary, places in story["bob"].items()}
    now = {canary: {place.partition("/part-")[0] for place in places} for canary, places in found_of(planted, BOB).items()}
    assert {canary: places - now[canary] for canary, places in kept.items() if places - now[canary]} == {}


def test_an_attempt_that_died_goes_on_as_the_same_request_and_ends_as_done(
    planted: JobContext, story: dict[str, Any]
) -> None:
    key = erasure_key(planted.settings, planted.lake.locations)
    rows = sorted(planted.lake.ledger.read(ERASURE_REQUEST), key=lambda row: row["changed_at"])

    assert [row["state"] for row in story["half"].values()] == ["running"]
    assert [row["state"] for row in rows] == ["received", "verified", "running", "running", "done"]
    assert len({row["request_id"] for row in rows}) == 1
    assert str(rows[0]["due_at"])[:10] == "2017-12-01"
    assert rows[-1]["subject"] == pseudonym(key, "email", ANN.email), "asked for in capitals"
    assert all(verifies(key, row) for row in rows)
    assert list((planted.lake.locations.root / "_erasure").iterdir()) == []


def test_each_receipt_verifies_and_a_changed_one_does_not(planted: JobContext, story: dict[str, Any]) -> None:
    key = erasure_key(planted.settings, planted.lake.locations)
    receipts = planted.lake.ledger.read(ERASURE_RECEIPT)

    assert all(verifies(key, row) for row in receipts)
    assert verify_receipts(planted.settings, planted.lake.ledger).found.failures == ()
    assert not any(verifies(key, {**row, "rows_erased": 99}) or verifies("other", row) for row in receipts)
    (profile,) = [row for row in receipts if row["place"] == "gold.customer_profile" and row["outcome"] == "erased"]
    assert (profile["rows_before"], profile["rows_after"], profile["rows_erased"]) == (4, 3, 1)
    assert profile["version_after"] > profile["version_before"]
    assert profile["purged_at"] <= profile["vacuumed_at"]
    assert {row["place"] for row in receipts if row["kind"] == "table"} >= {
        table.full_name for table in ALL if not way_of(table).is_empty and planted.lake.exists(table)
    }
    assert [row["outcome"] for row in receipts if row["kind"] == "search"] == ["clean"]


def test_the_files_of_a_destination_are_written_again_without_the_person(planted: JobContext, story: dict[str, Any]) -> None:
    assert ANN.person in story["exports"]
    assert ANN.person not in exports(planted)
    assert BOB.person in exports(planted)
    (manifest,) = (planted.settings.exports / "mail").rglob("manifest.json")
    assert json.loads(manifest.read_text())["rows"] == 1


def test_a_dry_run_counts_and_leaves_no_trace(story: dict[str, Any]) -> None:
    assert story["planned"].figures["would_erase"]["silver.customer_record"] == 2
    assert story["planned"].figures["would_erase"]["bronze.event"] == 4


def test_the_access_export_holds_everything_of_the_person_and_nothing_of_others(
    planted: JobContext, story: dict[str, Any]
) -> None:
    texts = story["access"]["texts"]
    everything = "".join(texts.values())

    assert story["access"]["mode"] == 0o700
    assert [row["text"] for row in json.loads(texts["silver.support_ticket.json"])] == [f"{ANN.first}-support_ticket-text"]
    assert "gold.prediction.csv" in texts
    assert "E-mail address as the source writes it" in texts["columns.csv"]
    assert not any(canary in everything for canary in BOB.canaries)
    (row,) = planted.lake.ledger.read(ACCESS_LOG, where=[("action", "=", "export"), ("destination", "=", None)])
    assert (row["job"], row["action"], ANN.email in str(row)) == ("export_customer", "export", False)
    assert "silver.person" in row["tables"]
    about = json.loads(texts["about.json"])
    assert [(each["job"], "user" in each) for each in about["accesses"]] == [("export_customer", False)]
    assert {each["recipient"] for each in about["recipients"]} == {"elsewhere", "mail"}
    kept = {each["table"]: each["kept"] for each in about["retention"]}
    assert kept["silver.support_ticket"] == "1,095 days after `occurred_at`"
    assert "about.csv" in texts


def test_what_comes_in_again_is_refused_counted_and_kept_in_no_table(planted: JobContext, story: dict[str, Any]) -> None:
    crm = [{"no": "77", "mail": ANN.email.title()}, {"no": "78", "name": "Cleo", "mail": "cleo@x.example"}]
    arrive(planted, BRONZE_RECORD, "crm", *map(json.dumps, crm))
    arrive(planted, BRONZE_RECORD, "receipts", *(report(ANN, to) for to in (ANN.email.upper(), f"+{ANN.phone}")))
    # The very request that is done, as a desk tells it that sends all of them every night.
    arrive(planted, BRONZE_RECORD, "asked", asking("r1"))
    assert not is_refined(planted, "refine_records")

    refine_records.run(planted)

    health = [row for row in planted.lake.ledger.read(DATA_HEALTH) if row["reasons"]]
    told = [(row["source"], row["rows_in"], row["reasons"]) for row in health if "erased" in row["reasons"]]
    assert sorted(told, key=lambda row: row[0]) == [
        ("asked", 1, {"erased": 1}),
        ("crm", 2, {"erased": 1}),
        ("receipts", 2, {"erased": 2}),
    ]
    assert all(row["balanced"] for row in health)
    assert {row["customer_id"] for row in planted.lake.ledger.read(CUSTOMER_RECORD)} == {"2", "78"}
    assert not any("erased" in row["reasons"] for row in planted.lake.ledger.read(QUARANTINE))
    assert is_refined(planted, "refine_records")
    named = re.compile(needle_pattern({ANN.email, f"+{ANN.phone}"}))
    assert not any(named.search(row["payload"]) for row in planted.lake.ledger.read(BRONZE_RECORD))
    assert planted.lake.ledger.rows(ERASURE_ASKED) == 0


def arrive(context: JobContext, bronze: Table, source: str, *payloads: str) -> None:
    known = {"source": source, "source_file": "b.json", "ordinal": 1, "landed_at": MAY, "ingested_at": MAY, "batch_id": "b"}
    context.lake.ledger.append(bronze, [{**known, "payload": payload} for payload in payloads])


def test_somebody_unknown_or_erased_already_is_done_with_nothing_found_and_a_shared_identifier_is_refused(
    planted: JobContext, story: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = [
        {"source": "crm", "record_id": f"s{n}", "namespace": "crm", "customer_id": f"s{n}", "email": "us@x.example"}
        for n in (1, 2)
    ]
    planted.lake.ledger.append(CUSTOMER_RECORD, shared)
    states = []
    for identifier in (f"email={BOB.email}x", f"email={ANN.email}", "email=us@x.example"):
        erase_customers.run(replace(planted, options={"identifier": identifier}))
        newest = max(planted.lake.ledger.read(ERASURE_REQUEST), key=lambda row: row["changed_at"])
        states.append((newest["state"], newest["reason"]))

    assert states == [("done", "nothing found"), ("done", "nothing found"), ("refused", erase_customers.SHARED)]


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("login=a;;b; crm=77", {("login", "a;b"): (("crm", "77"),)}),
        ("login=;;;;", {("login", ";;"): ()}),
        ("login=a;;;crm=77", {("login", "a;"): (("crm", "77"),)}),
        ("email=Z@x.example\nemail= z@X.example ; crm=77", {("email", "Z@x.example"): (("crm", "77"),)}),
    ],
)
def test_a_semicolon_is_part_of_an_identifier_if_it_is_written_twice_and_who_is_named_in_two_spellings_is_one(
    planted: JobContext, tmp_path: Path, written: str, named: dict[Any, Any]
) -> None:
    (tmp_path / "asked.txt").write_text(f"{written}\n")

    assert identifiers_named(replace(planted, options={"request-file": tmp_path / "asked.txt"})) == named


def test_receipts_and_the_access_log_know_an_identifier_in_every_spelling(planted: JobContext) -> None:
    told = {told_as(planted, "key", ("email", spelling)) for spelling in ("z@x.example", " Z@X.example ")}

    assert told == {pseudonym("key", "email", "z@x.example")}


def test_what_the_person_names_besides_goes_with_them_and_what_others_hold_too_refuses_the_request(
    planted: JobContext, story: dict[str, Any]
) -> None:
    known = {"source": "crm", "namespace": "crm"}
    mail = [("n1", "zoe@x.example"), ("n2", "zoe.work@x.example"), ("n3", "all@x.example"), ("n4", "all@x.example")]
    rows = [{**known, "record_id": number, "customer_id": number, "email": email} for number, email in mail]
    planted.lake.ledger.append(CUSTOMER_RECORD, rows)

    def ask_with(also: str) -> str:
        erase_customers.run(replace(planted, options={"identifier": "email=zoe@x.example", "also": also}))
        return str(max(planted.lake.ledger.read(ERASURE_REQUEST), key=lambda row: row["changed_at"])["state"])

    refused, done = ask_with("email=all@x.example"), ask_with("email=zoe.work@x.example; cookie_id=cookie-4711")

    left = {row["customer_id"] for row in planted.lake.ledger.read(CUSTOMER_RECORD)}
    assert (refused, done) == ("refused", "done")
    assert {"n3", "n4"} <= left
    assert not left & {"n1", "n2"}


def test_a_destination_that_does_not_answer_leaves_the_request_open_and_is_asked_again(
    planted: JobContext, story: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    answers = [State.UNKNOWN, State.ACCEPTED]

    def delete_each(requests: list[list[Name]], *_: object) -> list[list[ErasureReceipt]]:
        (names,) = requests
        asked.append([name.value for name in names])
        return [[ErasureReceipt("h", "vendor", answers[len(asked) - 1], None, "case-7", AS_OF)]]  # type: ignore[arg-type]

    monkeypatch.setattr(erasure_destinations, "delete_each", delete_each)
    monkeypatch.setattr(erasure_destinations, "connect", lambda *_: None)
    vendors = {
        "vendor": SimpleNamespace(enabled=True, local_folder=None),
        "other": SimpleNamespace(enabled=False, local_folder=None),
    }
    context = replace(planted, settings=planted.settings.model_copy(update={"connections": vendors}))
    who = f"p_{'c' * 24}"
    context.lake.ledger.append(
        next(t for t in ALL if t.name == "person_link"), [{"namespace": "crm", "value": "900900", "person_id": who}]
    )

    first = erase_customers.run(replace(context, options={"identifier": "crm=900900"}))
    second = erase_customers.run(context)

    rows = sorted(context.lake.ledger.read(ERASURE_REQUEST), key=lambda row: row["changed_at"])
    reasons = [row["reason"] for row in rows if row["state"] in ("partial", "done")]
    assert reasons[-2:] == ["to be asked again: vendor", "1 rows, lines and files erased"]
    assert (first.figures["requests"], second.figures["requests"]) == ({"partial": 1}, {"done": 1})
    assert asked[0] == asked[1]
    assert who in asked[0]
    (receipt,) = [row for row in context.lake.ledger.read(ERASURE_RECEIPT) if row["outcome"] == "asked"]
    assert (receipt["place"], receipt["reference"]) == ("vendor", "case-7")


def test_no_word_of_a_person_is_in_a_log_a_message_a_file_name_a_commit_or_a_checkpoint(
    planted: JobContext,
    story: dict[str, Any],
    spoken: Spoken,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    arrive(planted, BRONZE_EVENT, "orders", order(BOB, "o11", note=f"note-of-{BOB.first}"))

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(Lake, "append", broken)
    with pytest.raises(InputError) as failure:
        refine_events.run(planted)

    told = [*spoken.texts, str(failure.value), story["result"].message, str(story["result"].figures), *capfd.readouterr()]
    told.append(planted.progress.stream.getvalue())  # type: ignore[attr-defined]
    folder = planted.lake.locations.root.parent
    told += [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    for who in (ANN, BOB):
        search = Search(who.canaries)
        assert [text for text in told if search.content(text.encode())] == []
    assert any("the disk is gone" in text for text in spoken.texts)
    for places in (*story["before"].values(), *story["bob"].values()):
        assert [place for place in places if "_delta_log" in place or "_checkpoints" in place] == []


@pytest.mark.parametrize("other", ["refine_events", "send_activation", "send_activation.vendor"])
def test_an_erasure_runs_beside_no_other_job_and_while_nobody_sends_or_settles(planted: JobContext, other: str) -> None:
    vendors = {"vendor": SimpleNamespace(enabled=True, local_folder=None)}
    context = replace(planted, settings=planted.settings.model_copy(update={"connections": vendors}))

    with (
        lease(planted.lake.locations.lease(other), "other", 5, 60),
        pytest.raises(LeaseHeldError, match=rf"{other} is already running.*Wait until it is done"),
    ):
        erase_customers.run(context)
