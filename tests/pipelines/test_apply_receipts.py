"""Receipts to consent, suppression, engagement and the log, each once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import pytest

from personalake.activation.receipts.states import told
from personalake.common.hashing import keyed_hash_of
from personalake.config import Settings
from personalake.config.erasure import ErasureSettings
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.pipelines import apply_receipts
from personalake.pipelines.consents_now import suppressed_now
from personalake.pipelines.fingerprint import fingerprint
from personalake.pipelines.job import JobContext
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.registry import BY_NAME
from personalake.privacy.pseudonyms import key_ring
from personalake.tables import Table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, DATA_HEALTH
from personalake.tables.identity import PERSON_CHANGE
from personalake.tables.receipts import DECISION_RESPONSE, DELIVERY_RECEIPT, SUPPRESSION
from personalake.tables.silver import CONSENT, PERSON_LINK
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT
from tests.pipelines.pseudonym_keys import two_keys

SENT_AT = datetime(2026, 1, 1, 10, tzinfo=UTC)
PEOPLE = ("ann", "bob", "cyd", "dan", "eve")


@pytest.fixture
def shop(lake: Lake, context_of: Callable[..., JobContext], monkeypatch: pytest.MonkeyPatch) -> JobContext:
    """One delivery each: ann's and bob's in one request, cyd's reply was lost, dan's was claimed by a run that died."""
    monkeypatch.setenv("PERSONALAKE_SECRET_PRIVACY_HASHES", "k")
    add(lake, PERSON_LINK, [{"namespace": "customer_id", "value": p, "person_id": f"p_{p}"} for p in PEOPLE])
    add(lake, PERSON_LINK, [{"namespace": "email", "value": "ann@example.com", "person_id": "p_ann"}])
    add(lake, ACTIVATION_OUTBOX, [{"delivery_id": f"d_{p}", "person_id": f"p_{p}", "destination": "mail"} for p in PEOPLE])
    states = {"ann": "accepted", "bob": "accepted", "cyd": "unknown", "dan": "in_flight", "eve": "accepted"}
    log(lake, {f"d_{p}": (state, "r-1" if p in ("ann", "bob") else None) for p, state in states.items()})
    erasure = ErasureSettings(key="secret://privacy/hashes")
    return context_of(Settings(root=lake.locations.root, erasure=erasure))


def add(lake: Lake, table: Table, rows: list[dict[str, Any]]) -> None:
    lake.ledger.append(table, rows)


def log(lake: Lake, states: dict[str, tuple[str, str | None]], at: datetime = SENT_AT) -> None:
    rows = [
        {"delivery_id": delivery, "destination": "mail", "state": state, "reference": reference, "logged_at": at}
        for delivery, (state, reference) in states.items()
    ]
    add(lake, ACTIVATION_LOG, rows)


def receipt(name: str, kind: str, **more: Any) -> dict[str, Any]:
    """A refined receipt; who is named, is named by `customer_id`."""
    named = {"namespace": "customer_id"} if "customer_id" in more else {}
    times = {"occurred_at": SENT_AT + timedelta(hours=1), "known_at": datetime.now(UTC)}
    common = {"source": "receipts", "record_id": name, "receipt_type": kind, "channel": "email", "batch_id": "b"}
    return {**common, **times, **named, **more}


def report(shop: JobContext, *receipts: dict[str, Any]) -> None:
    add(shop.lake, DELIVERY_RECEIPT, list(receipts))


def last_states(lake: Lake) -> dict[str, str]:
    rows = sorted(lake.ledger.read(ACTIVATION_LOG), key=lambda row: row["logged_at"])
    return {row["delivery_id"].removeprefix("d_"): row["state"] for row in rows}


def _die(*arguments: object) -> NoReturn:
    raise RuntimeError("the plug was pulled")


def test_each_receipt_changes_what_it_is_about_and_nothing_else_and_only_once(
    shop: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    report(
        shop,
        receipt("1", "delivered", reference="r-1", customer_id="ann"),
        receipt("2", "clicked", delivery_id="d_ann"),
        receipt("3", "hard_bounce", delivery_id="d_bob", address="Bob@Example.com", reason="550 bob@example.com unknown"),
        receipt("4", "delivered", delivery_id="d_cyd"),
        receipt("5", "unsubscribed", delivery_id="d_cyd", occurred_at=SENT_AT + timedelta(hours=2)),
        receipt("6", "capped", delivery_id="d_dan", channel="push", reason="over the cap"),
        receipt("7", "complained", address="Ann@Example.com"),
        receipt("8", "unsubscribed", channel="smoke_signals", customer_id="eve"),
        receipt("9", "opened", reference="nobody knows so far"),
        receipt("10", "soft_bounce", delivery_id="d_eve"),
        receipt("11", "failed", reference="r-1"),
        receipt("12", "failed", delivery_id="d_eve", destination="elsewhere"),
        receipt("13", "unsubscribed", reference="nobody knows so far", occurred_at=SENT_AT + timedelta(hours=2)),
        receipt("14", "hard_bounce", reference="nor this one"),
    )

    # The first run dies when all but the log has been written: the second does the whole batch again.
    with monkeypatch.context() as broken:
        broken.setattr(apply_receipts, "settled", _die)
        with pytest.raises(InputError, match="the plug was pulled"):
            apply_receipts.run(shop)

    result = apply_receipts.run(shop)

    lake = shop.lake
    assert result.message == (
        "14 receipts applied, 4 of them about nobody who is known; "
        "1 withdrawn on a channel that receipts.purposes does not name"
    )
    assert last_states(lake) == {
        "ann": "confirmed", "bob": "rejected", "cyd": "confirmed", "dan": "rejected", "eve": "accepted",
    }  # fmt: skip
    reasons = {row["delivery_id"]: row["reason"] for row in lake.ledger.read(ACTIVATION_LOG) if row["state"] == "rejected"}
    assert reasons == {"d_bob": "receipt: hard_bounce: 550 <address> unknown", "d_dan": "receipt: capped: over the cap"}
    answers = lake.ledger.read(CONSENT, ("namespace", "customer_id", "purpose", "status", "record_id", "source"))
    assert sorted((row["record_id"], row["namespace"], row["customer_id"], row["purpose"]) for row in answers) == [
        ("5", "customer_id", "cyd", "email_marketing"),
        ("7", "customer_id", "ann", "email_marketing"),
        ("7:address", "email", "ann@example.com", "email_marketing"),
    ]
    assert {(row["status"], row["source"]) for row in answers} == {("withdrawn", "receipts")}
    (bounced,) = lake.ledger.read(SUPPRESSION)
    assert bounced["identifier_hash"] == keyed_hash_of("k", "email|bob@example.com")
    assert (bounced["person_id"], bounced["scope"], bounced["until"]) == ("p_bob", "email", None)
    mails = lake.ledger.read(EMAIL_ENGAGEMENT, ("event_id", "engagement_type", "customer_id"))
    assert sorted((row["event_id"], row["engagement_type"], row["customer_id"]) for row in mails) == [
        ("receipts:1", "sent", "ann"), ("receipts:10", "bounced", "eve"), ("receipts:2", "clicked", "ann"),
        ("receipts:3", "bounced", "bob"), ("receipts:4", "sent", "cyd"),
    ]  # fmt: skip
    (equation,) = [row for row in lake.ledger.read(DATA_HEALTH) if row["job"] == "apply_receipts"]
    counts = [equation[name] for name in ("rows_in", "rows_accepted", "rows_quarantined", "balanced")]
    assert counts == [14, 10, 4, True]

    # Again, after the log has named the requests that three receipts were about: these count now, all others only once.
    log(lake, {"d_eve": ("accepted", "nobody knows so far")}, SENT_AT + timedelta(minutes=1))
    log(lake, {"d_dan": ("rejected", "nor this one")}, datetime.now(UTC))
    written = (ACTIVATION_LOG, CONSENT, SUPPRESSION, EMAIL_ENGAGEMENT)
    before = {table: lake.ledger.rows(table) for table in written}

    again = apply_receipts.run(shop)

    after = {table: lake.ledger.rows(table) for table in written}
    assert [after[table] - before[table] for table in written] == [1, 1, 1, 2]
    assert last_states(lake)["eve"] == "confirmed"
    assert again.message == "0 receipts applied; 1 deliveries settled by earlier receipts"
    (left,) = [row for row in lake.ledger.read(CONSENT) if row["record_id"] == "13"]
    assert (left["customer_id"], left["purpose"], left["status"]) == ("eve", "email_marketing", "withdrawn")
    assert {row["person_id"] for row in lake.ledger.read(SUPPRESSION)} == {"p_bob", "p_dan"}
    late = {row["event_id"]: row["customer_id"] for row in lake.ledger.read(EMAIL_ENGAGEMENT)}
    assert (late["receipts:9"], late["receipts:14"]) == ("eve", "dan")

    apply_receipts.run(shop)

    assert {table: lake.ledger.rows(table) for table in written} == after


def test_what_answers_a_decision_is_its_exposure_and_its_reward(shop: JobContext) -> None:
    row = {"delivery_id": "d_fay", "person_id": "p_fay", "destination": "mail", "decision_id": "x1"}
    add(shop.lake, ACTIVATION_OUTBOX, [row])
    report(
        shop,
        receipt("1", "delivered", delivery_id="d_fay"),
        receipt("2", "clicked", delivery_id="d_fay"),
        receipt("3", "unsubscribed", reference="r-7"),
        receipt("4", "hard_bounce", delivery_id="d_fay"),
        receipt("5", "clicked", delivery_id="d_ann"),
    )

    apply_receipts.run(shop)
    log(shop.lake, {"d_fay": ("accepted", "r-7")})
    apply_receipts.run(shop)
    apply_receipts.run(shop)

    found = shop.lake.ledger.read(DECISION_RESPONSE, ("record_id", "decision_id", "person_id", "response_type", "reward"))
    assert sorted(tuple(row.values()) for row in found) == [
        ("1", "x1", "p_fay", "delivered", 0.0),
        ("2", "x1", "p_fay", "clicked", 1.0),
        ("3", "x1", "p_fay", "unsubscribed", -1.0),
    ]


def test_a_device_that_is_gone_is_suppressed_for_good_and_a_user_by_one_name_at_one_app_and_their_holder_is_not(
    shop: JobContext,
) -> None:
    app = {"app_id": "a", "api_key": "secret://a/b"}
    connections = {
        "push": {"kind": "fcm", "project": "shop", "service_account": "secret://a/b"},
        "app": {"kind": "onesignal", "subscribers": 9, **app},
        "tags": {"kind": "onesignal_user", **app},
    }
    context = replace(shop, settings=Settings.model_validate({**shop.settings.model_dump(), "connections": connections}))
    now, lake = context.run_started_at, shop.lake
    by_alias = '{"include_aliases": {"external_id": ["u1"]}, "target_channel": "%s"}'
    by_name = '{"alias_label": "external_id", "alias_id": "%s", "properties": {}}'

    def refused(name: str, destination: str, payload: str, reason: str, days: int = 0) -> None:
        row = {"delivery_id": name, "destination": destination}
        add(lake, ACTIVATION_OUTBOX, [{**row, "person_id": "p_ann", "payload": payload}])
        told = {**row, "state": "rejected", "reason": reason, "logged_at": now + timedelta(days)}
        add(lake, ACTIVATION_LOG, [told])

    refused("1", "push", '{"token": "t-gone"}', "UNREGISTERED")
    refused("2", "push", '{"token": "t-odd"}', "INVALID_ARGUMENT")
    refused("3", "app", by_alias % "email", "not a subscriber there")
    refused("4", "tags", by_name % "u2", "no such user there")
    refused("5", "tags", by_name % "u3", "status 400: bad")
    first = apply_receipts.run(context)
    refused("6", "app", by_alias % "push", "not a subscriber there", days=40)

    again = apply_receipts.run(replace(context, run_started_at=now + timedelta(40)))

    assert first.message == "3 receipts applied; 3 of them taken from replies to what was sent"
    assert again.message == "1 receipts applied; 1 of them taken from replies to what was sent"
    key = erasure_key(context.settings, lake.locations)
    known = {
        keyed_hash_of(key, who): who
        for who in ("device_token|t-gone", "user_alias|app/external_id/u1", "user_alias|tags/external_id/u2")
    }
    rows = lake.ledger.read(SUPPRESSION)
    # A user may come back under the name, and is told of anew.
    assert sorted((known[row["identifier_hash"]], row["scope"], (row["since"] - now).days) for row in rows) == [
        ("device_token|t-gone", "push", 0),
        ("user_alias|app/external_id/u1", "user", 0),
        ("user_alias|app/external_id/u1", "user", 40),
        ("user_alias|tags/external_id/u2", "user", 0),
    ]
    assert {(row["person_id"], row["reason"]) for row in rows} == {(None, "unregistered")}
    ends = {row["scope"]: row["until"] and row["until"] - row["since"] for row in rows}
    assert ends == {"push": None, "user": timedelta(30)}
    add(lake, PERSON_LINK, [{"namespace": "device_token", "value": "t-gone", "person_id": "p_ann"}])
    assert suppressed_now(lake.ledger, context.settings).num_rows == 0
    assert lake.ledger.rows(EMAIL_ENGAGEMENT) == 0
    assert last_states(lake)["ann"] == "accepted"


def test_who_answers_under_a_pseudonym_of_an_older_key_is_the_person_whom_they_have_become(
    shop: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = two_keys(monkeypatch)
    sync = {"audience": {"where": "orders > 1"}, "destination": "mail", "key": "pseudonym",
            "purposes": ["personalisation"]}  # fmt: skip
    told = {"privacy": {"pseudonyms": {"keys": keys, "current": "k2", "previous": ["k1"]}}, "audiences": {"news": sync}}
    context = replace(shop, settings=Settings.model_validate({**shop.settings.model_dump(), **told}))
    ring, lake = key_ring(context.settings.privacy.pseudonyms), shop.lake
    # Eve was another person when she was written to.
    add(lake, ACTIVATION_OUTBOX, [{"delivery_id": "d_old", "person_id": "p_old", "destination": "mail"}])
    merge = {"kind": "merged", "changed_at": SENT_AT, "old_person_id": "p_old", "new_person_id": "p_eve"}
    add(lake, PERSON_CHANGE, [merge])
    names = {
        "1": ("mail", "p_ann", "k1"),
        "2": ("mail", "p_bob", "k2"),
        "3": ("mail", "p_old", "k1"),
        "4": ("ads", "p_cyd", "k1"),
    }
    report(
        shop,
        *(
            receipt(name, "unsubscribed", namespace="pseudonym", customer_id=ring.pseudonym_of(*who))
            for name, who in names.items()
        ),
        receipt("5", "unsubscribed", delivery_id="d_old", channel="push"),
    )

    result = apply_receipts.run(context)

    rows = lake.ledger.read(CONSENT, ("record_id", "namespace", "customer_id", "purpose"))
    withdrawn = {row["record_id"]: (row["namespace"], row["customer_id"]) for row in rows}
    assert withdrawn == {
        name: ("customer_id", who) for name, who in {"1": "ann", "2": "bob", "3": "eve", "5": "eve"}.items()
    }
    assert result.message == "5 receipts applied, 1 of them about nobody who is known"


def test_the_newest_receipt_decides_whenever_it_comes(shop: JobContext) -> None:
    report(shop, receipt("1", "hard_bounce", delivery_id="d_ann", occurred_at=SENT_AT + timedelta(hours=2)))
    report(shop, receipt("2", "delivered", reference="r-1", customer_id="bob"))
    apply_receipts.run(shop)

    report(shop, receipt("3", "delivered", delivery_id="d_ann", occurred_at=SENT_AT + timedelta(hours=1)))
    report(shop, receipt("4", "failed", delivery_id="d_bob", occurred_at=SENT_AT + timedelta(minutes=30)))
    apply_receipts.run(replace(shop, run_started_at=shop.run_started_at + timedelta(hours=1)))
    before = last_states(shop.lake)

    report(shop, receipt("5", "opened", delivery_id="d_ann", occurred_at=SENT_AT + timedelta(hours=3)))
    apply_receipts.run(replace(shop, run_started_at=shop.run_started_at + timedelta(hours=2)))

    assert (before["ann"], before["bob"]) == ("rejected", "confirmed")
    assert last_states(shop.lake)["ann"] == "confirmed"


def test_who_unsubscribes_under_a_key_that_nobody_knows_is_whom_the_delivery_names(shop: JobContext) -> None:
    unknown = {"customer_id": "their own number"}
    report(shop, receipt("1", "unsubscribed", delivery_id="d_ann", **unknown), receipt("2", "unsubscribed", **unknown))

    apply_receipts.run(shop)

    rows = shop.lake.ledger.read(CONSENT, ("record_id", "customer_id"))
    assert {row["record_id"]: row["customer_id"] for row in rows} == {"1": "ann", "2": "their own number"}


def test_a_no_stays_with_the_person_and_the_address_and_not_with_a_device_that_they_used(shop: JobContext) -> None:
    held = {
        "fay": [("app_install", "i1"), ("cookie_id", "c1"), ("crm", "7"), ("email", "fay@example.com")],
        "gus": [("app_install", "i2"), ("email", "gus@example.com"), ("device_id", "e2")],
        "hal": [("cookie_id", "c3"), ("app_install", "i3")],
        "ida": [("email", "ida@example.com"), ("login", "ida")],
    }
    links = [
        {"namespace": kind, "value": value, "person_id": f"p_{who}"} for who, own in held.items() for kind, value in own
    ]
    add(shop.lake, PERSON_LINK, links)
    add(
        shop.lake, ACTIVATION_OUTBOX, [{"delivery_id": f"d_{p}", "person_id": f"p_{p}", "destination": "mail"} for p in held]
    )
    app = {"contract": "customer_record", "path": "/landing", "namespace": "app_install",
           "columns": {"record_id": "id", "customer_id": "id", "device_id": "device"}}  # fmt: skip
    settings = Settings.model_validate({**shop.settings.model_dump(), "sources": {"app": app}})
    report(
        shop,
        *(receipt(who, "unsubscribed", delivery_id=f"d_{who}") for who in held),
        # The connection had another name when its receipts were asked for.
        receipt("renamed", "unsubscribed", delivery_id="d_fay", destination="the old name"),
        receipt("beside", "complained", delivery_id="d_fay", address="Fay <FAY@example.com>"),
        receipt("keyed", "complained", namespace="crm", customer_id="7", address="fay@example.com"),
    )

    apply_receipts.run(replace(shop, settings=settings))

    rows = shop.lake.ledger.read(CONSENT, ("record_id", "namespace", "customer_id"))
    assert {row["record_id"]: (row["namespace"], row["customer_id"]) for row in rows} == {
        "fay": ("crm", "7"),
        "gus": ("email", "gus@example.com"),
        "hal": ("app_install", "i3"),
        "ida": ("login", "ida"),
        "renamed": ("crm", "7"),
        "beside": ("crm", "7"),
        "beside:address": ("email", "fay@example.com"),
        "keyed": ("crm", "7"),
    }


def test_an_address_that_bounces_again_after_its_suppression_ended_is_suppressed_again(shop: JobContext) -> None:
    receipts = shop.settings.receipts.model_copy(update={"hard_bounce_days": 30})
    context = replace(shop, settings=shop.settings.model_copy(update={"receipts": receipts}))
    for name, day in (("1", 0), ("2", 0), ("3", 40)):
        when = SENT_AT + timedelta(days=day)
        report(shop, receipt(name, "hard_bounce", delivery_id="d_ann", address="ann@example.com", occurred_at=when))
        apply_receipts.run(context)

    rows = shop.lake.ledger.read(SUPPRESSION, ("since", "until"))
    assert sorted(((row["since"] - SENT_AT).days, (row["until"] - SENT_AT).days) for row in rows) == [(0, 30), (40, 70)]


def test_a_log_that_has_grown_is_a_reason_to_look_at_receipts_again(shop: JobContext) -> None:
    report(shop, receipt("1", "delivered", reference="r-9"))
    before = fingerprint(BY_NAME["apply_receipts"], shop)
    assert fingerprint(BY_NAME["apply_receipts"], shop) == before

    log(shop.lake, {"d_dan": ("accepted", "r-9")})

    assert fingerprint(BY_NAME["apply_receipts"], shop) != before


def test_without_receipts_nothing_is_started(context_of: Callable[..., JobContext]) -> None:
    context = context_of()

    result = apply_receipts.run(context)

    assert (result.skipped, result.message) == (True, "no destination has reported anything yet")
    assert context.lake.ledger.version(DELIVERY_RECEIPT) is None


def test_reasons_say_what_is_wrong_and_name_nobody(lake: Lake) -> None:
    said = {
        "mail to jane@example.com,  call +49 170 1234567": "mail to <address>, … <number>",
        "bearer abcdefgh12345": "… <secret>",
        "no such user " * 40: f"{'no such user ' * 40}"[:299] + "…",
        "5.2.2 smtp; 552 mailbox of Ewa Ó Briain is full": "5.2.2 smtp; 552 mailbox of … is full",
        "5.2.2 smtp; 552 Mr. NOWAK box full": "5.2.2 smtp; 552 … full",
        "552 household1701 at mail.example over quota": "552 … at mail.… over quota",
        "552 customer 1734 full, 張偉": "552 … full, …",
        "5.7.509 access denied, domain does not pass DMARC": "5.7.509 access denied, domain does not … DMARC",
        "INVALID_PUSH_TOKEN": "INVALID_PUSH_TOKEN",
        "jane_doe: mailbox unavailable": "…: mailbox unavailable",
        "messages full of Fuller": "messages full of …",
    }
    rows = lake.spark.createDataFrame([(text,) for text in said], "text string")

    found = [row[0] for row in rows.select(told(rows["text"])).collect()]

    assert found == list(said.values())
