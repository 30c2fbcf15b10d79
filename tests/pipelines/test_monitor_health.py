from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

import pytest

from personalake.config import Settings
from personalake.config.quality import QualitySettings
from personalake.errors import UnhealthyError
from personalake.lake import Lake, Locations
from personalake.pipelines.job import JobContext
from personalake.pipelines.monitor_health import run
from personalake.pipelines.progress import Progress
from personalake.tables.gold import CUSTOMER_FEATURE, CUSTOMER_PROFILE, DATA_HEALTH, MODEL_HEALTH, PREDICTION
from personalake.tables.health import DATASET_VERDICT
from personalake.tables.silver import CATALOG_ITEM, ORDER_LINE, QUARANTINE
from personalake.tables.touchpoints import EXPERIMENT_EXPOSURE, INTERACTION

AS_OF = date(2017, 6, 1)
MIDNIGHT = datetime(2017, 6, 1, tzinfo=UTC)
CHECKS: dict[str, Any] = {
    "datasets": {
        "silver.order_line": {
            "freshness": {"warn_days": 1, "fail_days": 3},
            "volume": {"history_days": 10},
            "completeness": {"product_id": 1.0, "customer_id": 0.8},
        },
        "silver.interaction": {"freshness": {"warn_days": 1, "fail_days": 3}},  # which no source fills
        "gold.customer_journey": {"clock": "occurred_at", "freshness": {"warn_days": 1, "fail_days": 3}},
    },
    "consistency": {
        "products": {"kind": "foreign_key", "left": "silver.order_line.product_id",
                     "right": "silver.catalog_item.product_id", "tolerance": 0.5, "fail_beyond": 0.6},
        "lines": {"kind": "equal", "left": "rows(silver.order_line)", "right": "sum(gold.customer_profile.order_lines)"},
        "people": {"kind": "equal", "left": "distinct(silver.order_line.customer_id)",
                   "right": "rows(gold.customer_profile)"},
    },
}  # fmt: skip


def no_session() -> NoReturn:
    raise AssertionError("health is looked at without a Spark session")


def context(root: Path, **quality: Any) -> JobContext:
    settings = Settings(root=root, quality=QualitySettings.model_validate({**CHECKS, **quality}))
    lake = Lake(Locations(root), no_session)
    days = [back for back in range(1, 12) for _ in range(10)]
    lake.ledger.append(ORDER_LINE, [
        {"event_id": str(n), "customer_id": None if n % 2 else str(n % 10), "product_id": "x" if n % 5 else "y",
         "known_at": MIDNIGHT - timedelta(days=back)}
        for n, back in enumerate(days)
    ])  # fmt: skip
    lake.ledger.append(CATALOG_ITEM, [{"product_id": "x"}])
    lake.ledger.append(CUSTOMER_PROFILE, [{"person_id": f"p{n}", "order_lines": 22} for n in range(5)])
    return JobContext(settings, lake, AS_OF, AS_OF, "run", {}, Progress())


def test_each_check_gets_its_verdict_without_spark(tmp_path: Path) -> None:
    job = context(tmp_path)

    result = run(job)

    found = {(row["table"], row["check"]): (row["verdict"], row["value"]) for row in job.lake.ledger.read(DATASET_VERDICT)}
    assert found == {
        ("silver.order_line", "freshness"): ("pass", 1.0),
        ("silver.order_line", "volume"): ("pass", 10.0),
        ("silver.order_line", "completeness of product_id"): ("pass", 1.0),
        ("silver.order_line", "completeness of customer_id"): ("fail", 0.5),
        ("gold.customer_journey", "freshness"): ("unknown", None),
        ("silver.order_line", "products"): ("pass", 0.2),
        ("silver.order_line", "lines"): ("pass", 0.0),
        ("silver.order_line", "people"): ("pass", 0.0),
    }
    assert dict(result.figures) == {"pass": 6, "warn": 0, "fail": 1, "unknown": 1}
    assert "completeness of customer_id (55 of 110 rows lack it, 20.00 % may)" in result.message


def test_a_failed_check_stops_the_line_where_that_is_wanted_and_the_verdicts_are_there(tmp_path: Path) -> None:
    job = context(tmp_path, stop_on_fail=True)

    with pytest.raises(UnhealthyError, match=r"1 of 8 checks failed: silver\.order_line completeness of customer_id"):
        run(job)

    assert job.lake.ledger.rows(DATASET_VERDICT) == 8
    assert UnhealthyError.exit_code == 6


def test_a_snapshot_is_as_old_as_its_as_of_and_counts_for_the_day_before(tmp_path: Path) -> None:
    checks = {"clock": "as_of", "freshness": {"warn_days": 1, "fail_days": 3}, "volume": {"history_days": 7}}
    job = context(tmp_path, datasets={"gold.prediction": checks}, consistency={})
    for back in range(9):
        people = 30 if back else 3
        rows = [{"person_id": f"p{n}", "model": "churn", "as_of": AS_OF - timedelta(back)} for n in range(people)]
        job.lake.ledger.append(PREDICTION, rows)

    run(job)

    found = {row["check"]: (row["verdict"], row["value"]) for row in job.lake.ledger.read(DATASET_VERDICT)}
    assert found == {"freshness": ("pass", 0.0), "volume": ("warn", 3.0)}


