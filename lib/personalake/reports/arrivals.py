"""What came in, what was refused and why, and whether everything that was planted was found."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from personalake.reports.blocks import Block, Cell, Note, Section, Table, nothing
from personalake.reports.charts import RED, bars, timeline
from personalake.reports.data import Arrivals, ReportData
from personalake.reports.words import name, number, plural, ranked, share

_COUNTS = ("rows_in", "rows_accepted", "rows_quarantined", "rows_duplicate", "rows_late")
_MOST_REASONS = 12


def totals_by_source(arrivals: Arrivals) -> dict[str, dict[str, Any]]:
    """The equation of each source, summed over jobs and micro-batches of refinement."""
    totals: dict[str, dict[str, Any]] = {}
    for row in sorted(arrivals.health, key=lambda row: row["source"]):
        total = totals.setdefault(row["source"], {**dict.fromkeys(_COUNTS, 0), "balanced": True})
        for count in _COUNTS:
            total[count] += row[count] or 0
        total["balanced"] = total["balanced"] and bool(row["balanced"])
    return totals


def what_came_in(data: ReportData) -> Section:
    """Each source's files and rows, and the equation that must add up."""
    lead = (
        "Every row that arrived is accepted, refused or dropped as a duplicate; the four counts are taken independently. "
        "Everything that has landed counts here, also what became known after the as-of."
    )
    totals = totals_by_source(data.arrivals)
    blocks: list[Block] = (
        [*_equation(data.arrivals, totals)] if totals else [*nothing("No source has delivered rows so far.")]
    )
    if data.arrivals.days:
        blocks.append(timeline("Accepted order lines by the day they became known", data.arrivals.days, "order lines a day"))
    return Section("arrivals", "What came in", lead, blocks)


def _equation(arrivals: Arrivals, totals: Mapping[str, Mapping[str, Any]]) -> list[Block]:
    files = Counter((row["source"], row["status"]) for row in arrivals.files)
    head = (
        "Source",
        "Files",
        "Files rejected",
        "Rows in",
        "= Accepted",
        "+ Refused",
        "+ Duplicates",
        "Adds up",
        "Late",
    )
    rows: list[list[str | Cell]] = [
        _line(source, files[source, "admitted"], files[source, "rejected"], total) for source, total in totals.items()
    ]
    whole = {count: sum(total[count] for total in totals.values()) for count in _COUNTS}
    whole["balanced"] = all(total["balanced"] for total in totals.values())
    admitted = sum(count for (_, status), count in files.items() if status == "admitted")
    rows.append(_line("all sources", admitted, sum(files.values()) - admitted, whole))
    note = "Late: of those accepted, known a day or more after it happened. Refused rows wait in quarantine."
    blocks: list[Block] = [Table("Rows by source", head, rows, head[1:], note)]
    if not whole["balanced"]:
        blocks.insert(0, Note("The counts of at least one source do not add up. See gold.data_health.", "alarm"))
    return blocks


def _line(source: str, admitted: int, rejected: int, total: Mapping[str, Any]) -> list[str | Cell]:
    counted = total["rows_accepted"] + total["rows_quarantined"] + total["rows_duplicate"]
    adds_up = total["balanced"] and total["rows_in"] == counted
    verdict = Cell("yes", "good") if adds_up else Cell(f"NO, {number(counted)} accounted for", "alarm")
    refused = Cell(number(rejected), "alarm") if rejected else number(rejected)
    counts = [number(total[count]) for count in _COUNTS]
    return [source, number(admitted), refused, *counts[:4], verdict, counts[4]]


