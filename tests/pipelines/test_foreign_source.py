"""Another retailer's order lines by YAML alone: Latin-1, semicolons, day-first dates, decimal commas, returns."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from personalake.config import load_settings
from personalake.lake import Lake
from personalake.pipelines import ingest_events, refine_events
from personalake.pipelines.job import JobContext
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.silver import ORDER_LINE, QUARANTINE

YAML = """
contract: order_line
format: csv
path: ${landing}/kaufhaus
encoding: iso-8859-1
separator: ";"
decimal: ","
time_zone: Europe/Berlin
currency: EUR
returns: negative_quantity
known_at: occurred_at
consent: assume_granted
namespace: kundennummer
columns:
  order_id: Beleg
  customer_id: Kunde
  product_id: Artikel
  quantity: Menge
  amount: Betrag
  store_id: {expression: "concat('Filiale ', Filiale)"}
  occurred_at: {column: Datum, format: dd.MM.yyyy HH:mm}
"""
FILE = """Beleg;Datum;Kunde;Artikel;Menge;Betrag;Filiale
B1;05.03.2017 09:30;K1;AB 100 ü;2;1.234,50;Köln
B1;05.03.2017 09:30;K1;AB 100 ü;2;1.234,50;Köln
B2;06.07.2017 12:00;;XY 7;1;0,99;Köln
B3;07.03.2017 08:00;K1;AB 100 ü;-1;-617,25;Köln
B4;32.03.2017 08:00;K2;XY 7;1;0,99;Köln
"""


def test_a_foreign_csv_becomes_order_lines_by_yaml_alone(
    lake: Lake, tmp_path: Path, context_of: Callable[..., JobContext]
) -> None:
    conf = tmp_path / "conf"
    (conf / "sources").mkdir(parents=True)
    (conf / "environments").mkdir()
    (conf / "base.yml").write_text(f"root: {lake.locations.root}\nlanding: {tmp_path / 'landing'}\n")
    (conf / "environments" / "local.yml").write_text("")
    (conf / "sources" / "kaufhaus.yml").write_text(YAML)
    (tmp_path / "landing" / "kaufhaus").mkdir(parents=True)
    (tmp_path / "landing" / "kaufhaus" / "maerz.csv").write_text(FILE, encoding="iso-8859-1")
    context = context_of(load_settings("local", conf, environ={}))

    ingest_events.run(context)
    refine_events.run(context)

    rows = sorted(lake.ledger.read(ORDER_LINE), key=lambda row: (row["order_id"], row["event_id"]))
    assert [row["order_id"] for row in rows] == ["B1", "B1", "B2", "B3"]
    first, _, anonymous, back = rows
    assert (first["product_id"], first["store_id"], first["namespace"]) == ("AB 100 ü", "Filiale Köln", "kundennummer")
    assert (first["amount"], first["quantity"]) == (Decimal("1234.50"), Decimal("2.000"))
    assert first["occurred_at"] == first["known_at"] == datetime(2017, 3, 5, 8, 30, tzinfo=UTC)
    assert anonymous["occurred_at"] == datetime(2017, 7, 6, 10, 0, tzinfo=UTC)
    assert (anonymous["customer_id"], anonymous["warnings"]) == (None, ["customer_id: missing"])
    assert (back["is_return"], back["amount"]) == (True, Decimal("-617.25"))
    assert [row["reasons"] for row in lake.ledger.read(QUARANTINE)] == [["occurred_at: not a date and time"]]
    assert [row["balanced"] for row in lake.ledger.read(DATA_HEALTH)] == [True]
