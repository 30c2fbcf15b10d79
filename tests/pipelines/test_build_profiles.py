from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from personalake.lake import Lake
from personalake.pipelines.build_profiles import run
from personalake.pipelines.job import JobContext
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.journeys import CUSTOMER_PROFILE_HISTORY
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, ORDER_LINE, PERSON_LINK

NOVEMBER = datetime(2017, 11, 1, 12)
LINE = {
    "event_id": "e", "order_id": "o", "namespace": "n", "customer_id": "1", "product_id": "x", "quantity": Decimal(1),
    "amount": Decimal("3.00"), "discount_amount": Decimal(0), "currency": "USD", "is_return": False,
    "occurred_at": NOVEMBER, "known_at": NOVEMBER, "source": "orders", "warnings": [],
}  # fmt: skip
LINK = {"namespace": "n", "value": "1", "person_id": "p1", "sources": ["orders"], "first_known_at": NOVEMBER}


def test_profiles_are_built_twice_alike_and_never_overwritten_by_an_older_as_of(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    lake.ledger.append(ORDER_LINE, [LINE])
    lake.ledger.append(PERSON_LINK, [LINK])

    run(context_of())
    first = lake.ledger.read(CUSTOMER_PROFILE)
    run(context_of())
    older = run(context_of(as_of=date(2017, 11, 1)))

    assert [(row["person_id"], row["orders"], row["spend"], row["as_of"]) for row in first] == [
        ("p1", 1, Decimal("3.00"), date(2017, 12, 1))
    ]
    assert older.skipped
    assert "never overwrites" in older.message
    assert lake.ledger.read(CUSTOMER_PROFILE) == first


def test_answers_and_wishes_that_came_after_the_last_order_hold_from_when_they_came(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    came, told = datetime(2018, 1, 20, 9, tzinfo=UTC), {"namespace": "n", "customer_id": "1"}
    lake.ledger.append(PERSON_LINK, [LINK])
    # Made when there was no order yet, of the day of what else was seen.
    lake.ledger.append(CUSTOMER_PROFILE, [{"person_id": "p1", "orders": 0, "as_of": date(2018, 1, 5)}])
    lake.ledger.append(ORDER_LINE, [LINE])
    clocks = {"occurred_at": came, "known_at": came}
    lake.ledger.append(CONSENT, [{**told, "record_id": "w", "purpose": "email", "status": "withdrawn", **clocks}])
    lake.ledger.append(CONSENT_CURRENT, [{"person_id": "p1", "purpose": "email", "status": "withdrawn", **clocks}])
    never = dict.fromkeys(clocks, datetime(2999, 1, 1, tzinfo=UTC))
    wishes = [("1", "language", "de", clocks), ("2", "language", "fr", never)]
    lake.ledger.append(
        PREFERENCE,
        [{**told, "record_id": record, "preference": name, "value": value, **at} for record, name, value, at in wishes],
    )

    run(context_of())

    (profile,) = lake.ledger.read(CUSTOMER_PROFILE)
    assert (profile["as_of"], profile["orders"]) == (date(2017, 12, 1), 1)
    assert (profile["consents"], profile["preferences"]) == ({"email": "withdrawn"}, {"language": "de"})
    history = {row["attribute"]: row["valid_from"] for row in lake.ledger.read(CUSTOMER_PROFILE_HISTORY)}
    assert history["consents.email"] == history["preferences.language"] == came
    assert history["currency"] == datetime(2017, 12, 1, tzinfo=UTC)


def test_nobody_known_is_a_reason_to_skip(context_of: Callable[..., JobContext]) -> None:
    result = run(context_of())

    assert (result.skipped, result.message) == (True, "silver.person_link is empty: nobody is known yet")


def test_a_dry_run_writes_nothing(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    lake.ledger.append(ORDER_LINE, [LINE])
    lake.ledger.append(PERSON_LINK, [LINK])
    lake.dry_run = True

    run(context_of())

    assert not lake.exists(CUSTOMER_PROFILE)
    assert [(write.table, write.rows) for write in lake.writes] == [("gold.customer_profile", 1)]
