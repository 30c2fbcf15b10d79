"""Rows of a plan on the driver, held against the same rows in Spark."""

from datetime import date
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from personalake.activation.syncs.diff import outbox_rows
from personalake.activation.syncs.few import few_to_outbox
from personalake.lake.direct import frame_of
from personalake.pipelines.plan_rows import FewRows, PlanRows, on_the_driver
from personalake.tables.gold import ACTIVATION_OUTBOX

SCHEMA = {
    **dict.fromkeys(("sync_key", "person_id", "decision_id", "purpose", "payload_hash", "change", "refusal"), pa.string()),
    **dict.fromkeys(("base", "pending_hash"), pa.string()),
    "stale": pa.int64(),
    "is_wanted": pa.bool_(),
    "is_held": pa.bool_(),
    "payload": pa.string(),
    "values": pa.int32(),
}
NAMED = ("plan-1", "regulars", "files", "row", date(2017, 12, 1))
REST = [
    {"change": "unchanged", "refusal": None, "is_wanted": True, "is_held": True, "rows": 90, "bytes": None, "values": None,
     "either": None, "sum": None, "pending": 0, "repeated": 0, "stale": 0},
]  # fmt: skip


def row(key: str, change: str, payload: str | None = None, **more: Any) -> dict[str, Any]:
    wanted = {"is_wanted": change in ("added", "changed", "unchanged"), "is_held": change not in ("added", "refused")}
    plain = {
        "sync_key": key,
        "person_id": f"p{key}",
        "purpose": "news",
        "payload_hash": f"h{key}",
        "values": 0,
        "stale": None,
    }
    return {**dict.fromkeys(SCHEMA), **plain, **wanted, "change": change, "payload": payload, **more}


ROWS = [
    row("a", "added", '{"v":"Grüße"}', values=2),
    row("b", "added", '{"v":1}', values=2, payload_hash="ha", pending_hash="ha"),
    row("c", "changed", "{}", values=1, base="d1", pending_hash="hx", stale=2),
    row("d", "removed", "{}", values=3, base="d2", stale=0),
    row("e", "unchanged", pending_hash="he"),
    row("f", "refused", refusal="holdout"),
    row("g", "refused", refusal="another person has the same key"),
    row("h", "refused", refusal="rejected before as it is", is_wanted=True),
    row("i", "refused", refusal="rejected before as it is", is_held=True),
    row("j", "obsolete", stale=1, pending_hash="hj"),
]  # fmt: skip


def test_what_is_said_of_few_rows_is_what_spark_says_of_them(spark: SparkSession) -> None:
    frame = frame_of(spark, pa.Table.from_pylist(ROWS, pa.schema(list(SCHEMA.items()))))
    few, many = on_the_driver(frame, most_bytes=26), PlanRows(frame)

    counts = few.counted(REST)

    assert isinstance(few, FewRows)
    assert counts == many.counted(REST)
    assert (counts.added, counts.changed, counts.removed, counts.unchanged) == (2, 1, 1, 91)
    assert (counts.bytes, counts.values, counts.contents, counts.pending, counts.repeated, counts.stale) == (
        26,
        8,
        3,
        4,
        1,
        3,
    )
    in_order = [("person_id", "ascending")]
    audience = few.of_audience().sort_by(in_order).to_pylist()
    assert audience == many.of_audience().sort_by(in_order).to_pylist()
    assert [one["person_id"] for one in audience] == ["pa", "pb", "pc", "pe", "pf", "pg", "ph"]
    leaving = few_to_outbox(few.frame.toArrow(), *NAMED)
    assert leaving.column_names == list(ACTIVATION_OUTBOX.columns)
    assert leaving.to_pylist() == outbox_rows(frame, *NAMED).toArrow().to_pylist()
    assert leaving["removal"].to_pylist() == [False, False, False, True]


def test_of_nothing_nothing_leaves_and_nothing_is_counted(spark: SparkSession) -> None:
    few = on_the_driver(frame_of(spark, pa.schema(list(SCHEMA.items())).empty_table()))

    assert (few.counted(()).audience, few.counted(REST).unchanged) == (0, 90)
    assert few_to_outbox(few.frame.toArrow(), *NAMED).num_rows == 0


def test_few_rows_whose_payloads_are_too_large_together_stay_in_spark_with_all_of_them(spark: SparkSession) -> None:
    frame = frame_of(spark, pa.Table.from_pylist(ROWS, pa.schema(list(SCHEMA.items()))))

    rows = on_the_driver(frame, most_bytes=25)

    assert not isinstance(rows, FewRows)
    assert rows.counted(()).bytes == 26
    rows.release()
