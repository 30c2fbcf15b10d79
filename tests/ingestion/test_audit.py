from datetime import UTC, date, datetime
from typing import Any

import pytest

from personalake.config.sources import Source
from personalake.ingestion.audit import Arrived, audit_row, gaps, served
from personalake.ingestion.contracts import CONTRACTS

AS_OF = date(2024, 5, 10)


def source(contract: str, **more: Any) -> Source:
    columns = more.pop("columns", {})
    return Source.model_validate({"contract": contract, "path": "x", "columns": columns, **more})


def test_days_between_rows_are_counted_and_the_longest_silence_is_told() -> None:
    assert gaps([]) == (0, 0)
    assert gaps([date(2024, 5, 1)]) == (0, 0)
    assert gaps([date(2024, 5, day) for day in (1, 2, 5, 7)]) == (3, 2)


def test_an_audit_tells_refusals_gaps_freshness_fill_rates_and_consent() -> None:
    arrived = Arrived(
        days={date(2024, 5, 1): 3, date(2024, 5, 4): 1, None: 1},
        filled={"email": 4, "phone": 0},
        known_until=datetime(2024, 5, 4, 23, 30, tzinfo=UTC),
        counts={"rows_in": 8, "rows_quarantined": 2, "rows_duplicate": 1},
        persons=4,
        granting={"push": 1},
    )

    row = audit_row("crm", source("customer_record"), arrived, ["silver.b", "silver.a"], [], AS_OF, "Europe/Berlin")

    assert (row["rows"], row["rows_in"], row["refused_share"]) == (5, 8, 0.25)
    assert (row["first_date"], row["last_date"]) == (date(2024, 5, 1), date(2024, 5, 4))
    assert (row["days_without_rows"], row["longest_gap_days"]) == (2, 2)
    assert row["freshness_days"] == 4, "half past eleven in London is the next day in Berlin, the 5th"
    assert (row["identifier_share"], row["consent_share"]) == ({"email": 0.8}, {"push": 0.25})
    assert row["feeds_tables"] == ["silver.a", "silver.b"]
    assert row["touchpoints"] == {"email": "reach"}


def test_a_source_without_rows_has_no_share_and_no_day() -> None:
    row = audit_row("crm", source("customer_record"), Arrived(), [], [], AS_OF, "UTC")

    assert [row[name] for name in ("refused_share", "first_date", "freshness_days", "rows")] == [None, None, None, 0]
    assert (row["identifier_share"], row["touchpoints"]) == ({}, {})


@pytest.mark.parametrize(
    ("one", "shares", "told", "expected"),
    [
        (source("interaction"), {"cookie_id": 1.0}, (), {"web": "behaviour"}),
        (source("interaction"), {"cookie_id": 1.0}, ("app", "web"), {"web": "behaviour", "app": "behaviour"}),
        (source("interaction", columns={"channel": {"constant": "app"}}), {"cookie_id": 1.0}, (), {"app": "behaviour"}),
        (
            source("customer_record"),
            {"device_id": 0.1, "login": 1.0},
            (),
            {"web": "reach", "app": "reach", "push": "reach"},
        ),
        (source("customer_record", namespace="loyalty_id"), {"customer_id": 1.0}, (), {"shop": "reach"}),
        (source("order_line", columns={"store_id": {"constant": "web"}}), {}, (), {"web": "behaviour"}),
        (source("order_line"), {}, (), {"shop": "behaviour"}),
        (source("order_line"), {}, ("web", "app"), {"web": "behaviour", "app": "behaviour"}),
        (source("order_line"), {}, ("web", "north-1"), {"web": "behaviour", "shop": "behaviour"}),
        (source("delivery_receipt"), {"email": 1.0}, ("push",), {"push": "behaviour"}),
        (source("consent"), {"email": 1.0}, ("email_marketing",), {"email": "consent"}),
        (source("consent"), {}, ("push_marketing", "personalisation"), dict.fromkeys(("web", "app", "push"), "consent")),
        (source("consent", columns={"purpose": {"constant": "global_privacy_control"}}), {}, (), {"web": "consent"}),
        (source("product_offer"), {}, (), dict.fromkeys(("email", "web", "app", "shop", "push"), "content")),
        (source("campaign_spend"), {}, (), {}),
        (source("third_party_attribute"), {"email": 1.0}, (), {}),
    ],
)
def test_a_source_serves_the_touchpoints_of_which_it_tells(
    one: Source, shares: dict[str, float], told: tuple[str, ...], expected: dict[str, str]
) -> None:
    assert served(one, shares, told) == expected


def test_every_contract_has_its_place_among_the_touchpoints_or_is_known_to_have_none() -> None:
    without = {"campaign_spend", "erasure_request", "social_mention", "third_party_attribute"}
    told = {"order_line": "web", "interaction": "web", "delivery_receipt": "email", "consent": "email_marketing"}

    serving = {name for name in CONTRACTS if served(source(name), {"email": 1.0}, (told[name],) if name in told else ())}

    assert serving == set(CONTRACTS) - without