def test_drift_left_out_groups_and_crooked_experiments_get_verdicts_without_spark(tmp_path: Path) -> None:
    spread = {
        "silver.order_line": {
            "evenness": {"customer_id": {"by": "store_id", "unit": "order_id", "fewest_rows": 50}},
            "drift": {"amount": {"days": 3, "history_days": 7, "fewest_rows": 20}},
        },
        "silver.interaction": {"drift": {"device_type": {"days": 3, "history_days": 7, "fewest_rows": 20}}},
        "silver.experiment_exposure": {"sample_ratio": {"by": "device_type"}},
    }
    job = context(tmp_path, datasets=spread, consistency={})
    ledger = job.lake.ledger
    ledger.append(ORDER_LINE, [
        {"event_id": f"s{n}-{line}", "order_id": f"o{n}", "store_id": "hill" if n % 2 else "harbour",
         "customer_id": None if n % 4 == 1 else "c", "amount": Decimal(n % 30 + (30 if n < 50 else 0)),
         "known_at": MIDNIGHT - timedelta(days=2 if n < 50 else 6)}
        for n in range(100) for line in range(1 + n % 3)
    ])  # fmt: skip
    # Those of the as-of's own day, and beyond the history, do not count.
    ledger.append(INTERACTION, [
        {"event_id": f"{back}-{n}", "device_type": "phone" if n < (50 if back > 3 else 90) else "computer",
         "known_at": MIDNIGHT - timedelta(days=back) + timedelta(hours=1)}
        for back in range(12) for n in range(100)
    ])  # fmt: skip
    ledger.append(EXPERIMENT_EXPOSURE, [
        {"event_id": f"{n}-{again}", "experiment_id": "new-search", "variant": "a" if n < 150 else "b", "cookie_id": f"k{n}",
         "device_type": ("phone", "computer")[again], "known_at": MIDNIGHT - timedelta(days=1)}
        for n in range(200) for again in range(2)
    ])  # fmt: skip
    # What lies further back than is looked at, in which neither arm nor group was as it should be.
    long_ago = {"known_at": MIDNIGHT - timedelta(days=91)}
    ledger.append(
        ORDER_LINE, [{"event_id": f"l{n}", "order_id": f"l{n}", "store_id": "hill", **long_ago} for n in range(200)]
    )
    ledger.append(EXPERIMENT_EXPOSURE, [
        {"event_id": f"l{n}", "experiment_id": "old", "variant": "a", "cookie_id": f"l{n}", **long_ago} for n in range(50)
    ])  # fmt: skip

    run(job)

    found = {row["check"]: row for row in ledger.read(DATASET_VERDICT)}
    assert {check: (row["verdict"], row["kind"]) for check, row in found.items()} == {
        "evenness of customer_id by store_id": ("warn", "evenness"),
        "drift of amount": ("fail", "drift"),
        "drift of device_type": ("fail", "drift"),
        "sample ratio of new-search": ("fail", "sample_ratio"),
    }
    evenness = found["evenness of customer_id by store_id"]
    assert (evenness["value"], evenness["reason"]) == (0.5, "hill: 50% of 50 units (order_id) have it, 100% elsewhere")
    assert "in the newest 3 days beyond " in found["drift of amount"]["reason"]
    assert "phone is 90% of rows, and was 50% in the 7 before" in found["drift of device_type"]["reason"]
    assert found["sample ratio of new-search"]["reason"].startswith("units: a 150, b 50; as planned, 0.5 : 0.5")


def test_a_snapshot_is_compared_with_those_before_it_number_by_number(tmp_path: Path) -> None:
    wanted = {"days": 1, "history_days": 35}
    checks = {"clock": "as_of", "drift": {"recency_days": wanted, "order_days": wanted}}
    job = context(tmp_path, datasets={"gold.customer_feature": checks}, consistency={})
    for back in (70, 31, 0, -1):  # the oldest lies before the history, the last one after the as-of
        later = 0 if back == 31 else 40
        job.lake.ledger.append(CUSTOMER_FEATURE, [
            {"person_id": f"p{n}", "as_of": AS_OF - timedelta(back), "recency_days": n % 60 + later, "order_days": 3}
            for n in range(300)
        ])  # fmt: skip

    run(job)

    found = {row["check"]: row for row in job.lake.ledger.read(DATASET_VERDICT)}
    assert {check: row["verdict"] for check, row in found.items()} == {
        "drift of recency_days": "fail",
        "drift of order_days": "pass",
    }
    assert "on the newest day beyond 53 is" in found["drift of recency_days"]["reason"]


