"""From landing files to silver, as a shop lives it: late, twice, broken, changed, killed."""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.lake import Lake
from personalake.lake.streams import caught_up_at
from personalake.pipelines import ingest_events, ingest_records, intake, refine_events, refine_records, refinery
from personalake.pipelines.job import JobContext, JobResult
from personalake.tables import Table
from personalake.tables.bronze import EVENT as BRONZE_EVENT
from personalake.tables.bronze import LANDING_FILE
from personalake.tables.bronze import RECORD as BRONZE_RECORD
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import CUSTOMER_RECORD, DUPLICATE, EVENT, ORDER_LINE, QUARANTINE

ContextOf = Callable[..., JobContext]

ORDERS = {
    "contract": "order_line",
    "currency": "EUR",
    "columns": {
        "event_id": {"expression": "concat(order, '-', item)"},
        "order_id": "order",
        "customer_id": "customer",
        "product_id": "item",
        "quantity": "quantity",
        "amount": "paid",
        "occurred_at": "at",
    },
}
CUSTOMERS = {"contract": "customer_record", "format": "csv", "columns": {"customer_id": "id", "age_band": "age"}}


def line(order: str, item: str = "i1", **changes: Any) -> str:
    values = {"order": order, "item": item, "customer": "c1", "quantity": 1, "paid": 2.5, "at": "2017-03-01T10:00:00Z"}
    return json.dumps(values | changes)


