"""Who the customers are, which segments they fall into, and what they consent to."""

from typing import Any

import pandas as pd

from personalake.reports.blocks import Block, Cell, Chart, Grid, Note, Section, Table, nothing
from personalake.reports.charts import GREEN, ORANGE, PURPLE, SKY, bars, histogram, stacked
from personalake.reports.data import ReportData
from personalake.reports.words import day, money, name, number, plural, share

_DEMOGRAPHICS = {"age_band": "Age", "income_band": "Income", "household_size": "Household size", "kids_count": "Children"}
_MOST_CATEGORIES = 10
_SYNTHETIC = "synthetic"
_STATUSES = ("granted", "assumed_granted", "denied", "withdrawn")


def who_they_are(data: ReportData) -> Section:
    """How recently, how often and for how much people buy, and who they say they are."""
    lead = "One profile per person, from everything known before the as-of; consents and wishes are of now."
    people = data.profiles
    if people.empty:
        return Section("customers", "Who the customers are", lead, nothing("build_profiles has not made a profile so far."))
    recency = [float((data.as_of - last).days) for last in people["last_order_date"].dropna()]
    charts: list[Chart] = [
        histogram("Days since the last order", recency, "days", "people"),
        histogram("Orders per person", _numbers(people["orders"]), "orders", "people", GREEN),
        histogram(
            "Spend per person", _numbers(people["spend"]), f"spend, {data.currency or 'no currency'}", "people", ORANGE
        ),
    ]
    liked = people["favourite_category"].dropna().value_counts()
    if not liked.empty:
        charts.append(bars("Favourite categories", _top(liked, _MOST_CATEGORIES), "people whose favourite it is", PURPLE))
    for column, title in _DEMOGRAPHICS.items():
        known = people[column].dropna()
        if not known.empty:
            silent = len(people) - len(known)
            told = f"people, {number(silent)} did not say" if silent else "people"
            charts.append(bars(title, _in_order(known), told, SKY))
    blocks: list[Block] = [_figures(data), Grid(charts)]
    if people["currency"].nunique() > 1:
        kinds = ", ".join(sorted(people["currency"].dropna().unique()))
        blocks.insert(0, Note(f"Amounts are in several currencies ({kinds}) and are not converted.", "alarm"))
    return Section("customers", "Who the customers are", lead, blocks)


def _figures(data: ReportData) -> Table:
    people = data.profiles
    measures: dict[str, tuple[Any, Any]] = {
        "Orders": (_numbers(people["orders"]), number),
        "Spend": (_numbers(people["spend"]), lambda value: money(value, data.currency)),
        "Average order": (_numbers(people["average_order_value"]), lambda value: money(value, data.currency)),
        "Days between orders": (_numbers(people["days_between_orders"]), lambda value: number(value, 1)),
        "Share of discounts": (_numbers(people["discount_share"]), share),
        "Coupons redeemed": (_numbers(people["coupons_redeemed"]), number),
    }
    rows = []
    for label, (values, shown) in measures.items():
        found = pd.Series(values, dtype=float)
        rows.append([label, *(shown(found.quantile(q)) for q in (0.1, 0.5, 0.9)), shown(found.mean()), number(found.size)])
    head = ("Per person", "10 % have at most", "Half have at most", "90 % have at most", "Mean", "People")
    days = [*people["first_order_date"].dropna(), *people["last_order_date"].dropna()]
    told = f"Orders from {day(min(days))} to {day(max(days))}." if days else ""
    return Table("In numbers", head, rows, head[1:], told)


