"""Whether whole tables are sound: the verdicts of the latest look at them."""

from collections import Counter

from personalake.reports.blocks import Block, Cell, Note, Section, Table, Tone
from personalake.reports.data import ReportData

_TONES: dict[str, Tone] = {"pass": "good", "warn": "quiet", "fail": "alarm", "unknown": "quiet"}
_ORDER = ("fail", "warn", "unknown", "pass")


def are_they_sound(data: ReportData) -> Section | None:
    """The section; None where nothing has been looked at."""
    if not data.verdicts:
        return None
    counts = Counter(str(row["verdict"]) for row in data.verdicts)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in _ORDER if counts[verdict])
    failed = [f"{row['table']}, {row['check']}: {row['reason']}." for row in data.verdicts if row["verdict"] == "fail"]
    summary: list[Block] = [Note(text, "alarm") for text in failed] or [Note("No check failed.", "good")]
    rows: list[list[str | Cell]] = [
        [str(row["table"]), str(row["check"]), Cell(str(row["verdict"]), _TONES[row["verdict"]]), str(row["reason"])]
        for row in sorted(data.verdicts, key=lambda row: (_ORDER.index(row["verdict"]), row["table"], row["check"]))
    ]
    head = ("Table", "Check", "Verdict", "Why")
    table = Table(f"Checks of whole tables: {told}", head, rows, note="Limits are in conf/quality.yml.")
    lead = "Fresh, as many as ever, complete, spread as before, and at one with other tables, apart from single rows."
    return Section("sound", "Which tables are sound", lead, [*summary, table])
