"""A company of a handful of people: sources, settings, and rows to land."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.ingestion.contracts import CONTRACTS
from personalake.lake import Lake, Locations

FIRST_DAY = date(2017, 6, 1)
NEXT_DAY = FIRST_DAY + timedelta(1)
PURPOSES = ("email_marketing", "personalisation")
Row = Mapping[str, Any]
# Source to its contract and the namespace of its customers.
SOURCES: Mapping[str, tuple[str, str]] = {
    "crm": ("customer_record", "crm"),
    "orders": ("order_line", "crm"),
    "site": ("interaction", "login"),
    "tickets": ("support_ticket", "email"),
    "wishes": ("preference", "crm"),
    "answers": ("consent", "crm"),
    "catalog": ("catalog_item", "nobody"),
}
AUDIENCE: Mapping[str, Any] = {
    "audience": {"where": "email IS NOT NULL"},
    "destination": "partner",
    "mode": "mirror",
    "purposes": list(PURPOSES),
    "key": "email",
    "key_field": "address",
    "fields": {"bought": "orders", "loved": "favourite_category"},
    "membership": "is_member",
    "min_people": 1,
    "holdout": False,
    "bounds": {"max_removed_share": 1.0},
    "cap": {"deliveries": 1, "days": 30},
}


def company_settings(folder: Path, as_of: date = FIRST_DAY, overrides: tuple[Row, ...] = ()) -> Settings:
    """Fields are called what the contracts call them, and every place is below the folder."""
    sources: dict[str, dict[str, Any]] = {
        name: {
            "contract": contract, "path": folder / "landing" / name, "namespace": namespace,
            "columns": {field.name: field.name for field in CONTRACTS[contract].fields if field.name != "currency"},
        }
        for name, (contract, namespace) in SOURCES.items()
    }  # fmt: skip
    sources["orders"]["currency"] = "EUR"
    return Settings.model_validate(
        {
            "root": folder / "lake", "landing": folder / "landing", "exports": folder / "exports", "as_of": as_of,
            "report": {"path": folder / "report"},
            "erasure": {"retention_hours": 0, "access": folder / "access"},
            "identity": {"overrides": list(overrides)},
            "connections": {"partner": {"kind": "csv_drop", "folder": folder / "exports" / "partner",
                                        "columns": ["address", "bought", "loved", "is_member"]}},
            "audiences": {"buyers": dict(AUDIENCE)},
            "destinations": {"mail": {"dialect": "csv", "identifier": "customer_id", "purposes": ["personalisation"],
                                      "max_items": 9, "max_bytes": 90_000}},
            "decisions": {"holdout": {"share": 0.0}, "rules": [
                {"name": "anything", "when": "true", "action": "show_category", "channel": "email",
                 "purpose": "email_marketing", "offer": "favourite_category", "reason": "Show {favourite_category}."}]},
            "sources": sources,
        }
    )  # fmt: skip


def company_lake(folder: Path, spark: SparkSession) -> Lake:
    return Lake(Locations(folder / "lake"), lambda: spark)


def land(folder: Path, source: str, *rows: Row, name: str = "a", ending: str = "") -> None:
    place = folder / "landing" / source
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{name}.json").write_text("".join(f"{json.dumps(row)}\n" for row in rows) + ending)


def customer(number: str, known_at: str = "2017-01-05T08:00:00Z", **told: str) -> Row:
    return {"record_id": f"record-{number}", "customer_id": number, "known_at": known_at, **told}


def order(number: str, who: str | None, day: str = "2017-04-01", **more: Any) -> Row:
    told = {"order_id": number, "customer_id": who, "product_id": "tea-1", "quantity": 1, "amount": 9.5}
    return {**happened(number, day, **told), **more}


def happened(record: str, day: str = "2017-04-02", **told: Any) -> Row:
    at = f"{day}T10:00:00Z"
    return {"record_id": record, "event_id": record, "occurred_at": at, "known_at": at, **told}


def answer(who: str, purpose: str, status: str = "granted", day: str = "2017-02-01") -> Row:
    return happened(f"{who}-{purpose}-{status}", day, customer_id=who, purpose=purpose, status=status)
