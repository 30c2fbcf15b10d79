"""What a destination is known to hold, told by Spark and by DuckDB alike: what is in doubt, above all."""

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from personalake.activation.syncs.acknowledged import acknowledged, with_states
from personalake.activation.syncs.unchanged import lay_out_held
from personalake.config.audience_kinds import holds_doubts
from personalake.config.audiences import Sync
from personalake.pipelines.plan_basis import keeps_doubts
from tests.activation.connectors.settings import connection_of

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
# Key, content, whether it takes away, and state of deliveries as they came.
SAID = (
    ("new", "tea", False, "unknown"),
    ("old", "tea", False, "accepted"), ("old", "soup", False, "unknown"),
    ("gone", "tea", False, "accepted"), ("gone", "removal", True, "unknown"),
    ("calm", "tea", False, "confirmed"),
    ("given up", "tea", False, "unknown"), ("given up", "soup", False, "accepted"),
    ("found", "tea", False, "unknown"), ("found", "soup", False, "accepted"),
    ("refused", "tea", False, "accepted"), ("refused", "soup", False, "unknown"),
)  # fmt: skip
OUTBOX = [
    {"delivery_id": f"d{n}", "person_id": f"p-{key}", "payload_hash": what, "plan_id": f"plan-{n}", "sync_key": key,
     "removal": removal}
    for n, (key, what, removal, _) in enumerate(SAID)
]  # fmt: skip
# What somebody says of deliveries that were in doubt once all have left, by number.
SETTLED = {6: "rejected", 8: "accepted", 11: "rejected"}
TOLD = [
    *((n, "in_flight", 2 * n) for n in range(len(SAID))),
    *((n, state, 2 * n + 1) for n, (*_, state) in enumerate(SAID)),
    *((n, state, 100) for n, state in SETTLED.items()),
]
LOG = [{"delivery_id": f"d{n}", "state": state, "logged_at": NOON + timedelta(seconds=at)} for n, state, at in TOLD]
# Whom it is about, what is there, and what was refused last.
AGAIN = {
    "new": ("p-new", None, None), "old": ("p-old", None, None), "gone": ("p-gone", None, None),
    "calm": ("p-calm", "tea", None), "given up": ("p-given up", "soup", None), "found": ("p-found", "soup", None),
    "refused": ("p-refused", "tea", "soup"),
}  # fmt: skip
HELD = {**AGAIN, "new": ("p-new", "tea", None), "old": ("p-old", "soup", None)}
COLUMNS = ("holder_id", "held_hash", "rejected_hash")


def by_duckdb(is_held: bool) -> dict[str, tuple[Any, ...]]:
    with duckdb.connect(":memory:") as opened:
        opened.execute("SET TimeZone = 'UTC'")
        became = pa.table({name: pa.array([], pa.string()) for name in ("old_person_id", "new_person_id")})
        for name, rows in (("outbox", pa.Table.from_pylist(OUTBOX)), ("log", pa.Table.from_pylist(LOG))):
            opened.register(f"given_{name}", rows)
        opened.register("became", became)
        lay_out_held(opened, False, None, is_held)
        found = opened.execute(f"SELECT sync_key, {', '.join(COLUMNS)} FROM held").fetchall()
    return {key: tuple(told) for key, *told in found}


@pytest.mark.parametrize(("is_held", "expected"), [(False, AGAIN), (True, HELD)])
def test_what_may_have_been_said_is_not_said_again_where_it_is_held_and_who_left_is_taken_away_all_the_same(
    is_held: bool, expected: dict[str, tuple[Any, ...]]
) -> None:
    assert by_duckdb(is_held) == expected


def test_spark_tells_the_same(spark: SparkSession) -> None:
    said = with_states(spark.createDataFrame(OUTBOX), spark.createDataFrame(LOG))  # type: ignore[type-var]

    rows = acknowledged(said, False, None, True).collect()

    assert {row["sync_key"]: tuple(row[name] for name in COLUMNS) for row in rows} == HELD


@pytest.mark.parametrize(
    ("kind", "policy", "is_held"),
    [
        ("webhook", None, True), ("tealium", None, True), ("webhook", "at_least_once", False),
        ("braze_track", None, False), ("segment", None, False), ("sfmc_rows", None, False),
    ],
)  # fmt: skip
def test_doubts_are_held_where_a_delivery_does_something_and_nobody_chose_to_repeat_it(
    kind: str, policy: str | None, is_held: bool
) -> None:
    connection = connection_of(kind) if policy is None else connection_of(kind, unknown=policy)

    assert holds_doubts(connection, ()) is is_held


@pytest.mark.parametrize(
    ("source", "is_held"),
    [
        ("named_struct('inc', 1)", True), ("if(orders > 1, struct(orders AS inc), NULL)", True),
        ("map('add', array(customer_id))", True), ("named_struct('city', 'inc')", False),
        ("named_struct('home', named_struct('inc', 1))", False), ("if(currency = 'inc', 1, 2)", False), ("struct()", False),
    ],
)  # fmt: skip
def test_an_object_that_counts_up_at_braze_is_held_as_a_field_of_its_name_is(source: str, is_held: bool) -> None:
    said = {"audience": {"where": "orders > 1"}, "destination": "there", "purposes": ["personalisation"]}
    sync = Sync.model_validate({**said, "fields": {"visits": source}})

    assert keeps_doubts(connection_of("braze_track"), sync) is is_held
    assert not keeps_doubts(connection_of("segment"), sync)


@pytest.mark.parametrize("field", ["visits.inc", "brands.add", "brands.remove"])
def test_attributes_at_braze_that_count_up_or_grow_a_list_are_held_and_no_others(field: str) -> None:
    fields = ["tier", "address.city", "inc"]

    assert [holds_doubts(connection_of("braze_track"), names) for names in (fields, [*fields, field])] == [False, True]
    assert not holds_doubts(connection_of("braze_track", unknown="at_least_once"), [field])
