import json
from hashlib import sha256
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from personalake.errors import InputError
from personalake.world import WorldSummary, emit_world, world
from tests.world.conftest import EMITTED


def test_each_source_lands_by_day_in_its_format(emitted: Path) -> None:
    landing = emitted / "landing"

    first = landing / "web_events" / "2025-01-02"
    assert [path.name for path in first.iterdir()] == ["web_events_2025-01-02_1.json"]
    for line in (first / "web_events_2025-01-02_1.json").read_text().splitlines():
        assert json.loads(line)["sent_time"].startswith("2025-01-02T")
    customers = (landing / "crm_customers" / "2025-01-07" / "crm_customers_2025-01-07_1.csv").read_text().splitlines()
    assert customers[0].startswith("customer_no,firstname,lastname,mail")
    assert [path.name for path in (landing / "products").rglob("*.parquet")] == ["products_2025-01-01_1.parquet"]
    assert not list(landing.rglob("*.crc"))
    assert {path.name for path in landing.iterdir() if path.name.startswith("_")} == {"_world.json", "_planted"}


def test_all_lines_are_on_disk_and_dirt_is_told(spark: SparkSession, emitted: Path) -> None:
    files = (emitted / "landing" / "web_orders").rglob("*.json")
    lines = [line for path in files for line in path.read_text().splitlines()]
    told = [row for row in spark.read.parquet(str(emitted / "landing" / "_planted" / "planted_line.parquet")).collect()]
    orders = spark.read.parquet(str(emitted / "lake" / "truth" / "order")).where("channel <> 'shop' AND NOT is_return")

    hashes = {sha256(line.encode()).hexdigest() for line in lines}
    copies = [row for row in told if row["source"] == "web_orders" and row["kind"] != "late"]
    assert {row["line_sha256"] for row in told if row["source"] == "web_orders"} <= hashes
    assert copies
    rows = world(spark, EMITTED).sources["web_orders"]
    assert len(lines) == rows.count() + len(copies)
    assert rows.select("orderId").distinct().count() == orders.count()


def test_a_second_call_changes_nothing(spark: SparkSession, emitted: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in emitted.rglob("*") if path.is_file()}

    summary = emit_world(spark, EMITTED, emitted / "landing", emitted / "lake")

    assert {path: path.stat().st_mtime_ns for path in emitted.rglob("*") if path.is_file()} == before
    assert isinstance(summary, WorldSummary)
    assert summary.files["web_events"] == len(list((emitted / "landing" / "web_events").rglob("*.json")))


def test_two_worlds_are_never_mixed(spark: SparkSession, emitted: Path) -> None:
    with pytest.raises(InputError, match="holds another world"):
        emit_world(spark, EMITTED.model_copy(update={"seed": 3}), emitted / "landing", emitted / "lake")
