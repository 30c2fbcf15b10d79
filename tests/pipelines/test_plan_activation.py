import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from personalake.common.hashing import keyed_hash_of
from personalake.config import Settings
from personalake.config.activation import Destination
from personalake.config.privacy import PrivacySettings
from personalake.config.receipts import ReceiptSettings
from personalake.lake import Lake
from personalake.pipelines import plan_activation
from personalake.pipelines.job import JobContext
from personalake.pipelines.plan_activation import run
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.pseudonyms import KeyRing
from personalake.privacy.subject import Subject
from personalake.privacy.suppression import suppressions
from personalake.tables.erasure import ERASURE_ASKED
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, CUSTOMER_PROFILE, DATA_HEALTH, DECISION
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, PERSON_LINK
from tests.pipelines.placed import place as write

AS_OF = date(2017, 12, 1)
BRAZE = Destination(dialect="braze_track", purposes=("personalisation",), max_items=1, max_bytes=40_000)
Row = dict[str, Any]


@pytest.fixture
def context(lake: Lake, context_of: Callable[..., JobContext], tmp_path: Path) -> JobContext:
    """Two people to act on, of whom `b` denies e-mail, and one in the holdout."""
    people = [{"person_id": p, "customer_id": f"c{p}", "as_of": AS_OF} for p in "abh"]
    write(lake, CUSTOMER_PROFILE, people)
    decisions = [
        {"decision_id": f"d_{p}", "person_id": p, "as_of": AS_OF, "action": "show", "rule": "r", "channel": "email",
         "purpose": "email", "status": "holdout" if p == "h" else "act"}
        for p in "abh"
    ]  # fmt: skip
    write(lake, DECISION, decisions)
    consent(lake, b="denied")
    exports = tmp_path / "exports"
    return context_of(Settings(root=lake.locations.root, exports=exports, destinations={"braze": BRAZE}))


def consent(lake: Lake, **email: str) -> None:
    answers = [(p, "personalisation", "granted") for p in "abh"]
    answers += [(p, "email", email.get(p, "granted")) for p in "abh"]
    write(lake, CONSENT_CURRENT, [{"person_id": p, "purpose": purpose, "status": status} for p, purpose, status in answers])


def exported(context: JobContext) -> dict[str, bytes]:
    folder = context.settings.exports / "braze" / "2017-12-01"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def events(context: JobContext) -> list[str]:
    bodies = [json.loads(content) for name, content in sorted(exported(context).items()) if name != "manifest.json"]
    return [event["external_id"] for body in bodies for event in body["events"]]


def states(context: JobContext) -> list[str]:
    return sorted(row["state"] for row in context.lake.ledger.read(ACTIVATION_LOG))


def test_only_who_consents_now_and_is_not_held_out_is_written_and_the_equation_holds(context: JobContext) -> None:
    result = run(context)

    assert events(context) == ["ca"]
    (outbox,) = context.lake.ledger.read(ACTIVATION_OUTBOX)
    assert (outbox["person_id"], outbox["destination"], outbox["operation"]) == ("a", "braze", "event")
    (logged,) = context.lake.ledger.read(ACTIVATION_LOG)
    assert (logged["delivery_id"], logged["state"], logged["file"]) == (
        outbox["delivery_id"],
        "accepted",
        "braze-00001.json",
    )
    (health,) = context.lake.ledger.read(DATA_HEALTH)
    assert (health["rows_in"], health["rows_accepted"], health["rows_quarantined"]) == (2, 1, 1)
    assert health["balanced"]
    assert dict(health["reasons"]) == {"no consent at this moment": 1}
    assert result.figures["destinations"]["braze"] == {
        "in": 2,
        "written": 1,
        "refused": {"no consent at this moment": 1},
        "files": 1,
    }


