"""What somebody is told beside their data: why, to whom, how long, from where, by whom, and by which logic."""

from datetime import UTC, datetime
from typing import Any

import pytest

from personalake.config import Settings, load_settings
from personalake.config.erasure import AccessNotice
from personalake.privacy.circumstances import UNSAID, circumstances, flat
from personalake.tables import Table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, CUSTOMER_PROFILE, DECISION, PREDICTION
from personalake.tables.silver import CONSENT_CURRENT, ORDER_LINE

MAY, JUNE = datetime(2025, 5, 1, tzinfo=UTC), datetime(2025, 6, 1, tzinfo=UTC)


def row(table: Table, **told: Any) -> dict[str, Any]:
    return {**dict.fromkeys(table.columns), **told}


@pytest.fixture
def settings() -> Settings:
    return load_settings("local")


def test_a_person_is_told_purposes_with_their_answers_and_who_was_sent_what(settings: Settings) -> None:
    one = {"destination": "braze", "operation": "track", "purpose": "personalisation, email"}
    sent = [row(ACTIVATION_OUTBOX, delivery_id=name, **one) for name in ("d1", "d2")]
    log = [row(ACTIVATION_LOG, delivery_id="d1", state=state, logged_at=at)
           for state, at in (("confirmed", JUNE), ("accepted", MAY))]  # fmt: skip
    held = {
        CUSTOMER_PROFILE: [row(CUSTOMER_PROFILE, favourite_category="tea")], ACTIVATION_OUTBOX: sent, ACTIVATION_LOG: log,
        CONSENT_CURRENT: [row(CONSENT_CURRENT, purpose="email_marketing", status="withdrawn")],
    }  # fmt: skip

    told = circumstances(settings, held, [])

    assert told["purposes"] == [
        {"purpose": "email_marketing", "your_answer": "withdrawn", "tables": []},
        {"purpose": "personalisation", "your_answer": "none", "tables": ["gold.customer_profile"]},
    ]
    assert told["recipients"] == [
        {"recipient": "braze", "deliveries": 2, "by_state": {"confirmed": 1, "planned": 1}, "last_at": JUNE,
         "purposes": ["email", "personalisation"], "ways": ["track"]},
    ]  # fmt: skip


def test_a_person_is_told_how_long_rows_are_kept_and_where_they_came_from(settings: Settings) -> None:
    held = {ORDER_LINE: [row(ORDER_LINE, source=name) for name in ("orders", "orders", "old_till")],
            CUSTOMER_PROFILE: [row(CUSTOMER_PROFILE)]}  # fmt: skip
    own = settings.maintenance.model_copy(update={"retention_days": {"silver.order_line": 30}, "landed_days": 9})

    told = circumstances(settings.model_copy(update={"maintenance": own}), held, [])

    assert told["retention"] == [
        {"table": "silver.order_line", "rows": 3, "kept": "30 days after `occurred_at`"},
        {"table": "gold.customer_profile", "rows": 1, "kept": "until replaced or erased"},
        {"table": "files as they were delivered to us", "rows": None, "kept": "9 days after they were read"},
    ]
    assert [(each["source"], each["origin"], each["rows"]) for each in told["sources"]] == [
        ("old_till", "a source that is no longer configured", 1),
        ("orders", "order_line by files", 2),
        (None, "made here of the other tables", 1),
    ]


def test_a_person_is_told_the_logic_of_what_machines_decided_and_of_nothing_else(settings: Settings) -> None:
    rule = settings.decisions.rules[0]
    held = {DECISION: [row(DECISION, rule=name) for name in (rule.name, rule.name, "gone")], PREDICTION: [row(PREDICTION)]}

    told = circumstances(settings, held, [])["automated_decisions"]

    by_what = {each["what"]: (each["times"], each["logic"]) for each in told}
    assert list(by_what) == [
        *sorted([f"decision by the rule {rule.name}", "decision by the rule gone"]),
        "profiling in gold.prediction",
        "what follows for you, and how to object",
    ]
    assert by_what[f"decision by the rule {rule.name}"][0] == 2
    assert (
        f"applies where {rule.when}; then: {rule.action} by {rule.channel}"
        in by_what[f"decision by the rule {rule.name}"][1]
    )
    assert "has been withdrawn since" in by_what["decision by the rule gone"][1]
    assert "28 days" in by_what["profiling in gold.prediction"][1]
    assert circumstances(settings, {}, [])["automated_decisions"] == []


def test_rights_are_told_in_the_words_of_the_company_and_what_it_did_not_say_is_said_to_be_missing(
    settings: Settings,
) -> None:
    notice = AccessNotice(controller="Shop, 1 Street", authority="The Authority", rights="All of them.")
    own = settings.model_copy(update={"erasure": settings.erasure.model_copy(update={"notice": notice})})

    said = {each["about"]: each["text"] for each in circumstances(own, {}, [])["rights"]}
    silent = {each["about"]: each["text"] for each in circumstances(settings, {}, [])["rights"]}

    assert (said["controller"], said["your rights"]) == ("Shop, 1 Street", "All of them.")
    assert said["complaint"].endswith("or to ours: The Authority")
    assert said["transfers to other countries"] == silent["controller"] == UNSAID
    assert "object" in silent["your rights"]


def test_who_looked_is_told_without_the_names_of_staff_and_fits_a_spreadsheet(settings: Settings) -> None:
    look = {"accessed_at": MAY, "job": "explain", "action": "look", "destination": None, "rows": 3, "tables": ["a"]}

    told = circumstances(settings, {}, [{**look, "accessed_at": JUNE}, {**look, "user": "clerk", "subject": "s"}])

    assert [each["accessed_at"] for each in told["accesses"]] == [MAY, JUNE]
    assert told["accesses"][0] == look
    assert {"part": "accesses", "number": 1, "name": "job", "value": "explain"} in flat(told)
