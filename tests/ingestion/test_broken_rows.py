"""Every source of conf/sources/ with rows that are broken in every way: all are refused with a reason, and none is lost."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from personalake.config.sources import ELEMENT, POSITION, Source
from personalake.config.sql import columns_of
from personalake.ingestion.choice import one_per_element, only_where
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.parsing import MALFORMED, parse

SOURCES = {
    path.stem: Source.model_validate(yaml.safe_load(path.read_text())) for path in sorted(Path("conf/sources").glob("*.yml"))
}
# What makes a row one of the source, where it chooses among rows of several kinds.
OURS: dict[str, dict[str, Any]] = {
    "braze_receipts": {"event_type": "users.messages.email.Bounce"},
    "ga4_purchases": {"event_name": "purchase"},
    "gpc_signals": {"gpc": "1"},
    "onesignal_receipts": {"event.kind": "message.email.bounced"},
    "salesforce_receipts": {"eventCategoryType": "TransactionalSendEvents.EmailSent"},
    "segment_consents": {"type": "track", "event": "Segment Consent Preference Updated"},
    "segment_events": {"type": "track"},
    "segment_identifies": {"type": "identify"},
    "segment_receipts": {"event": "Email Delivered"},
    "sendgrid_events": {"event": "delivered"},
    "sendgrid_receipts": {"event": "delivered"},
    "segment_orders": {"type": "track", "event": "Order Completed"},
    "zendesk_tickets": {"type": "zen:event-type:ticket.created"},
    "zendesk_users": {"type": "zen:event-type:user.created", "detail": '{"role": "end-user"}'},
}
UNREADABLE = ('{"cut": "of', "no json", '["a", "list"]', "7", "\x00a,broken,row")
NESTED = {"deep": [None, {"deeper": None}]}
# A field, several of them, or the payload; and what is wrong with it, in words.
REASON = re.compile(
    r"[a-z_]+(, [a-z_]+)*: (missing|not |negative|zero|both missing|all missing|year out|after |before |longer )"
)


def columns(source: Source) -> list[str]:
    found: list[str] = []
    for mapped in source.columns.values():
        found += [mapped.column] if mapped.column else columns_of(mapped.expression) if mapped.expression else []
    return [name for name in dict.fromkeys(found) if name not in (ELEMENT, POSITION)]


def broken(name: str, source: Source) -> Iterator[tuple[str, str]]:
    """Rows of a source by what is wrong with them."""
    ours, names = OURS.get(name, {}), columns(source)
    yield from (("unreadable", text) for text in UNREADABLE)
    yield "missing", json.dumps({**ours, "unheard_of": 1, "": {"x": []}})
    yield "null", json.dumps({**dict.fromkeys(names), **ours})
    yield "blank", json.dumps({**dict.fromkeys(names, " "), **ours})
    yield "wrong", json.dumps({**dict.fromkeys(names, "\u2603 no value"), **ours, "unheard_of": [1]})
    yield "nested", json.dumps({**dict.fromkeys(names, NESTED), **ours})


# Sources that are asked about in one question: what it costs to plan grows faster than their number.
AT_ONCE = 6


def judged(spark: SparkSession, name: str, source: Source) -> DataFrame:
    rows = [(name, text, f"{kind}-{place}") for place, (kind, text) in enumerate(broken(name, source))]
    bronze = spark.createDataFrame(rows, "source string, payload string, source_file string")
    stamped = bronze.withColumn("landed_at", F.lit("2026-01-01T00:00:00Z").cast("timestamp"))
    arrived = stamped.transform(one_per_element(source)).transform(only_where(source)).withColumn("ordinal", F.lit(1))
    parsed = arrived.transform(parse(name, source, CONTRACTS[source.contract]))
    return parsed.select("source", "source_file", "reasons", "warnings")


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> list[Row]:
    sources = list(SOURCES.items())
    return [
        row
        for first in range(0, len(sources), AT_ONCE)
        for row in reduce(
            DataFrame.union, (judged(spark, name, source) for name, source in sources[first : first + AT_ONCE])
        ).collect()
    ]


def test_no_broken_row_is_lost_and_none_becomes_two(found: list[Row]) -> None:
    counts = Counter(row["source"] for row in found)

    assert counts == {name: len(list(broken(name, source))) for name, source in SOURCES.items()}


def test_what_cannot_be_read_says_so_and_nothing_else(found: list[Row]) -> None:
    told = {(row["source"], tuple(row["reasons"])) for row in found if row["source_file"].startswith("unreadable")}

    assert told == {(name, (MALFORMED,)) for name in SOURCES}


def test_every_other_broken_row_is_refused_by_a_field_and_in_words(found: list[Row]) -> None:
    wrong = []
    for row in found:
        kind, contract = row["source_file"].partition("-")[0], CONTRACTS[SOURCES[row["source"]].contract]
        fields = {field.name for field in contract.fields}
        # A snowman is a name as good as any: a contract of mere texts cannot know better.
        is_wrong = kind not in ("wrong", "nested") or any(
            field.type != "string" and field.required for field in contract.fields
        )
        readable = all(
            REASON.match(reason) and {*reason.partition(":")[0].split(", ")} <= fields for reason in row["reasons"]
        )
        # Who refuses, says stop, or asks to be forgotten is heard, with a warning that says what is wrong with the row.
        is_heard = contract.name in ("consent", "erasure_request", "delivery_receipt")
        is_told = row["reasons"] or (is_heard and row["warnings"])
        if kind != "unreadable" and ((is_wrong and not is_told) or not readable):
            wrong.append((row["source"], kind, list(row["reasons"])))

    assert wrong == []
