from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Barrier

import pyarrow.compute as pc
import pytest
from delta.exceptions.captured import ConcurrentAppendException, MetadataChangedException
from deltalake import DeltaTable
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from personalake.errors import EnvironmentProblem, TableMismatchError
from personalake.lake import Lake, Ledger, Locations
from personalake.tables import ALL, Table
from personalake.tables.gold import DATA_HEALTH, SEGMENT_SUMMARY
from personalake.tables.silver import PERSON_LINK


def links(spark: SparkSession, *values: str) -> DataFrame:
    rows = spark.createDataFrame([(value,) for value in values], "value string")
    return rows.select(
        F.lit("customer_id").alias("namespace"),
        "value",
        F.concat(F.lit("p_"), "value").alias("person_id"),
        F.array(F.lit("orders")).alias("sources"),
        F.lit("2017-01-01").cast("timestamp").alias("first_known_at"),
    )


def summaries(spark: SparkSession, as_of: date, people: int) -> DataFrame:
    row = ("rfm", "Loyal", as_of, people, 1.0, 3.0, 2.0, 9.0, "come often")
    return spark.createDataFrame([row], SEGMENT_SUMMARY.schema)


def values(lake: Lake) -> list[str]:
    return sorted(row["value"] for row in lake.ledger.read(PERSON_LINK))


def test_rows_that_do_not_fit_raise_once_with_every_difference(lake: Lake, spark: SparkSession) -> None:
    wrong = links(spark, "1").drop("sources").withColumn("value", F.lit(1)).withColumn("colour", F.lit("red"))

    with pytest.raises(TableMismatchError) as caught:
        lake.append(wrong, PERSON_LINK)

    for difference in ("sources is missing", "colour is not declared", "value is int, declared string"):
        assert difference in caught.value.what
    assert not lake.exists(PERSON_LINK)


def test_an_append_with_the_same_transaction_is_written_once(lake: Lake, spark: SparkSession) -> None:
    first = lake.append(links(spark, "1", "2"), PERSON_LINK, ("stream", 0))
    again = lake.append(links(spark, "1", "2"), PERSON_LINK, ("stream", 0))
    other = lake.append(links(spark, "3"), PERSON_LINK, ("another stream", 0))

    assert (first.rows, again.rows, other.rows) == (2, 0, 1)
    assert values(lake) == ["1", "2", "3"]


def test_replacing_one_as_of_leaves_the_others(lake: Lake, spark: SparkSession) -> None:
    for as_of, people in ((date(2017, 1, 1), 5), (date(2017, 2, 1), 6), (date(2017, 1, 1), 7)):
        lake.replace_as_of(summaries(spark, as_of, people), SEGMENT_SUMMARY, as_of)

    found = {row["as_of"]: row["people"] for row in lake.ledger.read(SEGMENT_SUMMARY)}
    assert found == {date(2017, 1, 1): 7, date(2017, 2, 1): 6}


def test_a_dry_run_counts_and_writes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(Locations(tmp_path / "lakehouse"), lambda: spark, dry_run=True)

    result = lake.overwrite(links(spark, "1", "2"), PERSON_LINK)

    assert (result.rows, result.version) == (2, -1)
    assert not (tmp_path / "lakehouse").exists()


def test_arrow_tables_replace_rows_and_add_to_them_and_what_does_not_fit_is_refused(lake: Lake, spark: SparkSession) -> None:
    lake.overwrite(links(spark, "1", "2"), PERSON_LINK)
    rows = lake.ledger.arrow(PERSON_LINK)
    only_2 = rows.filter(pc.equal(rows["value"], "2"))

    put = lake.put(only_2, PERSON_LINK)
    lake.put(rows.filter(pc.equal(rows["value"], "1")), PERSON_LINK, "append")
    nothing = lake.put(rows.slice(0, 0), PERSON_LINK, "append")

    assert (put.rows, nothing.rows) == (1, 0)
    assert sorted(row.value for row in lake.read(PERSON_LINK).collect()) == ["1", "2"]
    with pytest.raises(KeyError, match="sources"):
        lake.put(rows.drop_columns(["sources"]), PERSON_LINK)
    assert lake.put(rows.slice(0, 0), PERSON_LINK).rows == len(values(lake)) == 0


def test_a_missing_table_reads_as_no_rows_of_the_declared_shape(lake: Lake) -> None:
    empty = lake.read(PERSON_LINK)

    assert empty.count() == 0
    assert empty.columns == list(PERSON_LINK.columns)


def test_small_appends_and_spark_appends_meet_in_one_table(lake: Lake, spark: SparkSession) -> None:
    lake.ledger.append(PERSON_LINK, [{"namespace": "customer_id", "value": "1", "sources": ["orders"]}])
    lake.append(links(spark, "2"), PERSON_LINK)
    lake.ledger.append(PERSON_LINK, [{"namespace": "customer_id", "value": "3"}])

    assert sorted(row.value for row in lake.read(PERSON_LINK).collect()) == ["1", "2", "3"]
    assert lake.ledger.rows(PERSON_LINK) == 3


