import json
from hashlib import sha256
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from personalake.errors import InputError
from personalake.world import DirtSettings, WorldSettings, WorldSummary, emit_world, world

RATES = DirtSettings(**dict.fromkeys(DirtSettings.model_fields, 0.05))
SETTINGS = WorldSettings(people=60, days=14, history_days=30, dirt=RATES)


@pytest.fixture(scope="module")
def folder(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    emit_world(spark, SETTINGS, folder / "landing", folder / "lake")
    return folder


def test_each_source_lands_by_day_in_its_format(folder: Path) -> None:
    landing = folder / "landing"

    first = landing / "web_events" / "2025-01-02"
    assert [path.name for path in first.iterdir()] == ["web_events_2025-01-02_1.json"]
    for line in (first / "web_events_2025-01-02_1.json").read_text().splitlines():
        assert json.loads(line)["sent_time"].startswith("2025-01-02T")
    customers = (landing / "crm_customers" / "2025-01-07" / "crm_customers_2025-01-07_1.csv").read_text().splitlines()
    assert customers[0].startswith("customer_no,firstname,lastname,mail")
    assert [path.name for path in (landing / "products").rglob("*.parquet")] == ["products_2025-01-01_1.parquet"]
    assert not list(landing.rglob("*.crc"))
    assert {path.name for path in landing.iterdir() if path.name.startswith("_")} == {"_world.json", "_planted"}


def test_all_lines_are_on_disk_and_dirt_is_told(spark: SparkSession, folder: Path) -> None:
    files = (folder / "landing" / "web_orders").rglob("*.json")
    lines = [line for path in files for line in path.read_text().splitlines()]
    told = [row for row in spark.read.parquet(str(folder / "landing" / "_planted" / "planted_line.parquet")).collect()]
    orders = spark.read.parquet(str(folder / "lake" / "truth" / "order")).where("channel <> 'shop' AND NOT is_return")

    hashes = {sha256(line.encode()).hexdigest() for line in lines}
    copies = [row for row in told if row["source"] == "web_orders" and row["kind"] != "late"]
    assert {row["line_sha256"] for row in told if row["source"] == "web_orders"} <= hashes
    assert copies
    rows = world(spark, SETTINGS).sources["web_orders"]
    assert len(lines) == rows.count() + len(copies)
    assert rows.select("orderId").distinct().count() == orders.count()


def test_a_second_call_changes_nothing(spark: SparkSession, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    summary = emit_world(spark, SETTINGS, folder / "landing", folder / "lake")

    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
    assert isinstance(summary, WorldSummary)
    assert summary.files["web_events"] == len(list((folder / "landing" / "web_events").rglob("*.json")))


def test_two_worlds_are_never_mixed(spark: SparkSession, folder: Path) -> None:
    with pytest.raises(InputError, match="holds another world"):
        emit_world(spark, SETTINGS.model_copy(update={"seed": 3}), folder / "landing", folder / "lake")
