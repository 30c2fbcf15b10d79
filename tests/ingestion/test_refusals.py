"""A refusal, and a request to be forgotten, count though something about them cannot be read; a grant does not."""

import json
from datetime import datetime

from pyspark.sql import SparkSession

from personalake.config.sources import Source
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.parsing import parse

LANDED = datetime(2026, 5, 2, 8)
BRONZE = "source string, payload string, source_file string, ordinal bigint, landed_at timestamp"
FIELDS = ("record_id", "customer_id", "purpose", "status", "occurred_at", "expires_at")


def test_a_refusal_whose_time_cannot_be_read_counts_from_when_it_came(spark: SparkSession) -> None:
    source = Source.model_validate(
        {
            "contract": "consent",
            "namespace": "crm",
            "format": "json",
            "path": "x",
            "columns": {name: name for name in FIELDS},
        }
    )
    told = {
        "fine": ("withdrawn", "2026-05-01T10:00:00Z", None),
        "unreadable": ("withdrawn", "1st of May", None),
        "missing": ("denied", None, None),
        "odd": ("nope", "1st of May", None),
        "odd_end": ("withdrawn", "2026-05-01T10:00:00Z", "never"),
        "grant": ("granted", "1st of May", None),
        "grant_without": ("granted", None, None),
        "grant_odd_end": ("granted", "2026-05-01T10:00:00Z", "never"),
        "nobody": ("withdrawn", "1st of May", None),
    }
    rows = []
    for place, (name, (status, at, end)) in enumerate(told.items()):
        who = None if name == "nobody" else f"c-{name}"
        values = dict(zip(FIELDS, (name, who, "email", status, at, end), strict=True))
        rows.append(("crm", json.dumps({key: value for key, value in values.items() if value}), "f", place, LANDED))

    found = spark.createDataFrame(rows, BRONZE).transform(parse("crm", source, CONTRACTS["consent"])).collect()

    stands = {row["record_id"]: (row["occurred_at"], row["warnings"]) for row in found if not row["reasons"]}
    late = "occurred_at: not readable, and the row counts all the same"
    at = datetime(2026, 5, 1, 10)
    assert stands == {
        "fine": (at, []),
        "unreadable": (LANDED, [late]),
        "missing": (LANDED, [late]),
        "odd": (LANDED, ["status: not one of granted, denied, withdrawn; it allows nothing", late]),
        "odd_end": (at, ["expires_at: not readable, and the row counts all the same"]),
    }
    assert {row["record_id"] for row in found if row["reasons"]} == {"grant", "grant_without", "grant_odd_end", "nobody"}


def test_a_request_to_be_forgotten_is_heard_however_it_is_written_and_only_a_yes_verifies_it(spark: SparkSession) -> None:
    mapped = {"record_id": "id", "customer_id": "who", "regulation": "law", "is_verified": "sure", "occurred_at": "at"}
    source = Source.model_validate({"contract": "erasure_request", "namespace": "email", "path": "x", "columns": mapped})
    at = "2026-05-01T10:00:00Z"
    told = {
        "small": ("ann@x", "ccpa", "true", at),
        "other law": ("ann@x", "LGPD", "Y", at),
        "no law": ("ann@x", None, "1", at),
        "undated": ("ann@x", "GDPR", "yes", "yesterday"),
        "unsaid": ("ann@x", "GDPR", " ", at),
        "odd": ("ann@x", "GDPR", "pending", at),
        "nobody": (None, "GDPR", "yes", at),
    }
    rows = [
        ("desk", json.dumps({"id": name, "who": who, "law": law, "sure": sure, "at": when}), "f", place, LANDED)
        for place, (name, (who, law, sure, when)) in enumerate(told.items())
    ]

    parsed = spark.createDataFrame(rows, BRONZE).transform(parse("desk", source, CONTRACTS["erasure_request"])).collect()

    found = {row["record_id"]: row for row in parsed}
    asked = datetime(2026, 5, 1, 10)
    assert {name: (row["regulation"], row["is_verified"], row["occurred_at"]) for name, row in found.items()} == {
        "small": ("CCPA", True, asked),
        "other law": ("LGPD", True, asked),
        "no law": ("GDPR", True, asked),
        "undated": ("GDPR", True, LANDED),
        "unsaid": ("GDPR", False, asked),
        "odd": ("GDPR", False, asked),
        "nobody": ("GDPR", True, asked),
    }
    assert {name: row["reasons"] for name, row in found.items() if row["reasons"]} == {"nobody": ["customer_id: missing"]}
    assert {name: row["warnings"] for name, row in found.items() if row["warnings"]} == {
        "other law": ["regulation: not one of GDPR, CCPA; its deadline is a month"],
        "undated": ["occurred_at: not readable, and the row counts all the same"],
        "odd": ["is_verified: not readable, and the row counts all the same"],
    }


def test_who_says_stop_is_heard_though_the_time_is_unreadable_or_to_come_and_other_receipts_are_not(
    spark: SparkSession,
) -> None:
    fields = ("record_id", "receipt_type", "channel", "customer_id", "occurred_at")
    columns = {name: name for name in fields}
    given = {"contract": "delivery_receipt", "namespace": "crm", "format": "json", "path": "x", "columns": columns}
    far = "2040-01-01T00:00:00Z"
    told = {
        "fine": ("unsubscribed", "2026-05-01T10:00:00Z"),
        "unreadable": ("unsubscribed", "1st of May"),
        "missing": ("complained", None),
        "far": ("hard_bounce", far),
        "opened": ("opened", "1st of May"),
        "opened_far": ("opened", far),
    }
    rows = []
    for place, (name, (kind, at)) in enumerate(told.items()):
        values = dict(zip(fields, (name, kind, "email", "c1", at), strict=True))
        rows.append(("crm", json.dumps({key: value for key, value in values.items() if value}), "f", place, LANDED))

    parsed = parse("crm", Source.model_validate(given), CONTRACTS["delivery_receipt"])
    found = spark.createDataFrame(rows, BRONZE).transform(parsed).collect()

    stands = {row["record_id"]: (row["occurred_at"], len(row["warnings"])) for row in found if not row["reasons"]}
    assert stands["fine"] == (datetime(2026, 5, 1, 10), 0)
    assert {name: at for name, (at, warnings) in stands.items() if warnings} == {
        "unreadable": LANDED,
        "missing": LANDED,
        "far": datetime(2040, 1, 1),
    }
    assert {row["record_id"] for row in found if row["reasons"]} == {"opened", "opened_far"}