def test_who_is_suppressed_for_the_channel_is_not_written(context: JobContext) -> None:
    consent(context.lake)
    bounced = {"suppression_id": "s", "person_id": "a", "scope": "email", "reason": "hard_bounce", "source": "mail"}
    write(context.lake, SUPPRESSION, [{**bounced, "since": datetime(2017, 11, 1, tzinfo=UTC)}])
    context.settings = context.settings.model_copy(update={"receipts": ReceiptSettings(purposes={"email": "email"})})

    run(context)

    assert events(context) == ["cb"]


def test_who_is_written_to_at_an_address_that_refused_or_is_suppressed_is_not_written_whoever_owns_it(
    context: JobContext,
) -> None:
    lake, settings = (
        context.lake,
        context.settings.model_copy(update={"receipts": ReceiptSettings(purposes={"email": "email"})}),
    )
    consent(lake)
    at = datetime(2017, 11, 1, tzinfo=UTC)
    write(lake, PERSON, [{"person_id": "a", "email": "fam@x.example"}, {"person_id": "b", "phone": "442079460000"}])
    write(lake, PERSON_LINK, [{"namespace": "phone", "value": "442079460000", "person_id": "h"}])
    refusal = {"record_id": "r", "namespace": "email", "customer_id": "Fam@X.example", "purpose": "email"}
    write(lake, CONSENT, [{**refusal, "status": "withdrawn", "occurred_at": at, "known_at": at}])
    hashed = keyed_hash_of(erasure_key(settings, lake.locations), "phone|442079460000")
    bounced = {"suppression_id": "s", "namespace": "phone", "identifier_hash": hashed, "scope": "email", "since": at}

    run(replace(context, settings=settings))
    refused = events(context)
    write(lake, SUPPRESSION, [bounced])
    run(replace(context, settings=settings))

    assert (refused, events(context)) == (["cb"], [])


def test_a_second_run_changes_no_file_and_adds_no_row_nor_cancels_what_a_sync_has_sent(context: JobContext) -> None:
    run(context)
    of_sync = {"delivery_id": "v_sent", "destination": "braze", "sync": "purchases", "as_of": AS_OF}
    context.lake.add([of_sync], ACTIVATION_OUTBOX)
    sent = {"delivery_id": "v_sent", "destination": "braze", "state": "accepted", "logged_at": context.run_started_at}
    context.lake.add([sent], ACTIVATION_LOG)
    files = exported(context)
    rows = [context.lake.ledger.rows(table) for table in (ACTIVATION_OUTBOX, ACTIVATION_LOG, DATA_HEALTH)]

    run(context)

    assert exported(context) == files
    assert [context.lake.ledger.rows(table) for table in (ACTIVATION_OUTBOX, ACTIVATION_LOG, DATA_HEALTH)] == rows


def test_a_withdrawal_that_became_known_after_the_as_of_stops_the_plan_unless_it_was_given_again(
    context: JobContext,
) -> None:
    consent(context.lake)
    write(context.lake, PERSON_LINK, [{"namespace": "n", "value": p, "person_id": p} for p in "ab"])
    morning, noon = datetime(2017, 12, 1, 8, tzinfo=UTC), datetime(2017, 12, 1, 12, tzinfo=UTC)
    answers = [("b", "granted", morning), ("b", "withdrawn", noon), ("a", "withdrawn", morning), ("a", "granted", noon)]
    write(
        context.lake,
        CONSENT,
        [
            {"record_id": f"{p}{status}", "namespace": "n", "customer_id": p, "purpose": "email", "status": status,
             "occurred_at": at, "known_at": at}
            for p, status, at in answers
        ],
    )  # fmt: skip

    run(context)

    assert events(context) == ["ca"]


