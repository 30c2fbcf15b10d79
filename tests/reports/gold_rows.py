"""A small gold layer, plausible and the same every time, for tests that only read gold."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from personalake.lake import Ledger
from personalake.tables import bronze, gold, silver

AS_OF = date(2017, 12, 1)
MIDNIGHT = datetime(2017, 12, 1, tzinfo=UTC)
CATEGORIES = ("SOFT DRINKS", "FLUID MILK PRODUCTS", "CHEESE", "BAKED BREAD", "BEEF")
REASONS = (
    ("recency_days", "last order 40 days ago"),
    ("orders_28_days", "no order in the last 28 days"),
    ("days_between_orders", "used to order every 6 days"),
)
SEGMENTS = ("champions", "loyal", "at risk", "hibernating")


def person(number: int) -> str:
    return f"p_{number:024x}"


def fill(ledger: Ledger, people: int = 12) -> None:
    """Put rows for so many people into every table that the report, `explain` and the notebook read."""
    draw = Random(7)
    profiles = [_profile(number, draw) for number in range(1, people + 1)]
    rows: dict[Any, Any] = {
        bronze.LANDING_FILE: _files(),
        silver.CATALOG_ITEM: [_item(number) for number in range(1, 11)],
        silver.PERSON_LINK: [_link(number) for number in range(1, people + 1)],
        silver.CONSENT_CURRENT: [row for profile in profiles for row in _consents(profile)],
        silver.QUARANTINE: [_refused("quantity: zero", "a" * 64), _refused("amount: not a number", "b" * 64)],
        gold.CUSTOMER_PROFILE: profiles,
        gold.CUSTOMER_FEATURE: [_feature(profile) for profile in profiles],
        gold.SEGMENT_MEMBERSHIP: [row for place, profile in enumerate(profiles) for row in _memberships(profile, place)],
        gold.SEGMENT_SUMMARY: list(_summaries(people)),
        gold.PREDICTION: [_prediction(profile, draw) for profile in profiles],
        gold.RECOMMENDATION: [row for profile in profiles for row in _recommended(profile, draw)],
        gold.DECISION: [_decision(profile, place) for place, profile in enumerate(profiles)],
        gold.ACTIVATION_OUTBOX: [_delivery(profile) for place, profile in enumerate(profiles) if place % 4 == 0],
        gold.ACTIVATION_LOG: [
            row for place, profile in enumerate(profiles) if place % 4 == 0 for row in _log(profile, place)
        ],
        gold.DATA_HEALTH: [_health(), _planned()],
        gold.MODEL_HEALTH: list(_metrics()),
        gold.RUN: [_run("build_profiles", 3), _run("publish_report", 9)],
    }
    for table, content in rows.items():
        ledger.append(table, content)


def _profile(number: int, draw: Random) -> dict[str, Any]:
    orders, recency = draw.randint(1, 120), min(int(draw.expovariate(1 / 30)) + 1, 300)
    spend = Decimal(orders * draw.randint(800, 6000)) / 100
    return {
        "person_id": person(number),
        "customer_id": str(number),
        "first_order_date": date(2017, 1, 1 + number % 28),
        "last_order_date": AS_OF - timedelta(days=recency),
        "orders": orders,
        "order_lines": orders * 7,
        "spend": spend.quantize(Decimal("0.01")),
        "currency": "USD",
        "average_order_value": (spend / orders).quantize(Decimal("0.01")),
        "days_between_orders": round(330 / orders, 2) if orders > 1 else None,
        "favourite_category": CATEGORIES[number % 5],
        "favourite_store_id": "367",
        "discount_share": 0.15,
        "coupons_redeemed": number % 3,
        "age_band": ("25-34", "35-44", "65+", None)[number % 4],
        "income_band": ("Under 15K", "100-124K", "35-49K", None)[number % 4],
        "household_size": str(1 + number % 3),
        "kids_count": None,
        "consents": {"email_marketing": ("granted", "denied", "withdrawn")[number % 3]},
        "as_of": AS_OF,
    }


def _files() -> list[dict[str, Any]]:
    shared = {"source": "orders", "bytes": 10, "modified_at": MIDNIGHT, "checked_at": MIDNIGHT}
    return [
        {**shared, "path": "2017-01-01/a.json", "status": "admitted", "reason": None},
        {**shared, "path": "2017-01-01/b.json.gz", "status": "rejected", "reason": "gzip: the file ends too early"},
    ]


def _item(number: int) -> dict[str, Any]:
    shared = {"source": "catalog", "known_at": MIDNIGHT - timedelta(days=300), "record_id": f"r{number}"}
    category = CATEGORIES[number % 5]
    return {**shared, "product_id": str(1000 + number), "category": category, "product_type": f"{category.title()} {number}"}


def _link(number: int) -> dict[str, Any]:
    return {"namespace": "customer_id", "value": str(number), "person_id": person(number), "sources": ["orders"]}


def _consents(profile: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for purpose, status in profile["consents"].items():
        yield {"person_id": profile["person_id"], "purpose": purpose, "status": status, "origin": "synthetic-demo",
               "occurred_at": MIDNIGHT - timedelta(days=90)}  # fmt: skip


def _refused(reason: str, payload_hash: str) -> dict[str, Any]:
    payload = json.dumps({"household_id": "secret-household", "product_id": "1001"})
    return {
        "source": "orders",
        "contract": "order_line",
        "payload": payload,
        "payload_hash": payload_hash,
        "reasons": [reason],
    }


def _feature(profile: dict[str, Any]) -> dict[str, Any]:
    numbers = {field.name: 1.5 for field in gold.CUSTOMER_FEATURE.fields if field.type == "double"}
    recency = float((AS_OF - profile["last_order_date"]).days)
    return {**numbers, "person_id": profile["person_id"], "as_of": AS_OF, "recency_days": recency, "definition": "d"}


def _memberships(profile: dict[str, Any], place: int) -> Iterator[dict[str, Any]]:
    shared = {"person_id": profile["person_id"], "as_of": AS_OF}
    yield {**shared, "scheme": "rfm", "segment": SEGMENTS[place % 4], "detail": {"recency": "5", "frequency": "4"}}
    yield {**shared, "scheme": "kmeans", "segment": f"cluster {1 + place % 2}", "detail": {}}


def _summaries(people: int) -> Iterator[dict[str, Any]]:
    for scheme, segments in (("rfm", SEGMENTS), ("kmeans", ("cluster 1", "cluster 2"))):
        for place, segment in enumerate(segments):
            yield {
                "scheme": scheme, "segment": segment, "as_of": AS_OF, "people": people // len(segments),
                "share": 1 / len(segments), "mean_recency_days": 5.0 + 20 * place, "mean_orders": 60.0 - 14 * place,
                "mean_spend": 2400.5 - 500 * place, "description": "bought lately, often and for much: keep them happy",
            }  # fmt: skip


def _prediction(profile: dict[str, Any], draw: Random) -> dict[str, Any]:
    recency = (AS_OF - profile["last_order_date"]).days
    reasons = [
        {"feature": feature, "value": float(recency), "effect": effect, "words": words}
        for (feature, words), effect in zip(REASONS, (1.2, 0.6, -0.4), strict=True)
    ]
    probability = min(0.98, recency / 90 + draw.random() * 0.1)
    return {"person_id": profile["person_id"], "model": "churn", "as_of": AS_OF, "probability": probability,
            "percentile": 0.5, "reasons": reasons, "model_version": "1"}  # fmt: skip


def _recommended(profile: dict[str, Any], draw: Random) -> Iterator[dict[str, Any]]:
    for slot in ("all_items", "new_items"):
        for rank, item in enumerate(draw.sample(range(1, 11), 3), start=1):
            yield {
                "person_id": profile["person_id"], "slot": slot, "as_of": AS_OF, "rank": rank,
                "product_id": str(1000 + item), "score": 1.0 / rank, "reason": "bought 4 times in 8 weeks", "model": "blend",
            }  # fmt: skip


def _decision(profile: dict[str, Any], place: int) -> dict[str, Any]:
    status = ("act", "holdout", "no_consent", "no_action")[place % 4]
    shared = {"decision_id": f"d{profile['person_id']}", "person_id": profile["person_id"], "as_of": AS_OF, "status": status}
    if status == "no_action":
        return {**shared, "action": "none", "probability": 1.0, "reason": "no rule holds"}
    return {
        **shared, "action": "win_back_coupon", "rule": "win_back", "channel": "email", "purpose": "email_marketing",
        "product_id": "1001", "category": "CHEESE", "reason": "likely to leave and formerly frequent", "probability": 0.95,
    }  # fmt: skip


def _delivery(profile: dict[str, Any]) -> dict[str, Any]:
    payload = {"type": "track", "userId": "secret-household", "properties": {"age_band": "secret-age", "coupon": "CHEESE"}}
    return {
        "delivery_id": f"x{profile['person_id']}", "decision_id": f"d{profile['person_id']}",
        "person_id": profile["person_id"], "as_of": AS_OF,
        "destination": "cdp", "operation": "track", "payload": json.dumps(payload), "purpose": "email_marketing",
    }  # fmt: skip


def _log(profile: dict[str, Any], place: int) -> Iterator[dict[str, Any]]:
    shared = {"delivery_id": f"x{profile['person_id']}", "destination": "cdp", "logged_at": MIDNIGHT}
    yield {**shared, "state": "pending"}
    if place % 8 == 0:
        yield {**shared, "state": "accepted", "file": "cdp/2017-12-01/batch_1.json"}
    else:
        yield {**shared, "state": "cancelled", "reason": "consent was withdrawn meanwhile"}


def _health() -> dict[str, Any]:
    return {
        "job": "refine_events", "source": "orders", "batch_id": "b:0", "run_id": "r", "rows_in": 1004, "rows_accepted": 1000,
        "rows_quarantined": 3, "rows_duplicate": 1, "rows_late": 2, "balanced": True, "recorded_at": MIDNIGHT,
        "reasons": {"quantity: zero": 2, "amount: not a number": 1}, "warnings": {"product_id: not in the catalog": 4},
    }  # fmt: skip


def _planned() -> dict[str, Any]:
    return {
        "job": "plan_activation", "source": "cdp", "batch_id": "plan_activation/cdp/2017-12-01/7", "rows_in": 7,
        "rows_accepted": 3, "rows_quarantined": 4, "rows_duplicate": 0, "rows_late": 0, "balanced": True,
        "recorded_at": MIDNIGHT,
        "reasons": {"no consent to personalisation": 4}, "warnings": {},
    }  # fmt: skip


def _metrics() -> Iterator[dict[str, Any]]:
    rows = (
        ("churn", "gbt", "everyone", "roc_auc", 0.866, 0.848, 0.884, "champion"),
        ("churn", "gbt", "everyone", "calibration_error", 0.012, None, None, "champion"),
        ("churn", "logistic_regression", "everyone", "roc_auc", 0.861, 0.842, 0.879, "candidate"),
        ("churn", "recency", "everyone", "roc_auc", 0.815, 0.795, 0.836, "yardstick"),
        ("items", "blend", "all_items", "ndcg_at_10", 0.402, 0.391, 0.413, "champion"),
        ("items", "popularity", "all_items", "ndcg_at_10", 0.173, 0.166, 0.181, "yardstick"),
    )
    for model, candidate, population, metric, value, low, high, role in rows:
        yield {"model": model, "candidate": candidate, "as_of": date(2017, 11, 1), "population": population,
               "metric": metric, "value": value, "low": low, "high": high, "role": role}  # fmt: skip


def _run(job: str, minute: int) -> dict[str, Any]:
    ended = MIDNIGHT + timedelta(minutes=minute)
    return {
        "run_id": f"{job}-1", "job": job, "environment": "demo", "as_of": AS_OF, "status": "done", "message": "12 people",
        "rows_read": 12, "rows_written": 12, "rows_rejected": 0, "started_at": MIDNIGHT, "ended_at": ended, "seconds": 3.2,
    }  # fmt: skip
