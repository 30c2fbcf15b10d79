"""What people would read, one for each template."""

from collections.abc import Mapping
from typing import Any

from personalake.reports.blocks import Block, Excerpt, Note, Section
from personalake.reports.data import ReportData
from personalake.reports.words import name

_SHOWN = ("subject", "title", "text", "body")


def what_they_would_read(data: ReportData) -> Section | None:
    """One real person's message for each template, names hidden; None where neither rule nor sync has one."""
    if not data.messages:
        return None
    lead = "Each template as one person whom a rule or a sync chose would read it; names and ids are hidden."
    return Section("messages", "What they would read", lead, [_message(row) for row in data.messages])


def _message(row: Mapping[str, Any]) -> Block:
    whose = f"rule {row['rule']!r}" if row["rule"] is not None else f"sync {row['sync']!r}"
    title = f"{name(row['template'])}, for a person of the {whose}"
    if row["reason"] is not None:
        return Note(f"{title}: nothing can be said, {row['reason']}.", "alarm")
    shown = [row["parts"][part] for part in _SHOWN if part in row["parts"]] or list(row["parts"].values())
    missing = f" Fallbacks stand for: {', '.join(row['fallbacks'])}." if row["fallbacks"] else ""
    return Excerpt(f"{title} ({row['locale']}).{missing}", "\n\n".join(shown))