def test_a_signal_of_the_browser_stops_what_it_speaks_for_and_a_destination_may_know_pseudonyms_only(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERSONALAKE_SECRET_PSEUDONYMS_K1", "s3cret")
    consent(context.lake)
    write(context.lake, PERSON_LINK, [{"namespace": "cookie", "value": p, "person_id": p} for p in "ab"])
    at = datetime(2017, 12, 1, 8, tzinfo=UTC)
    signal = {"record_id": "s", "namespace": "cookie", "customer_id": "b", "purpose": "gpc", "status": "withdrawn"}
    write(context.lake, CONSENT, [{**signal, "occurred_at": at, "known_at": at}])
    privacy = {
        "signals": {"gpc": ["email"]},
        "pseudonyms": {"keys": {"k1": "secret://pseudonyms/k1"}, "current": "k1"},
    }
    named = BRAZE.model_copy(update={"identifier": "pseudonym"})
    context.settings = context.settings.model_copy(
        update={"privacy": PrivacySettings.model_validate(privacy), "destinations": {"braze": named}}
    )

    run(context)

    assert events(context) == [KeyRing({"k1": "s3cret"}, "k1").pseudonym_of("braze", "a")]
    assert not any(b'"ca"' in content for content in exported(context).values())


def test_consent_that_was_withdrawn_since_takes_the_person_out_of_the_files_and_given_again_brings_them_back(
    context: JobContext,
) -> None:
    consent(context.lake)
    run(context)
    assert events(context) == ["ca", "cb"]

    consent(context.lake, b="withdrawn")
    context.run_started_at = datetime(2100, 1, 1, tzinfo=UTC)
    run(context)
    assert events(context) == ["ca"]
    assert set(exported(context)) == {"braze-00001.json", "manifest.json"}
    assert states(context) == ["accepted", "accepted", "cancelled"]

    consent(context.lake)
    context.run_started_at = datetime(2100, 1, 2, tzinfo=UTC)
    run(context)
    assert events(context) == ["ca", "cb"]
    assert states(context) == ["accepted", "accepted", "accepted", "cancelled"]
    assert context.lake.ledger.rows(ACTIVATION_OUTBOX) == 2


def test_who_asks_to_be_forgotten_or_was_is_in_no_file_from_then_on(context: JobContext) -> None:
    consent(context.lake)
    write(context.lake, PERSON_LINK, [{"namespace": "email", "value": f"{p}@x.example", "person_id": p} for p in "ah"])
    (held,) = [row for row in context.lake.ledger.read(DECISION) if row["person_id"] == "h"]
    context.lake.ledger.append(DECISION, [{**held, "decision_id": "d_h2", "status": "act"}])
    asked = {"namespace": "email", "source": "desk", "record_id": "r"}
    requests = [{**asked, "customer_id": f" {p.upper()}@x.example", "is_verified": p == "a"} for p in "ah"]
    write(context.lake, ERASURE_ASKED, requests)
    key = erasure_key(context.settings, context.lake.locations)
    forgotten = suppressions(Subject(("email", "b"), frozenset("b")), key, datetime(2017, 12, 2, tzinfo=UTC), "test")
    write(context.lake, SUPPRESSION, [row for row in forgotten if not row["person_id"]])

    run(context)

    assert events(context) == ["ch"]


def test_a_run_that_died_before_its_files_is_finished_by_the_next(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(plan_activation, "drop", dies)
        with pytest.raises(KeyboardInterrupt):
            run(context)
    assert not context.lake.exists(ACTIVATION_LOG)

    run(context)

    assert events(context) == ["ca"]
    assert (context.lake.ledger.rows(ACTIVATION_OUTBOX), states(context)) == (1, ["accepted"])


def test_a_dry_run_writes_no_file_and_no_row(context: JobContext) -> None:
    context.lake.dry_run = True

    result = run(context)

    assert result.figures["destinations"]["braze"]["written"] == 1
    assert not context.settings.exports.exists()
    assert not context.lake.exists(ACTIVATION_OUTBOX)


def test_nothing_decided_is_a_reason_to_skip(context: JobContext, context_of: Callable[..., JobContext]) -> None:
    assert run(context_of(context.settings, as_of=date(2017, 11, 1))).message == "nothing has been decided as of 2017-11-01"
    assert run(context_of()).message == "no destination is enabled in conf/destinations.yml"
