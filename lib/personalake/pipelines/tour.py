"""What a run came to, for a person at a terminal."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import RenderableType
from rich.table import Table as RichTable

from personalake.config import Settings
from personalake.lake import Ledger
from personalake.pipelines.product_names import product_names
from personalake.reports.product_labels import labels
from personalake.reports.words import number
from personalake.tables import gold

Row = dict[str, Any]
_SHOWN = 5


def tour(ledger: Ledger, settings: Settings) -> Iterator[RenderableType]:
    """One table after the other, each with what there is."""
    yield arrived(ledger)
    yield _refused(ledger)
    yield _segments(ledger)
    yield _leavers(ledger)
    yield _liked(ledger)
    yield decided(ledger)
    yield _sent(ledger)
    assumed = [name for name, source in settings.active_sources().items() if source.consent == "assume_granted"]
    if assumed:
        yield f"[bold red]Consent is assumed, not asked, for: {', '.join(assumed)} (consent: assume_granted)[/]"


def table_of(title: str, *columns: str) -> RichTable:
    """An empty table; columns whose names begin in lower case hold numbers."""
    drawn = RichTable(title=title, title_justify="left", title_style="bold")
    for column in columns:
        drawn.add_column(column, justify="right" if column[0].islower() else "left")
    return drawn


def arrived(ledger: Ledger) -> RichTable:
    """What each source delivered, and whether it adds up."""
    drawn = table_of("What came in", "Source", "in", "accepted", "quarantined", "duplicates", "late", "Adds up")
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for row in ledger.read(gold.DATA_HEALTH):
        if row["job"].startswith("refine"):
            totals[row["source"]].update({name: row[name] for name in row if name.startswith("rows_")})
            totals[row["source"]]["off"] += not row["balanced"]
    for source, total in sorted(totals.items()):
        numbers = ("rows_in", "rows_accepted", "rows_quarantined", "rows_duplicate", "rows_late")
        drawn.add_row(source, *(f"{total[name]:,}" for name in numbers), "[red]NO[/]" if total["off"] else "yes")
    return drawn


def _refused(ledger: Ledger) -> RenderableType:
    drawn = table_of("What was refused or marked, and why", "Source", "Verdict", "Reason", "rows")
    found: Counter[tuple[str, str, str]] = Counter()
    for row in ledger.read(gold.DATA_HEALTH):
        for verdict, reasons in (("refused", row["reasons"]), ("marked", row["warnings"])):
            for reason, count in (reasons or {}).items():
                found[(row["source"], verdict, reason)] += count
    for (source, verdict, reason), count in sorted(
        found.items(), key=lambda item: (item[0][0], item[0][1] != "refused", -item[1])
    ):
        drawn.add_row(source, verdict, reason, f"{count:,}")
    return drawn


def _segments(ledger: Ledger) -> RenderableType:
    drawn = table_of("Who the customers are", "Scheme", "Segment", "people", "days since last order", "orders", "spend")
    rows = _newest(ledger.read(gold.SEGMENT_SUMMARY))
    for row in sorted(rows, key=lambda row: (row["scheme"] != "rfm", -row["people"])):
        drawn.add_row(
            row["scheme"], row["segment"], number(row["people"]), number(row["mean_recency_days"]),
            number(row["mean_orders"]), number(row["mean_spend"]),
        )  # fmt: skip
    return drawn


def _leavers(ledger: Ledger) -> RenderableType:
    drawn = table_of("Who is likely to leave, and why", "Person", "probability", "Strongest reasons")
    rows = _newest(ledger.read(gold.PREDICTION))
    for row in sorted(rows, key=lambda row: (-row["probability"], row["person_id"]))[:_SHOWN]:
        reasons = "; ".join(reason["words"] for reason in (row["reasons"] or [])[:2])
        drawn.add_row(row["person_id"], f"{row['probability']:.0%}", reasons)
    if not rows:
        return _nothing(drawn, ledger, "score_customers")
    return drawn


def _liked(ledger: Ledger) -> RenderableType:
    drawn = table_of("What each would like: most recommended", "Slot", "Item", "people")
    rows = _newest(ledger.read(gold.RECOMMENDATION, ["person_id", "slot", "as_of", "product_id"]))
    counted = Counter((row["slot"], row["product_id"]) for row in rows)
    wanted = [item for slot in sorted({slot for slot, _ in counted}) for item in _top(counted, slot)]
    products = {product for _, product in wanted}
    called = labels(sorted(products), product_names(ledger, products))
    for slot, product in wanted:
        drawn.add_row(slot.replace("_", " "), called[product], f"{counted[(slot, product)]:,}")
    return drawn


def _top(counted: Counter[tuple[str, str]], slot: str) -> list[tuple[str, str]]:
    return sorted((key for key in counted if key[0] == slot), key=lambda key: (-counted[key], key))[:_SHOWN]


def decided(ledger: Ledger) -> RichTable:
    """How many people each decision of the latest as-of concerns."""
    drawn = table_of("What was decided", "Status", "Action", "people")
    counted = Counter((row["status"], row["action"]) for row in _newest(ledger.read(gold.DECISION)))
    for (status, action), people in sorted(counted.items(), key=lambda item: (item[0][0] != "act", -item[1])):
        drawn.add_row(status, action, f"{people:,}")
    return drawn


def _sent(ledger: Ledger) -> RenderableType:
    drawn = table_of("What would be sent", "Destination", "State", "files", "items", "First file")
    planned = {row["delivery_id"] for row in _newest(ledger.read(gold.ACTIVATION_OUTBOX, ["delivery_id", "as_of"]))}
    logged = sorted(ledger.read(gold.ACTIVATION_LOG), key=lambda row: row["logged_at"])
    last = {row["delivery_id"]: row for row in logged if row["delivery_id"] in planned}
    counted: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in last.values():
        counted[row["destination"], row["state"]][row["file"] or ""] += 1
    for (destination, state), files in sorted(counted.items()):
        if state != "pending":
            drawn.add_row(destination, state, number(len(files)), number(files.total()), min(files))
    return drawn


def _newest(rows: Iterable[Row]) -> list[Row]:
    """The rows of the latest as-of."""
    kept = list(rows)
    latest = max((row["as_of"] for row in kept), default=None)
    return [row for row in kept if row["as_of"] == latest]


def _nothing(drawn: RichTable, ledger: Ledger, job: str) -> RenderableType:
    runs = [row for row in ledger.read(gold.RUN) if row["job"] == job]
    why = max(runs, key=lambda row: row["ended_at"])["message"] if runs else "it has not run yet"
    drawn.add_row("none", "", why)
    return drawn
