import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import Column

from personalake.config import Settings
from personalake.lake import Lake
from personalake.pipelines import refine_events
from personalake.pipelines.job import JobContext
from personalake.pipelines.replay_quarantine import run
from personalake.tables import Table
from personalake.tables.bronze import EVENT, RECORD
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import DUPLICATE, ORDER_LINE, QUARANTINE

LANDED = datetime(2017, 5, 1, tzinfo=UTC)
Row = dict[str, Any]


def refused(payload: str, *reasons: str, source: str = "orders", contract: str = "order_line", batch: str = "b:0") -> Row:
    return {"source": source, "contract": contract, "payload": payload, "reasons": list(reasons), "source_file": "f.json",
            "ordinal": 1, "landed_at": LANDED, "batch_id": batch}  # fmt: skip


def payloads(lake: Lake, table: Table) -> list[str]:
    return sorted(row["payload"] for row in lake.ledger.read(table))


def test_events_and_records_go_back_to_their_bronze_table_as_they_came(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    lake.ledger.append(
        QUARANTINE, [refused("o", "x: bad"), refused("c", "y: bad", source="crm", contract="customer_record")]
    )

    run(context_of())

    (event,) = lake.ledger.read(EVENT)
    assert (event["payload"], event["source_file"], event["ordinal"]) == ("o", "f.json", 1)
    assert (event["landed_at"], event["batch_id"]) == (LANDED, "replay_quarantine/b:0")
    assert payloads(lake, RECORD) == ["c"]
    assert payloads(lake, QUARANTINE) == []


def test_only_the_chosen_source_and_reason_go(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    rows = [refused("1", "x: bad", "y: bad"), refused("2", "y: bad"), refused("3", "x: bad", source="other")]
    rows += [refused("4", "x: bad (at: 99, not yyyy)"), refused("5", "x: badly (at: 99, not yyyy)")]
    lake.ledger.append(QUARANTINE, rows)

    run(context_of(source="orders", reason="x: bad"))

    assert payloads(lake, EVENT) == ["1", "4"]
    assert payloads(lake, QUARANTINE) == ["2", "3", "5"]


def test_rows_that_are_equal_to_the_byte_all_go_and_a_second_run_adds_nothing(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    lake.ledger.append(QUARANTINE, [refused("same", "x: bad")] * 2)

    run(context_of())
    second = run(context_of())

    assert payloads(lake, EVENT) == ["same", "same"]
    assert second.message == "no row in quarantine fits the choice"
    (health,) = lake.ledger.read(DATA_HEALTH)
    assert (health["job"], health["rows_in"], health["rows_accepted"]) == ("replay_quarantine", 2, 2)


def test_a_run_that_died_before_the_delete_is_finished_without_a_second_copy(
    lake: Lake, context_of: Callable[..., JobContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(table: Table, condition: Column) -> int:
        raise KeyboardInterrupt

    lake.ledger.append(QUARANTINE, [refused("1", "x: bad")])
    with monkeypatch.context() as broken:
        broken.setattr(lake, "delete", dies)
        with pytest.raises(KeyboardInterrupt):
            run(context_of())
    assert (payloads(lake, EVENT), payloads(lake, QUARANTINE)) == (["1"], ["1"])
    lake.ledger.append(QUARANTINE, [refused("2", "x: bad", batch="b:1")])

    run(context_of())

    assert (payloads(lake, EVENT), payloads(lake, QUARANTINE)) == (["1", "2"], [])
    assert sum(row["rows_in"] for row in lake.ledger.read(DATA_HEALTH)) == 2


def test_a_row_that_is_refused_meanwhile_stays(
    lake: Lake, context_of: Callable[..., JobContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.ledger.append(QUARANTINE, [refused("1", "x: bad")])
    delete = lake.delete

    def late(table: Table, condition: Column) -> int:
        lake.ledger.append(QUARANTINE, [refused("2", "x: bad", batch="b:1")])
        return delete(table, condition)

    monkeypatch.setattr(lake, "delete", late)

    run(context_of())

    assert (payloads(lake, EVENT), payloads(lake, QUARANTINE)) == (["1"], ["2"])


def test_a_dry_run_counts_and_changes_nothing(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    lake.ledger.append(QUARANTINE, [refused("1", "x: bad")])
    lake.dry_run = True

    result = run(context_of())

    assert result.message == "1 rows would go back to bronze; the refine jobs take them up"
    assert payloads(lake, QUARANTINE) == ["1"]
    assert not lake.exists(EVENT)


def test_after_a_cure_a_replayed_row_is_accepted_once_and_everything_adds_up(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    def settings(returns: str) -> Settings:
        names = ("event_id", "customer_id", "order_id", "product_id", "quantity", "amount", "occurred_at")
        source = {"contract": "order_line", "path": "x", "currency": "USD", "returns": returns}
        source["columns"] = {name: name for name in names}  # type: ignore[assignment]
        return Settings.model_validate({"root": str(lake.locations.root), "sources": {"orders": source}})

    line = {"customer_id": "1", "order_id": "o", "product_id": "p", "occurred_at": "2017-05-01T10:00:00Z"}
    good = json.dumps(line | {"event_id": "good", "quantity": "1", "amount": "3"})
    back = json.dumps(line | {"event_id": "back", "quantity": "-1", "amount": "-3"})
    arrived = [
        {"source": "orders", "payload": text, "source_file": "f", "ordinal": 1, "landed_at": LANDED, "batch_id": "i:0"}
        for text in (good, back)
    ]
    lake.ledger.append(EVENT, arrived)
    refine_events.run(context_of(settings("reject")))
    assert payloads(lake, QUARANTINE) == [back]

    run(context_of(settings("negative_quantity")))
    refine_events.run(context_of(settings("negative_quantity")))

    assert sorted(row["event_id"] for row in lake.ledger.read(ORDER_LINE)) == ["back", "good"]
    assert lake.ledger.rows(QUARANTINE) == lake.ledger.rows(DUPLICATE) == 0
    sums: dict[str, Counter[str]] = {"refine_events": Counter(), "replay_quarantine": Counter()}
    for row in lake.ledger.read(DATA_HEALTH):
        assert row["balanced"]
        sums[row["job"]].update({name: row[name] for name in ("rows_in", "rows_accepted", "rows_quarantined")})
    assert sums["refine_events"] == {"rows_in": 3, "rows_accepted": 2, "rows_quarantined": 1}
    assert lake.ledger.rows(EVENT) == sums["refine_events"]["rows_in"]
    still_there = sums["refine_events"]["rows_quarantined"] - sums["replay_quarantine"]["rows_in"]
    assert still_there == lake.ledger.rows(QUARANTINE)
