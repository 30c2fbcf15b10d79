"""One folder of Segment's calls feeds three sources, and webhooks drop whole documents: through the jobs to silver."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import yaml

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.lake import Lake
from personalake.pipelines import ingest_events, ingest_records, refine_events, refine_records
from personalake.pipelines.job import JobContext
from personalake.tables.bronze import LANDING_FILE
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import CUSTOMER_RECORD
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT, INTERACTION
from tests.ingestion.test_vendor_feeds import SEGMENT

IDENTIFY = {
    **SEGMENT,
    "type": "identify",
    "traits": {"name": "Peter Gibbons", "email": "peter@example.com", "address": {"city": "Austin", "postalCode": "73301"}},
}
PAGE = {**SEGMENT, "type": "page", "messageId": "m2", "name": "Home", "properties": {"url": "https://shop.example/"}}
TRACK = {
    **SEGMENT, "type": "track", "messageId": "m3", "event": "Product Viewed", "userId": None,
    "properties": {"product_id": "p1", "price": 18.99},
}  # fmt: skip
WEBHOOK = """[
  {"email": "peter@example.com", "timestamp": 1513299569, "event": "delivered",
   "category": ["spring"], "sg_event_id": "e1", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001"},
  {"email": "peter@example.com", "timestamp": 1513299570, "event": "processed", "sg_event_id": "e0"},
  {"email": "peter@example.com", "timestamp": 1513299600, "event": "click", "category": "spring",
   "sg_event_id": "e2", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001"}
]"""


def source(name: str, folder: Path) -> Source:
    raw = yaml.safe_load(Path(f"conf/sources/{name}.yml").read_text())
    return Source.model_validate({**raw, "enabled": True, "path": folder})


def test_calls_and_webhooks_reach_silver_and_nothing_is_counted_twice(
    lake: Lake, tmp_path: Path, context_of: Callable[..., JobContext]
) -> None:
    calls, mails = tmp_path / "segment", tmp_path / "sendgrid"
    calls.mkdir()
    mails.mkdir()
    with gzip.open(calls / "1.json.gz", "wt") as file:
        file.write("".join(f"{json.dumps(call)}\n" for call in (IDENTIFY, PAGE, TRACK)))
    (mails / "hook-1.json").write_text(WEBHOOK)
    (mails / "hook-2.json").write_text("\ufeff\n")
    (mails / "hook-3.json").write_text('{"email": "half\n')
    sources = {name: source(name, calls) for name in ("segment_events", "segment_identifies")}
    sources["sendgrid_events"] = source("sendgrid_events", mails).model_copy(update={"settle_seconds": 0})
    context = context_of(Settings(root=lake.locations.root, sources=sources))

    for job in (ingest_records, ingest_events, refine_records, refine_events):
        job.run(context)

    (person,) = lake.ledger.read(CUSTOMER_RECORD)
    assert (person["login"], person["cookie_id"], person["email"]) == (
        "user-97980", "anonymous-507f191e", "peter@example.com",
    )  # fmt: skip
    assert (person["first_name"], person["last_name"], person["postcode"]) == ("Peter", "Gibbons", "73301")
    clicks = {row["event_id"]: row for row in lake.ledger.read(INTERACTION)}
    assert {key: row["interaction_type"] for key, row in clicks.items()} == {"m2": "page", "m3": "view"}
    assert (clicks["m3"]["product_id"], clicks["m3"]["customer_id"]) == ("p1", None)
    mailed = {row["event_id"]: row for row in lake.ledger.read(EMAIL_ENGAGEMENT)}
    assert {key: row["engagement_type"] for key, row in mailed.items()} == {"e1": "sent", "e2": "clicked"}
    assert {(row["message_id"], row["campaign_id"]) for row in mailed.values()} == {("14c5d75ce93", "spring")}
    rejected = [row["reason"] for row in lake.ledger.read(LANDING_FILE) if row["status"] == "rejected"]
    assert rejected == ["not a JSON document: Invalid control character at: line 1, column 16"]
    assert sum(row["rows_in"] for row in lake.ledger.read(DATA_HEALTH)) == 5
    assert {row["rows_quarantined"] for row in lake.ledger.read(DATA_HEALTH)} == {0}