def test_a_refusal_in_quarantine_is_a_warning_and_a_feed_of_them_that_broke_a_failure(tmp_path: Path) -> None:
    job = context(tmp_path, datasets={}, consistency={}, refused={"consent": {"days": 7, "fail_share": 0.02}})
    feed = {"contract": "consent", "path": "x", "columns": {
        name: "c" for name in ("customer_id", "purpose", "status", "occurred_at")
    }}  # fmt: skip
    sources = {name: feed for name in ("calm", "one_odd", "broken", "long_ago")}
    job.settings = Settings.model_validate({"root": tmp_path, "quality": job.settings.quality, "sources": sources})
    ledger, now = job.lake.ledger, job.run_started_at
    refused = {"calm": 0, "one_odd": 1, "broken": 30, "cured": 30, "long_ago": 30}
    ledger.append(QUARANTINE, [
        {"source": source, "contract": "consent"} for source, rows in refused.items() for _ in range(rows)
        if source != "cured"
    ])  # fmt: skip
    ledger.append(QUARANTINE, [{"source": "shop", "contract": "order_line"}])
    ledger.append(DATA_HEALTH, [
        {"job": "refine_records", "source": source, "batch_id": source, "rows_in": 100, "rows_quarantined": rows,
         "recorded_at": now - timedelta(days=8 if source == "long_ago" else 1)}
        for source, rows in refused.items()
    ])  # fmt: skip
    ledger.append(DATA_HEALTH, [
        {"job": "replay_quarantine", "source": "broken", "batch_id": "r", "rows_in": 9_000, "rows_quarantined": 0,
         "recorded_at": now}
    ])  # fmt: skip

    run(job)

    found = {row["check"]: (row["table"], row["verdict"]) for row in ledger.read(DATASET_VERDICT)}
    assert found == {
        f"refused rows of {source}": ("silver.consent", verdict)
        for source, verdict in (("calm", "pass"), ("one_odd", "warn"), ("broken", "fail"), ("long_ago", "warn"))
    }


def test_rows_that_are_nearly_the_same_are_counted(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    near = {"columns": ["name"], "block": "lower(category)", "most_edits": 1, "tolerance": 0.1, "fail_beyond": 0.4}
    quality = QualitySettings.model_validate({"datasets": {"silver.catalog_item": {"near_duplicates": near}}})
    items = [("1", "oat milk", "Drinks"), ("2", "oat milkk", "drinks"), ("3", "oat milk", "soap"), ("4", "cheese", "drinks")]
    lake.ledger.append(CATALOG_ITEM, [
        {"source": "shop", "record_id": key, "name": name, "category": category} for key, name, category in items
    ])  # fmt: skip

    run(context_of(Settings(root=lake.locations.root, quality=quality)))

    (verdict,) = lake.ledger.read(DATASET_VERDICT)
    assert (verdict["check"], verdict["value"], verdict["verdict"]) == ("near duplicates by name", 0.25, "warn")
    assert verdict["reason"] == "1 of 4 rows are at most 1 edits from an earlier one"


def test_rows_that_were_too_many_to_compare_are_told_and_no_pass(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    near = {"columns": ["name"], "block": "category", "most_edits": 1, "largest_block": 2}
    quality = QualitySettings.model_validate({"datasets": {"silver.catalog_item": {"near_duplicates": near}}})
    items = [(str(n), f"thing {n}" * n, "drinks" if n < 4 else "soap") for n in range(1, 6)]
    lake.ledger.append(CATALOG_ITEM, [
        {"source": "shop", "record_id": key, "name": name, "category": category} for key, name, category in items
    ])  # fmt: skip

    run(context_of(Settings(root=lake.locations.root, quality=quality)))

    (verdict,) = lake.ledger.read(DATASET_VERDICT)
    assert (verdict["verdict"], verdict["value"]) == ("warn", 0.0)
    assert verdict["reason"].endswith("; 3 rows were not compared, in 1 blocks of more than 2")


def test_without_checks_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert run(context(tmp_path, datasets={}, consistency={})).skipped


def test_a_model_that_overlooks_a_group_beyond_chance_is_told_of_as_its_newest_training_found_it(tmp_path: Path) -> None:
    job = context(tmp_path, datasets={}, consistency={}, gaps={"most_difference": 0.1, "fail_difference": 0.3})
    measured = [
        ("churn", date(2017, 5, 1), "gender", "recall_difference", 0.9, 0.8),  # an earlier training
        ("churn", AS_OF, "gender", "recall_difference", 0.2, 0.1),
        ("churn", AS_OF, "gender", "false_positive_rate_difference", 0.5, -0.1),  # by chance
        ("churn", AS_OF, "gender=f", "recall", 0.3, 0.2),
        ("other", AS_OF, "gender", "flagged_share_difference", 0.05, 0.01),
        ("other", date(2017, 7, 1), "gender", "flagged_share_difference", 0.9, 0.8),  # of later than the as-of
    ]
    names = ("model", "as_of", "population", "metric", "value", "low")
    job.lake.ledger.append(MODEL_HEALTH, [{**dict(zip(names, row, strict=True)), "candidate": "gbt"} for row in measured])

    run(job)

    found = {row["check"]: (row["table"], row["verdict"], row["value"]) for row in job.lake.ledger.read(DATASET_VERDICT)}
    assert found == {
        "gap of churn by gender": ("gold.model_health", "warn", 0.2),
        "gap of other by gender": ("gold.model_health", "pass", 0.05),
    }
