"""What was decided, what would be sent, and which runs made it so."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from personalake.reports.blocks import Block, Cell, Excerpt, Section, Table, Tone, nothing
from personalake.reports.charts import stacked
from personalake.reports.data import ReportData
from personalake.reports.product_labels import labels
from personalake.reports.words import minute, name, number, plural, ranked, share

STATUSES = ("act", "holdout", "no_consent", "no_action")
_EXAMPLES_PER_ACTION = 3
_ID_KEYS = ("id", "ids", "email", "phone", "token", "name", "first_name", "last_name")
_SENT = ("accepted", "confirmed")
_WAITING = ("pending", "in_flight", "unknown")


def what_was_decided(data: ReportData) -> Section:
    """Actions, who is held out, who has not consented, and by which rule."""
    lead = "One decision per person, by the first rule that holds. A few are left alone, so that the effect can be measured."
    decisions = data.decisions
    if decisions.empty:
        why = "decide_actions has decided nothing at this as-of: it needs profiles, and rules in conf/rules.yml."
        return Section("decisions", "What was decided", lead, nothing(why))
    counts = Counter(zip(decisions["action"].fillna("none"), decisions["status"], strict=True))
    order = [action for action, _ in ranked(Counter(decisions["action"].fillna("none")))]
    series = {name(status): [counts[action, status] for action in order] for status in STATUSES}
    chart = stacked("Decisions by action", [name(action) for action in order], series, "people")
    rules = Counter(
        zip(decisions["rule"].fillna("no rule held"), decisions["action"].fillna("none"), decisions["status"], strict=True)
    )
    rows = []
    for rule, action in dict.fromkeys((rule, action) for (rule, action, _), _ in ranked(rules)):
        by_status = [rules[rule, action, status] for status in STATUSES]
        rows.append([name(rule), name(action), *(number(count) for count in by_status), number(sum(by_status))])
    head = ("Rule", "Action", *(name(status).capitalize() for status in STATUSES), "People")
    note = (
        "Act: goes to the destinations. Holdout: left alone to measure the effect. "
        "No consent: the person has not granted the purpose. No action: no rule held, or nothing to offer."
    )
    table = Table("Decisions by rule", head, rows, head[2:], note)
    return Section("decisions", "What was decided", lead, [chart, table, _examples(data)])


def _examples(data: ReportData) -> Table:
    ordered = data.decisions.sort_values(["action", "status", "person_id"])
    first = ordered.groupby(["action", "status"], sort=False).head(_EXAMPLES_PER_ACTION)
    called = labels(list(first["product_id"].dropna().unique()), data.products)
    rows = []
    for row in first.to_dict("records"):
        offer = called.get(row["product_id"] or "") or row["category"] or "–"
        rows.append(
            [
                row["person_id"],
                name(row["action"]),
                name(row["status"]),
                row["channel"] or "–",
                str(offer),
                row["reason"] or "–",
            ]
        )
    return Table("Examples", ("Person", "Action", "Status", "Channel", "Offer", "Why"), rows)


def what_would_be_sent(data: ReportData) -> Section:
    """Files and items by destination, what was held back and why, and how one item looks."""
    lead = "Decisions leave as files: each holds exactly what a real one would be sent, and goes to nobody from here."
    deliveries = data.deliveries
    if deliveries.empty and not data.planning:
        why = "plan_activation has planned no delivery: no decision to act on, or no destination in conf/destinations.yml."
        return Section("activation", "What would be sent", lead, nothing(why))
    planning = {row["source"]: row for row in data.planning}
    names = sorted({*planning, *deliveries["destination"]})
    rows = [_destination(one, deliveries[deliveries["destination"] == one], planning.get(one)) for one in names]
    head = ("Destination", "Files", "Items asked for", "Refused", "Written", "Waiting", "Taken back")
    note = "Refused: never planned, e.g. for want of consent. Taken back: planned, and then withdrawn or rejected."
    blocks: list[Block] = [Table("By destination", head, rows, head[1:], note)]
    reasons = Counter(
        {(row["source"], "refused", why): count for row in data.planning for why, count in (row["reasons"] or {}).items()}
    )
    back = deliveries[~deliveries["state"].isin((*_SENT, *_WAITING))]
    reasons.update(zip(back["destination"], back["state"], back["reason"].fillna("no reason given"), strict=True))
    if reasons:
        told = [[*why, number(count)] for why, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))]
        blocks.append(Table("Not written, and why", ("Destination", "State", "Reason", "Items"), told, ("Items",)))
    return Section("activation", "What would be sent", lead, [*blocks, *(_excerpt(row, data.masked) for row in data.outbox)])


def _destination(destination: str, items: pd.DataFrame, equation: Mapping[str, Any] | None) -> list[str]:
    states = Counter(items["state"])
    sent, waiting = sum(states[state] for state in _SENT), sum(states[state] for state in _WAITING)
    asked, refused = (equation["rows_in"], equation["rows_quarantined"]) if equation else (len(items), 0)
    counts = (items["file"].nunique(), asked, refused, sent, waiting, len(items) - sent - waiting)
    return [destination, *(number(count) for count in counts)]


def _excerpt(row: Mapping[str, Any], masked: frozenset[str]) -> Excerpt:
    try:
        text = json.dumps(mask(json.loads(row["payload"]), masked), indent=2, ensure_ascii=False)
    except ValueError:
        text = "(not JSON)"
    return Excerpt(f"One item for {row['destination']} ({row['operation']}), ids and personal data masked", text)


def mask(value: Any, masked: frozenset[str], key: str = "") -> Any:
    """A payload without what identifies or describes a person.

    >>> mask({"userId": "p_1", "traits": {"orders": 3, "age_band": "35-44"}}, frozenset({"age_band"}))
    {'userId': '•••', 'traits': {'orders': 3, 'age_band': '•••'}}
    """
    if isinstance(value, dict):
        return {name: mask(inner, masked, name) for name, inner in value.items()}
    if isinstance(value, list):
        return [mask(inner, masked, key) for inner in value]
    is_id = key.lower() in _ID_KEYS or (key.endswith(("Id", "_id", "ID")) and not key.startswith("product"))
    is_hidden = is_id or key in masked or (isinstance(value, str) and value.startswith("p_"))
    return "•••" if is_hidden and value is not None else value


def which_runs(data: ReportData) -> Section:
    """The last run of each job."""
    lead = "The latest run of each job that did something or had a reason not to."
    if not data.runs:
        return Section("runs", "Which runs made this", lead, nothing("No job has run on this lake so far."))
    tones: dict[str, Tone] = {"done": "good", "failed": "alarm"}
    rows: list[list[str | Cell]] = [
        [row["job"], Cell(row["status"], tones.get(row["status"], "plain")), minute(row["ended_at"]),
         number(row["seconds"], 1), number(row["rows_read"]), number(row["rows_written"]), row["message"] or "–"]
        for row in sorted(data.runs, key=lambda row: row["ended_at"])
    ]  # fmt: skip
    head = ("Job", "Status", "Ended", "Seconds", "Rows read", "Rows written", "In words")
    return Section("runs", "Which runs made this", lead, [Table("Runs", head, rows, head[3:6])])


def written(data: ReportData) -> int:
    """Items that reached a file or a destination."""
    return int(data.deliveries["state"].isin(_SENT).sum())


def acted_on(data: ReportData) -> str:
    """People with an action, of those decided for."""
    if data.decisions.empty:
        return "–"
    return number(int((data.decisions["status"] == "act").sum()))


def held_out(data: ReportData) -> str:
    """The holdout in words."""
    count = int((data.decisions["status"] == "holdout").sum()) if len(data.decisions) else 0
    return f"{plural(count, 'person', 'people')} held out ({share(count / max(len(data.decisions), 1))})"