def land(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{text}\n" for text in lines))
    return path


@pytest.fixture
def shop(lake: Lake, tmp_path: Path, context_of: ContextOf) -> JobContext:
    sources = {
        "orders": Source.model_validate(ORDERS | {"path": tmp_path / "landing" / "orders"}),
        "customers": Source.model_validate(CUSTOMERS | {"path": tmp_path / "landing" / "customers"}),
    }
    return context_of(Settings(root=lake.locations.root, landing=tmp_path / "landing", sources=sources))


def take_in(shop: JobContext) -> JobResult:
    ingest_events.run(shop)
    return refine_events.run(shop)


def held(shop: JobContext, table: Table, *columns: str) -> list[Any]:
    rows = shop.lake.ledger.read(table, columns)
    return sorted((row[columns[0]] if len(columns) == 1 else tuple(row[name] for name in columns)) for row in rows)


def orders(shop: JobContext) -> Path:
    return shop.settings.landing / "orders"


def test_every_line_is_accepted_quarantined_or_a_duplicate_and_the_equation_says_so(shop: JobContext) -> None:
    land(
        orders(shop), "2017-03-01/a.json", line("o1"), line("o2"), line("o1"), '{"order": "o3', line("o4", quantity="x"), ""
    )
    land(orders(shop), "2017-03-04/b.json", line("o2", paid=9.0), line("o5"))

    result = take_in(shop)

    assert held(shop, ORDER_LINE, "event_id") == ["o1-i1", "o2-i1", "o5-i1"]
    assert held(shop, DUPLICATE, "row_id", "is_exact") == [("o1-i1", True), ("o2-i1", False)]
    assert held(shop, QUARANTINE, "reasons") == [["payload: not readable"], ["quantity: not a number"]]
    (equation,) = shop.lake.ledger.read(DATA_HEALTH)
    counted = [equation[f"rows_{name}"] for name in ("in", "accepted", "quarantined", "duplicate", "late")]
    assert (counted, equation["balanced"]) == ([7, 3, 2, 2, 1], True)
    assert equation["reasons"] == {"payload: not readable": 1, "quantity: not a number": 1}
    assert (result.rows_read, result.rows_rejected) == (7, 2)


def test_a_line_sent_again_in_a_later_run_is_a_duplicate(shop: JobContext) -> None:
    land(orders(shop), "2017-03-01/a.json", line("o1"))
    take_in(shop)
    land(orders(shop), "2017-03-02/b.json", line("o1"), line("o2"))

    result = take_in(shop)

    assert held(shop, EVENT, "event_id") == ["o1-i1", "o2-i1"]
    assert (result.rows_read, result.figures["rows_duplicate"]) == (2, 1)


def test_a_customer_who_is_as_before_again_is_a_new_version_and_a_full_export_adds_none(shop: JobContext) -> None:
    customers = shop.settings.landing / "customers"
    for day, age in enumerate(("25-34", "35-44", "25-34", "25-34"), start=1):
        land(customers, f"2017-03-0{day}/c.csv", "id,age", f"c1,{age}", "c2,45-54")
        ingest_records.run(shop)
        refine_records.run(shop)

    versions = held(shop, CUSTOMER_RECORD, "customer_id", "known_at", "age_band")

    assert [(who, known_at.day, age) for who, known_at, age in versions] == [
        ("c1", 1, "25-34"), ("c1", 2, "35-44"), ("c1", 3, "25-34"), ("c2", 1, "45-54"),
    ]  # fmt: skip
    assert all(row["balanced"] for row in shop.lake.ledger.read(DATA_HEALTH))


def test_a_version_that_comes_late_ends_and_what_was_told_after_it_holds_again(
    lake: Lake, tmp_path: Path, context_of: ContextOf
) -> None:
    columns = {"customer_id": "id", "age_band": "age"}
    source = Source.model_validate({"contract": "customer_record", "path": tmp_path, "columns": columns})
    context = context_of(Settings(root=lake.locations.root, sources={"crm": source}))

    def arrive(*told: tuple[str, str, int]) -> None:
        known = {"source": "crm", "source_file": "f", "ordinal": 1}
        rows = [(json.dumps({"id": who, "age": age}), datetime(2017, 3, day, tzinfo=UTC)) for who, age, day in told]
        lake.ledger.append(BRONZE_RECORD, [{**known, "payload": payload, "landed_at": at} for payload, at in rows])
        refine_records.run(context)

    arrive(("c1", "25-34", 1), ("c1", "25-34", 3), ("c1", "25-34", 4), ("c2", "45-54", 1), ("c2", "45-54", 3))
    arrive(("c1", "35-44", 2))

    versions = held(context, CUSTOMER_RECORD, "customer_id", "known_at", "age_band")
    assert [(who, known_at.day, age) for who, known_at, age in versions] == [
        ("c1", 1, "25-34"), ("c1", 2, "35-44"), ("c1", 3, "25-34"), ("c2", 1, "45-54"),
    ]  # fmt: skip
    assert len(set(held(context, CUSTOMER_RECORD, "record_id"))) == 4
    equations = {(row["rows_in"], row["rows_accepted"], row["balanced"]) for row in lake.ledger.read(DATA_HEALTH)}
    assert equations == {(5, 2, True), (1, 1, True)}


def test_two_sources_that_count_from_one_take_no_rows_from_each_other(
    lake: Lake, tmp_path: Path, context_of: ContextOf
) -> None:
    numbered = {**CUSTOMERS, "columns": {"record_id": "no", "customer_id": "id", "age_band": "age"}}
    sources = {name: Source.model_validate(numbered | {"path": tmp_path / name}) for name in ("web", "store")}
    shop = context_of(Settings(root=lake.locations.root, sources=sources))

    for name, customer in (("web", "ann"), ("store", "bob")):
        land(tmp_path / name, "2017-03-01/c.csv", "no,id,age", f"1,{customer},25-34")
        ingest_records.run(shop)
        refine_records.run(shop)

    assert held(shop, CUSTOMER_RECORD, "source", "record_id", "customer_id") == [("store", "1", "bob"), ("web", "1", "ann")]


def test_nothing_new_adds_nothing(shop: JobContext) -> None:
    land(orders(shop), "2017-03-01/a.json", line("o1"))
    take_in(shop)
    versions = {table: shop.lake.ledger.version(table) for table in (BRONZE_EVENT, EVENT, ORDER_LINE, DATA_HEALTH)}

    result = take_in(shop)

    assert result.rows_read == 0
    assert {table: shop.lake.ledger.version(table) for table in versions} == versions


def test_a_file_much_older_than_the_newest_is_still_read(shop: JobContext) -> None:
    new = land(orders(shop), "2017-03-01/new.json", line("o1"))
    take_in(shop)
    old = land(orders(shop), "2010-01-01/old.json", line("o2", at="2010-01-01T00:00:00Z"))
    os.utime(old, (new.stat().st_mtime - 3650 * 86400,) * 2)

    take_in(shop)

    assert held(shop, EVENT, "event_id") == ["o1-i1", "o2-i1"]


def test_a_corrupt_gzip_moves_aside_with_a_row_and_the_rest_goes_on(shop: JobContext) -> None:
    land(orders(shop), "2017-03-01/good.json", line("o1"))
    bad = orders(shop) / "2017-03-01" / "bad.json.gz"
    bad.write_bytes(gzip.compress((line("o2") + "\n").encode() * 500)[:-30])

    result = ingest_events.run(shop)
    refine_events.run(shop)

    assert held(shop, EVENT, "event_id") == ["o1-i1"]
    assert "corrupt gzip" in result.message
    assert (orders(shop) / "_rejected" / "2017-03-01" / "bad.json.gz").exists()
    verdicts = held(shop, LANDING_FILE, "path", "status")
    assert verdicts == [("2017-03-01/bad.json.gz", "rejected"), ("2017-03-01/good.json", "admitted")]


def test_a_csv_whose_header_changed_is_rejected_and_its_columns_never_shift(shop: JobContext) -> None:
    folder = shop.settings.landing / "customers"
    land(folder, "a.csv", "id,age", "c1,20-29")
    ingest_records.run(shop)
    land(folder, "b.csv", "age,id", "30-39,c2")
    land(folder, "c.csv", "id,age", "c3,40-49", ",50-59")

    result = ingest_records.run(shop)
    refine_records.run(shop)

    assert held(shop, CUSTOMER_RECORD, "customer_id", "age_band") == [("c1", "20-29"), ("c3", "40-49")]
    assert "header changed: expected id,age, found the same columns in another order" in result.message
    assert held(shop, QUARANTINE, "reasons") == [["customer_id: missing"]]


def test_a_rejected_file_that_is_moved_back_after_a_cure_is_read_and_without_one_is_rejected_again(shop: JobContext) -> None:
    folder = shop.settings.landing / "customers"
    land(folder, "a.csv", "nr,age", "c1,20-29")
    assert ingest_records.run(shop).figures["files_rejected"] == 1
    (folder / "_rejected" / "a.csv").rename(folder / "a.csv")
    assert ingest_records.run(shop).figures["files_rejected"] == 1
    (folder / "_rejected" / "a.csv").rename(folder / "a.csv")
    cured = CUSTOMERS | {"path": folder, "columns": {"customer_id": "nr", "age_band": "age"}}
    sources = {"customers": Source.model_validate(cured)}
    shop = replace(shop, settings=shop.settings.model_copy(update={"sources": sources}))

    result = ingest_records.run(shop)
    refine_records.run(shop)

    assert (result.figures["files_admitted"], result.figures["files_rejected"]) == (1, 0)
    assert held(shop, CUSTOMER_RECORD, "customer_id", "age_band") == [("c1", "20-29")]


def test_half_a_line_waits_until_it_is_whole(shop: JobContext) -> None:
    whole = line("o1", paid=12.5) + "\n"
    path = land(orders(shop), "2017-03-01/a.json")
    path.write_text(whole[:-4])

    early = take_in(shop)
    message = ingest_events.run(shop).message
    path.write_text(whole)
    late = take_in(shop)

    assert (early.rows_read, late.rows_read) == (0, 1)
    assert message.endswith("; 1 file still being written")
    assert held(shop, EVENT, "event_id") == ["o1-i1"]
    assert held(shop, LANDING_FILE, "status") == ["admitted"]


def test_json_in_another_character_set_and_parquet_files_with_other_columns_are_read(shop: JobContext) -> None:
    folder = shop.settings.landing
    path = land(folder / "orders", "2017-03-01/a.json")
    path.write_text(json.dumps(json.loads(line("o1", customer="Jürgen €")), ensure_ascii=False) + "\n", encoding="cp1252")
    (folder / "customers").mkdir()
    for name, rows in {"a": {"id": ["c1"], "age": [20]}, "b [1]": {"note": ["x"], "id": ["c2"], "age": [30]}}.items():
        pq.write_table(pa.table(rows), folder / "customers" / f"{name}.parquet")
    sources = {
        "orders": Source.model_validate(ORDERS | {"path": folder / "orders", "encoding": "windows-1252"}),
        "customers": Source.model_validate(CUSTOMERS | {"path": folder / "customers", "format": "parquet"}),
    }
    shop = replace(shop, settings=shop.settings.model_copy(update={"sources": sources}))

    take_in(shop)
    ingest_records.run(shop)
    refine_records.run(shop)

    assert held(shop, ORDER_LINE, "customer_id") == ["Jürgen €"]
    assert held(shop, CUSTOMER_RECORD, "customer_id", "age_band") == [("c1", "20"), ("c2", "30")]


def test_an_empty_source_and_an_empty_file_are_nothing_to_do(shop: JobContext) -> None:
    assert take_in(shop).rows_read == 0
    land(orders(shop), "2017-03-01/empty.json")
    (shop.settings.landing / "customers").mkdir(parents=True)
    (shop.settings.landing / "customers" / "empty.csv").write_text("")
    ingest_records.run(shop)

    assert take_in(shop).rows_read == 0
    land(shop.settings.landing / "customers", "full.csv", "id,age", "c1,20-29")
    ingest_records.run(shop)
    refine_records.run(shop)
    assert held(shop, CUSTOMER_RECORD, "customer_id") == ["c1"]


@pytest.mark.parametrize("dies_after", [1, 3])
def test_a_batch_that_dies_between_two_writes_is_done_again_without_a_trace(
    shop: JobContext, monkeypatch: pytest.MonkeyPatch, dies_after: int
) -> None:
    land(orders(shop), "2017-03-01/a.json", line("o1"), line("o1"), line("o2"), "broken")
    ingest_events.run(shop)
    write, writes = Lake.append, []

    def dying(lake: Lake, *arguments: Any, **named: Any) -> Any:
        if len(writes) == dies_after:
            raise RuntimeError("killed")
        writes.append(arguments)
        return write(lake, *arguments, **named)

    monkeypatch.setattr(Lake, "append", dying)
    with pytest.raises(Exception, match="orders stopped: RuntimeError: killed"):
        refine_events.run(shop)
    monkeypatch.undo()

    refine_events.run(shop)

    assert held(shop, EVENT, "event_id") == ["o1-i1", "o2-i1"]
    assert held(shop, ORDER_LINE, "event_id") == ["o1-i1", "o2-i1"]
    assert (len(held(shop, DUPLICATE, "row_id")), len(held(shop, QUARANTINE, "source"))) == (1, 1)
    assert [row["balanced"] for row in shop.lake.ledger.read(DATA_HEALTH)] == [True]


def test_an_equation_that_does_not_add_up_is_written_down_as_such(shop: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    land(orders(shop), "2017-03-01/a.json", line("o1"), line("o2"))
    ingest_events.run(shop)
    counting = refinery.count_rows
    monkeypatch.setattr(refinery, "count_rows", lambda rows: counting(rows) | {"rows_quarantined": 5})

    result = refine_events.run(shop)

    assert [row["balanced"] for row in shop.lake.ledger.read(DATA_HEALTH)] == [False]
    assert "DOES NOT ADD UP" in result.message


def test_rows_that_another_source_writes_meanwhile_do_not_upset_the_equation(
    shop: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(orders(shop), "2017-03-01/a.json", line("o1"), line("o2"))
    ingest_events.run(shop)
    done = Lake._done

    def overtaken(lake: Lake, table: Table, before: int | None) -> Any:
        lake.ledger.append(table, [{"batch_id": "of another source"}])
        return done(lake, table, before)

    monkeypatch.setattr(Lake, "_done", overtaken)
    result = refine_events.run(shop)

    assert [row["balanced"] for row in shop.lake.ledger.read(DATA_HEALTH)] == [True]
    assert "DOES NOT ADD UP" not in result.message


def test_a_dry_run_names_the_new_files_and_touches_nothing(shop: JobContext) -> None:
    land(orders(shop), "2017-03-01/a.json", line("o1"))
    shop.lake.dry_run = True

    result = ingest_events.run(shop)

    assert result.figures["new_files"] == 1
    assert not shop.lake.locations.root.exists()


class Killed(Exception):
    """Ends a stream that would go on for ever."""


def test_a_stream_that_goes_on_lets_in_what_lands_and_says_how_far_it_has_read_before_it_ends(
    shop: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, checkpoint, looks = shop.lake, shop.lake.locations.checkpoint("ingest_events", "orders"), iter(range(60))
    lake.spark.conf.set("spark.sql.streaming.noDataProgressEventInterval", "500")
    waiting, take_in_more = ["a", "b"], intake._Arrivals.take_in

    def look(arrivals: intake._Arrivals) -> list[Any]:
        assert next(looks) < 59, "the stream has not come so far in a minute"
        checked = [row["checked_at"] for row in lake.ledger.read(LANDING_FILE)]
        if lake.ledger.rows(BRONZE_EVENT) == len(checked):
            if waiting:
                land(orders(shop), waiting.pop(0), line(f"o{len(waiting)}"))
            elif (until := caught_up_at(checkpoint)) is not None and until > max(checked):
                raise Killed
        return take_in_more(arrivals)

    monkeypatch.setattr(intake._Arrivals, "take_in", look)
    streams = shop.settings.streams.model_copy(update={"trigger_seconds": 1})
    going_on = replace(shop, options={"continuous": True}, settings=shop.settings.model_copy(update={"streams": streams}))
    with pytest.raises(Killed):
        ingest_events.run(going_on)
    monkeypatch.undo()
    lake.spark.conf.unset("spark.sql.streaming.noDataProgressEventInterval")

    again = ingest_events.run(shop)

    assert held(shop, BRONZE_EVENT, "source_file") == ["a", "b"]
    assert "0 rows from 0 new files" in str(again.message)
