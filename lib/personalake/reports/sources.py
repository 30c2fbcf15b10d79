"""What each source feeds, how good and how fresh it is, and which touchpoint it serves."""

from collections.abc import Mapping
from typing import Any

from personalake.reports.blocks import Block, Cell, Note, Section, Table
from personalake.reports.data import ReportData
from personalake.reports.words import ABSENT, day, name, number, plural, share

_TOUCHPOINTS = {"email": "E-mail", "web": "Web", "app": "App", "shop": "Shop", "support": "Support", "push": "Push"}
_MANY_REFUSED = 0.05
# A database or a topic that is silent for a week may be broken; files may be a history, as old as they are.
_STALE_DAYS = 7

Row = Mapping[str, Any]


def which_sources(data: ReportData) -> Section | None:
    """The audit of the sources; None where none was made."""
    if not data.audits:
        return None
    lead = (
        "What each source feeds, how much of it is refused, on which days it was silent, and how fresh it is. Freshness "
        "counts days from the last row to the as-of; below zero, rows are later than that."
    )
    blocks: list[Block] = [*_warnings(data), _quality(data), *_knows(data), _feeds(data), _matrix(data)]
    return Section("sources", "Which sources feed what, and how well", lead, blocks)


def _warnings(data: ReportData) -> list[Block]:
    silent = [row["source"] for row in data.audits if not row["rows"]]
    told = f"{plural(len(silent), 'source has', 'sources have')} no rows: {', '.join(silent)}."
    return [Note(told, "quiet")] if silent else []


def _quality(data: ReportData) -> Table:
    head = ("Source", "Rows", "Refused", "First day", "Last day", "Silent days", "Longest gap, days", "Fresh, days")
    rows: list[list[str | Cell]] = [
        [
            row["source"],
            number(row["rows"]),
            _toned(share(row["refused_share"], 2), (row["refused_share"] or 0) > _MANY_REFUSED),
            day(row["first_date"]),
            day(row["last_date"]),
            number(row["days_without_rows"]),
            number(row["longest_gap_days"]),
            _toned(number(row["freshness_days"]), (row["freshness_days"] or 0) > _STALE_DAYS and row["kind"] != "files"),
        ]
        for row in data.audits
    ]
    numeric = ("Rows", "Refused", "Silent days", "Longest gap, days", "Fresh, days")
    return Table("Quality, gaps and freshness", head, rows, numeric)


def _knows(data: ReportData) -> list[Block]:
    """A table of its own: both beside quality would be too wide for a screen."""
    rows = [
        [row["source"], number(row["persons"]), _shares(row["identifier_share"]), _shares(row["consent_share"])]
        for row in data.audits
        if row["persons"] or row["identifier_share"]
    ]
    note = "Shares of identifiers are shares of rows, those of consent of persons."
    return (
        [Table("Whom each source knows", ("Source", "Persons", "Identifiers", "Consent"), rows, ("Persons",), note)]
        if rows
        else []
    )


def _feeds(data: ReportData) -> Table:
    rows = [
        [
            row["source"],
            name(row["contract"]),
            ", ".join(row["feeds_tables"] or ()),
            number(len(row["feeds_features"] or ())),
        ]
        for row in data.audits
    ]
    return Table("What each source feeds", ("Source", "Its rows are", "Tables", "Features"), rows, ("Features",))


def _matrix(data: ReportData) -> Table:
    rows = []
    for row in data.audits:
        served = dict(row["touchpoints"] or {})
        rows.append([row["source"], *(served.get(touchpoint, ABSENT) for touchpoint in _TOUCHPOINTS)])
    note = (
        "Behaviour: what people did there. Reach: how they are addressed there. Consent: what they allow there. "
        "Content: what they can be shown there. Wishes: what they ask for. Context: what is so around them."
    )
    return Table("Which data serves which touchpoint", ("Source", *_TOUCHPOINTS.values()), rows, (), note)


def _toned(text: str, is_bad: bool) -> str | Cell:
    return Cell(text, "alarm") if is_bad else text


def _shares(shares: Mapping[str, float] | None) -> str:
    return ", ".join(f"{name(key)} {share(value, 0)}" for key, value in sorted((shares or {}).items())) or ABSENT