def what_was_refused(data: ReportData) -> Section:
    """Reasons by source, with the hash of one example each; never a payload."""
    lead = "Rows that break a declared rule are not guessed at: they wait in quarantine, with every reason."
    reasons: Counter[tuple[str, str]] = Counter()
    warnings: Counter[tuple[str, str]] = Counter()
    for row in data.arrivals.health:
        reasons.update({(row["source"], reason): count for reason, count in (row["reasons"] or {}).items()})
        warnings.update({(row["source"], warning): count for warning, count in (row["warnings"] or {}).items()})
    blocks: list[Block] = []
    if reasons:
        top = ranked(reasons)[:_MOST_REASONS]
        chart = {f"{reason} ({source})": float(count) for (source, reason), count in top}
        blocks += [bars("Refused rows by reason", chart, "rows, each under every one of its reasons", RED)]
        blocks += [_reasons_table(data.arrivals, reasons)]
    if warnings:
        rows = [[source, warning, number(count)] for (source, warning), count in ranked(warnings)]
        blocks.append(Table("Accepted with a warning", ("Source", "Warning", "Rows"), rows, ("Rows",)))
    rejected = [row for row in data.arrivals.files if row["status"] == "rejected"]
    if rejected:
        rows = [[row["source"], row["reason"] or "", number(count)] for row, count in _counted(rejected)]
        blocks.append(Table("Files that were not let in", ("Source", "Why", "Files"), rows, ("Files",)))
    return Section("refused", "What was refused, and why", lead, blocks or nothing("No row and no file was refused."))


def _counted(files: list[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], int]]:
    counts = Counter((row["source"], row["reason"]) for row in files)
    return [({"source": source, "reason": reason}, count) for (source, reason), count in ranked(counts)]


def _reasons_table(arrivals: Arrivals, reasons: Counter[tuple[str, str]]) -> Table:
    totals, examples = totals_by_source(arrivals), defaultdict[tuple[str, str], set[str]](set)
    for row in arrivals.quarantine:
        for reason in row["reasons"]:
            examples[row["source"], reason].add(row["payload_hash"][:12])
    rows = [
        [
            source,
            reason,
            number(count),
            share(count / max(totals[source]["rows_in"], 1), 2),
            min(examples[source, reason], default="–"),
        ]
        for (source, reason), count in ranked(reasons)
    ]
    head = ("Source", "Reason", "Rows", "Share of the source", "One example, by payload hash")
    note = "Look a row up in silver.quarantine by its hash; payloads hold personal data and are not shown here."
    return Table("Every reason", head, rows, ("Rows", "Share of the source"), note)


def planted_and_found(data: ReportData) -> Section | None:
    """The demo's planted dirt against what was found; None where nothing was planted."""
    planted = data.arrivals.planted
    if planted is None:
        return None
    lead = "The demo plants dirt on purpose and knows each line by its id. What was found must equal what was planted."
    head = ("Source", "What was planted", "Planted", "Found", "Verdict", "What should happen to it")
    rows: list[list[str | Cell]] = [
        [row["source"], name(row["kind"]), number(row["planted"]), *_verdict(row), _EXPECTED[row["expected"]]]
        for row in planted
    ]
    blocks: list[Block] = [*nothing("No planted line has landed.")]
    if rows:
        blocks = [Table("Planted and found, by id", head, rows, ("Planted", "Found"))]
    wrong = [row for row in planted if row["planted"] != row["found"]]
    if wrong:
        told = plural(len(wrong), "kind does", "kinds do")
        blocks.insert(0, Note(f"{told} not match: what was found differs from what was planted.", "alarm"))
    if data.arrivals.own_dirt:
        own = [[row["source"], row["what"], number(row["rows"])] for row in data.arrivals.own_dirt]
        note = "A row can break several rules. None of these was planted: it is how the data came."
        blocks.append(
            Table("What the data itself holds, planted lines apart", ("Source", "What", "Rows"), own, ("Rows",), note)
        )
    return Section("planted", "Was all planted dirt found?", lead, blocks)


_EXPECTED = {
    "quarantined": "refused, kept in quarantine",
    "duplicate": "dropped as a duplicate",
    "late": "accepted, marked late",
    "warned": "accepted with a warning",
}


def _verdict(row: Mapping[str, Any]) -> list[str | Cell]:
    if row["planted"] == row["found"]:
        return [number(row["found"]), Cell("all found", "good")]
    return [Cell(number(row["found"]), "alarm"), Cell(f"off by {row['found'] - row['planted']:+,}", "alarm")]
