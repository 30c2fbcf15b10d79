from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from personalake.common.hashing import person_hash_of
from personalake.config import Settings
from personalake.lake import Lake
from personalake.pipelines.job import JobContext
from personalake.pipelines.resolve_identities import run
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, EVENT, PERSON_LINK

MAY, JUNE = datetime(2017, 5, 1, tzinfo=UTC), datetime(2017, 6, 1, tzinfo=UTC)
P1, P2 = person_hash_of("crm", "1"), person_hash_of("crm", "2")


def event(customer: str | None, known_at: datetime = MAY) -> dict[str, Any]:
    return {"event_id": f"e{customer}", "namespace": "crm" if customer else None, "customer_id": customer, "source": "shop",
            "occurred_at": known_at, "known_at": known_at}  # fmt: skip


def answer(record: str, status: str, at: datetime) -> dict[str, Any]:
    return {"record_id": record, "namespace": "crm", "customer_id": "1", "purpose": "email", "status": status,
            "legal_basis": "consent", "origin": "form", "occurred_at": at, "known_at": at, "source": "consents"}  # fmt: skip


def consents(lake: Lake) -> set[tuple[str, str, str]]:
    return {(row["person_id"], row["purpose"], row["status"]) for row in lake.ledger.read(CONSENT_CURRENT)}


def test_identifiers_become_people_and_answers_become_current_consent(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    lake.ledger.append(EVENT, [event("1"), event("2"), event(None)])
    lake.ledger.append(CONSENT, [answer("a", "granted", MAY), answer("b", "withdrawn", JUNE)])

    for _ in range(2):
        run(context_of())

        links = {row["value"]: (row["person_id"], row["sources"]) for row in lake.ledger.read(PERSON_LINK)}
        assert links == {"1": (P1, ["consents", "shop"]), "2": (P2, ["shop"])}
        assert consents(lake) == {(P1, "email", "withdrawn")}


def test_consent_is_assumed_only_where_the_source_says_so_and_nobody_answered(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    lake.ledger.append(EVENT, [event("1"), event("2"), event("3", datetime(2999, 1, 1, tzinfo=UTC))])
    lake.ledger.append(CONSENT, [answer("a", "denied", MAY)])
    columns = {"customer_id": "c", "order_id": "o", "product_id": "p", "quantity": "q", "amount": "a", "occurred_at": "t"}
    settings = Settings.model_validate(
        {
            "root": str(lake.locations.root),
            "sources": {"shop": {"contract": "order_line", "path": "x", "columns": columns, "consent": "assume_granted"}},
            "decisions": {
                "rules": [{"name": "r", "when": "true", "action": "a", "channel": "c", "purpose": "email", "reason": "w"}]
            },
        }
    )

    run(context_of(settings))

    email = {row for row in consents(lake) if row[1] == "email"}
    assert email == {(P1, "email", "denied"), (P2, "email", "assumed_granted")}
    assert (P2, "personalisation", "assumed_granted") in consents(lake)


def test_what_was_allowed_on_a_past_day_allows_nothing_in_a_run_for_that_day(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    lake.ledger.append(CONSENT, [answer("a", "granted", MAY), answer("b", "withdrawn", JUNE)])
    day = date(2017, 5, 15)

    backfill = run(context_of(Settings(root=lake.locations.root, as_of=day), as_of=day))
    found = consents(lake)
    run(context_of(as_of=day))

    assert found == consents(lake) == {(P1, "email", "withdrawn")}
    assert "1 current consents of 20" in backfill.message
    assert "not of the as-of 2017-05-15: what was allowed then allows nothing today" in backfill.message


def test_an_empty_silver_is_a_reason_to_skip(context_of: Callable[..., JobContext]) -> None:
    assert run(context_of()).skipped