@pytest.mark.parametrize("form", ["TIMESTAMP_MICROS", "INT96"])
def test_a_time_of_any_year_is_read_without_spark_also_from_files_in_the_old_form(
    lake: Lake, spark: SparkSession, form: str
) -> None:
    years = [datetime(year, 12, 31, tzinfo=UTC) for year in (1, 1066, 2026, 9999)]
    days = ", ".join(f"timestamp '{year.date().isoformat()}'" for year in years)
    rows = spark.sql(f"SELECT explode(array({days})) AS first_known_at")
    others = {"namespace": F.lit("e"), "value": F.col("first_known_at").cast("string"), "person_id": F.lit("p")}
    usual = spark.conf.get("spark.sql.parquet.outputTimestampType")
    try:
        spark.conf.set("spark.sql.parquet.outputTimestampType", form)
        lake.append(rows.withColumns({**others, "sources": F.array(F.lit("s"))}), PERSON_LINK)
    finally:
        spark.conf.set("spark.sql.parquet.outputTimestampType", usual)

    assert usual == "TIMESTAMP_MICROS"
    assert sorted(row["first_known_at"] for row in lake.ledger.read(PERSON_LINK)) == years
    if form == usual:
        plain = DeltaTable(lake.locations.table(PERSON_LINK)).to_pyarrow_table()
        assert sorted(plain["first_known_at"].to_pylist()) == years


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.full_name)
def test_every_table_is_created_from_its_declaration_at_reader_version_1(table: Table, tmp_path: Path) -> None:
    ledger = Ledger(Locations(tmp_path), lambda: pytest.fail("a ledger needs no session"))

    ledger.create(table)
    ledger.create(table)

    created = DeltaTable(str(tmp_path / table.layer / table.name))
    assert created.protocol().min_reader_version == 1
    assert [field.name for field in created.schema().fields] == list(table.columns)
    assert all(field.metadata.get("comment") for field in created.schema().fields)
    assert set(table.key) <= set(table.columns)


def test_a_folder_that_cannot_be_written_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "lakehouse").write_text("a file where the lake should be")
    ledger = Ledger(Locations(tmp_path / "lakehouse"), lambda: pytest.fail("a ledger needs no session"))

    with pytest.raises(EnvironmentProblem, match=r"Cannot write .*PERSONALAKE_ROOT"):
        ledger.create(DATA_HEALTH)


def test_threads_that_create_a_table_at_once_declare_it_once(tmp_path: Path) -> None:
    ledger = Ledger(Locations(tmp_path), lambda: pytest.fail("a ledger needs no session"))
    ready = Barrier(6)

    def create(_: int) -> None:
        ready.wait()
        ledger.create(SEGMENT_SUMMARY)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(create, range(6)))

    assert ledger.version(SEGMENT_SUMMARY) == 0


@pytest.mark.parametrize("kind", [ConcurrentAppendException, MetadataChangedException])
def test_a_replacement_that_another_commit_overtook_is_done_again(
    lake: Lake, spark: SparkSession, monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    save, overtaken = DataFrameWriter.save, kind("overtaken", "", None)
    failures = iter([overtaken, overtaken])

    def save_at_last(writer: DataFrameWriter, path: str) -> None:
        failure = next(failures, None)
        if failure is not None:
            raise failure
        save(writer, path)

    monkeypatch.setattr(DataFrameWriter, "save", save_at_last)
    monkeypatch.setattr("personalake.lake.overtaken._PAUSE_SECONDS", 0)
    day = date(2017, 12, 1)

    written = lake.replace_as_of(summaries(spark, day, 3), SEGMENT_SUMMARY, day)

    assert written.rows == 1
    assert [row["people"] for row in lake.ledger.read(SEGMENT_SUMMARY)] == [3]
    assert next(failures, None) is None


@pytest.mark.parametrize("few", [100_000, 0], ids=["delta-rs", "spark"])
def test_rows_of_some_ids_are_replaced_and_no_id_is_in_the_log(
    lake: Lake, spark: SparkSession, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("personalake.lake.lake.FEW_ROWS", few)
    odd, ann, bob = "o' OR '1'='1", "annunziata", "bohumil"
    lake.overwrite(links(spark, odd, ann, bob), PERSON_LINK)
    later = links(spark, ann, "annabel").withColumns({"person_id": F.lit(f"p_{ann}"), "sources": F.array(F.lit("crm"))})
    before = lake.ledger.version(PERSON_LINK)

    written = lake.replace_ids(later, PERSON_LINK, "person_id", [f"p_{ann}", f"p_{odd}"])

    rows = lake.ledger.read(PERSON_LINK)
    assert sorted((row["value"], *row["sources"]) for row in rows) == [
        ("annabel", "crm"), ("annunziata", "crm"), ("bohumil", "orders"),
    ]  # fmt: skip
    assert (written.rows, written.version) == (3, (before or 0) + 1)
    assert lake.replace_ids(later.limit(0), PERSON_LINK, "person_id", ["p_nobody"]).rows == 0
    commits = [path.read_text() for path in (Path(lake.locations.table(PERSON_LINK)) / "_delta_log").glob("*.json")]
    assert len(commits) > 2
    assert [name for name in ("='1", "annunziata", "annabel", "bohumil") for text in commits if name in text] == []


def test_a_table_whose_columns_were_described_otherwise_takes_rows_and_keeps_its_words(tmp_path: Path) -> None:
    ledger = Ledger(Locations(tmp_path / "lake"), lambda: pytest.fail("needs no session"))
    fields = [replace(field, comment=f"{field.comment}, as it was said before") for field in DATA_HEALTH.fields]
    ledger.create(before := replace(DATA_HEALTH, fields=tuple(fields)))

    ledger.append(DATA_HEALTH, [{}])

    assert len(ledger.read(DATA_HEALTH)) == 1
    kept = {field.name: field.metadata["comment"] for field in DeltaTable(ledger.locations.table(before)).schema().fields}
    assert kept == {field.name: field.comment for field in before.fields}