def which_segments(data: ReportData) -> Section:
    """Each scheme's segments, their size, and what their people have in common."""
    lead = (
        "RFM groups people by how recently, how often and for how much they bought; K-Means lets the data find the groups. "
        "Only people who allow it are grouped."
    )
    if data.segments.empty:
        why = "segment_customers has made no segments so far; it needs profiles and features."
        return Section("segments", "Which segments they fall into", lead, nothing(why))
    blocks: list[Block] = []
    for scheme in sorted(data.segments["scheme"].unique(), reverse=True):
        rows = data.segments[data.segments["scheme"] == scheme].sort_values(["people", "segment"], ascending=[False, True])
        sizes = {row["segment"]: float(row["people"]) for row in rows.to_dict("records")}
        blocks.append(bars(f"People by segment, {name(scheme)}", sizes, "people"))
        blocks.append(_segment_table(scheme, rows, data.currency))
    return Section("segments", "Which segments they fall into", lead, blocks)


def _segment_table(scheme: str, segments: pd.DataFrame, currency: str | None) -> Table:
    head = ("Segment", "People", "Share", "Days since last order", "Orders", "Spend", "In words")
    rows = [
        [
            str(row["segment"]), number(row["people"]), share(row["share"]), number(row["mean_recency_days"], 1),
            number(row["mean_orders"], 1), money(row["mean_spend"], currency), row["description"] or "",
        ]
        for row in segments.to_dict("records")
    ]  # fmt: skip
    return Table(
        f"Segments, {name(scheme)}", head, rows, head[1:6], "Days, orders and spend are means over the segment's people."
    )


def what_they_consent_to(data: ReportData) -> Section:
    """Answers by purpose; a source whose silence counts as consent is an alarm."""
    lead = "Nobody is contacted for a purpose that they have not granted. No answer means no."
    blocks: list[Block] = [
        Note(
            f"Source {source} is set to consent: assume_granted. Its people count as consenting although nobody asked them.",
            "alarm",
        )
        for source in data.arrivals.assumed_consent
    ]
    if data.consents.empty:
        return Section("consent", "What they consent to", lead, [*blocks, *nothing("No answer about any purpose is known.")])
    made_up = sorted(origin for origin in data.consents["origin"].dropna().unique() if origin.startswith(_SYNTHETIC))
    if made_up:
        blocks.append(
            Note(f"These answers are made up for the demonstration (origin {', '.join(made_up)}): nobody gave them.")
        )
    counts = pd.crosstab(data.consents["purpose"], data.consents["status"]).sort_index()
    people = max(len(data.profiles), data.consents["person_id"].nunique())
    series = {name(status): [int(count) for count in counts[status]] for status in _STATUSES if status in counts}
    series["no answer"] = [people - int(count) for count in counts.sum(axis=1)]
    purposes = [name(purpose) for purpose in counts.index]
    blocks.append(stacked("Answers by purpose", purposes, series, "people"))
    rows = [
        [
            purpose,
            *(_count(status, values[place]) for status, values in series.items()),
            share(_granted(series, place) / max(people, 1)),
        ]
        for place, purpose in enumerate(purposes)
    ]
    head = ("Purpose", *(status.capitalize() for status in series), "May be used for")
    note = f"Of {plural(people, 'person', 'people')}."
    blocks.append(Table("Answers", head, rows, head[1:], note))
    return Section("consent", "What they consent to", lead, blocks)


def _granted(series: dict[str, list[int]], place: int) -> int:
    return sum(series[status][place] for status in ("granted", "assumed granted") if status in series)


def _count(status: str, count: int) -> str | Cell:
    return Cell(number(count), "alarm") if status == "assumed granted" and count else number(count)


def _numbers(column: "pd.Series[Any]") -> list[float]:
    return [float(value) for value in column.dropna()]


def _top(counts: "pd.Series[Any]", most: int) -> dict[str, float]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return {str(label): float(count) for label, count in ordered[:most]}


def _in_order(known: "pd.Series[Any]") -> dict[str, float]:
    """Counts of bands in the order of their first number, `Under …` first."""

    def place(label: str) -> tuple[int, int, str]:
        digits = "".join(char if char.isdigit() else " " for char in label).split()
        return (0 if label.lower().startswith("under") else 1, int(digits[0]) if digits else 10**9, label)

    counts = known.astype(str).value_counts()
    return {label: float(counts[label]) for label in sorted(counts.index, key=place)}
