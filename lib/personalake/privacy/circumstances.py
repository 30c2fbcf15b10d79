"""What somebody who asks for their data is told beside it (Article 15(1) GDPR): why, who got it, how long, from where."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from personalake.config import Settings
from personalake.config.decisions import Rule
from personalake.privacy.places import kept, landed_days
from personalake.tables import Table
from personalake.tables.gold import (
    ACTIVATION_LOG,
    ACTIVATION_OUTBOX,
    DECISION,
    PREDICTION,
    RECOMMENDATION,
    SEGMENT_MEMBERSHIP,
)
from personalake.tables.silver import CONSENT_CURRENT

Row = Mapping[str, Any]
Held = Mapping[Table, Sequence[Row]]
UNSAID = "not written down in the configuration; whoever hands this over must add it"
_NO_ANSWER = "none"


def circumstances(settings: Settings, held: Held, accesses: Sequence[Row]) -> dict[str, list[dict[str, Any]]]:
    """Everything but the data, by part; each part is a list of plain rows.

    Args:
        settings: The configuration.
        held: The person's rows by table.
        accesses: Rows of `gold.access_log` about the person. Accounts of staff stay in the house: they are persons, too.

    Returns:
        `rights`, `purposes`, `recipients`, `retention`, `sources`, `accesses`, `automated_decisions`.
    """
    return {
        "rights": list(_rights(settings)),
        "purposes": list(_purposes(held)),
        "recipients": list(_recipients(held)),
        "retention": list(_retention(settings, held)),
        "sources": list(_sources(settings, held)),
        "accesses": [
            {name: row[name] for name in ("accessed_at", "job", "action", "destination", "rows", "tables")}
            for row in sorted(accesses, key=lambda row: row["accessed_at"])
        ],
        "automated_decisions": list(_decisions(settings, held)),
    }


def flat(parts: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    """The same for a spreadsheet: one row for each statement, as `part`, `number`, `name`, `value`."""
    return [
        {"part": part, "number": number, "name": name, "value": value}
        for part, rows in parts.items()
        for number, row in enumerate(rows, 1)
        for name, value in row.items()
    ]


def _rights(settings: Settings) -> Iterator[dict[str, Any]]:
    notice = settings.erasure.notice
    yield {"about": "controller", "text": notice.controller or UNSAID}
    yield {"about": "your rights", "text": notice.rights}
    yield {"about": "complaint", "text": f"{notice.complaint} {notice.authority or UNSAID}"}
    yield {"about": "transfers to other countries", "text": notice.transfers or UNSAID}


def _purposes(held: Held) -> Iterator[dict[str, Any]]:
    """Purposes of the columns that hold something of the person, with what the person says about them."""
    tables: dict[str, set[str]] = {}
    for table, rows in held.items():
        for field in table.fields:
            if any(row[field.name] is not None for row in rows):
                for purpose in field.purposes:
                    tables.setdefault(purpose, set()).add(table.full_name)
    answers = {row["purpose"]: row["status"] for row in held.get(CONSENT_CURRENT, ())}
    for purpose in sorted({*tables, *answers}):
        answer = answers.get(purpose, _NO_ANSWER)
        yield {"purpose": purpose, "your_answer": answer, "tables": sorted(tables.get(purpose, ()))}


def _recipients(held: Held) -> Iterator[dict[str, Any]]:
    """Who was sent something about the person, and who is about to be; the last state of each delivery counts."""
    states: dict[str, Row] = {}
    for row in sorted(held.get(ACTIVATION_LOG, ()), key=lambda row: row["logged_at"]):
        states[row["delivery_id"]] = row
    by_destination: dict[str, list[Row]] = {}
    for row in held.get(ACTIVATION_OUTBOX, ()):
        by_destination.setdefault(row["destination"], []).append(row)
    for destination, rows in sorted(by_destination.items()):
        logged = [states[row["delivery_id"]] for row in rows if row["delivery_id"] in states]
        told = Counter(state["state"] for state in logged)
        told["planned"] = len(rows) - len(logged)
        yield {
            "recipient": destination,
            "deliveries": len(rows),
            "by_state": {state: number for state, number in sorted(told.items()) if number},
            "last_at": max((state["logged_at"] for state in logged), default=None),
            "purposes": sorted({part.strip() for row in rows for part in (row["purpose"] or "").split(",") if part.strip()}),
            "ways": sorted({row["operation"] for row in rows if row["operation"]}),
        }


def _retention(settings: Settings, held: Held) -> Iterator[dict[str, Any]]:
    days = settings.maintenance.retention_days
    yield from ({"table": table.full_name, "rows": len(rows), "kept": kept(table, days)} for table, rows in held.items())
    yield {
        "table": "files as they were delivered to us",
        "rows": None,
        "kept": f"{landed_days(settings):,} days after they were read",
    }


def _sources(settings: Settings, held: Held) -> Iterator[dict[str, Any]]:
    """Where rows came from; what names no source was made here of rows that do."""
    for table, rows in held.items():
        named = Counter(row["source"] for row in rows if row.get("source"))
        for name, number in sorted(named.items()):
            known = settings.sources.get(name)
            origin = f"{known.contract} by {known.kind}" if known is not None else "a source that is no longer configured"
            yield {"table": table.full_name, "source": name, "origin": origin, "rows": number}
        if not named:
            yield {"table": table.full_name, "source": None, "origin": "made here of the other tables", "rows": len(rows)}


def _decisions(settings: Settings, held: Held) -> Iterator[dict[str, Any]]:
    """What was decided about the person by a machine, and by which logic, in a sentence each."""
    taken = Counter(row["rule"] for row in held.get(DECISION, ()))
    rules = {rule.name: rule for rule in settings.decisions.rules}
    for name, number in sorted(taken.items(), key=lambda item: str(item[0])):
        yield {"what": f"decision by the rule {name}", "times": number, "logic": _logic(rules.get(name))}
    churn = settings.models.churn
    of_models = {
        PREDICTION: "A model estimates how probable it is that you buy nothing for "
        f"{churn.horizon_days} days, from your past purchases and what we know of customers alike; what weighed most "
        "stands beside each score as reasons.",
        SEGMENT_MEMBERSHIP: "You are put in a group by when you last bought, how often, and for how much, compared with all "
        "customers.",
        RECOMMENDATION: "Products are ranked for you by what you bought and what others bought who bought the same.",
    }
    for table, logic in of_models.items():
        if rows := held.get(table, ()):
            yield {"what": f"profiling in {table.full_name}", "times": len(rows), "logic": logic}
    if taken or any(held.get(table) for table in of_models):
        told = settings.erasure.notice.consequences or UNSAID
        yield {"what": "what follows for you, and how to object", "times": None, "logic": told}


def _logic(rule: Rule | None) -> str:
    if rule is None:
        return "The rule has been withdrawn since; the reason of each decision stands beside it."
    return f"The first rule that applies decides. This one applies where {rule.when}; then: {rule.action} by {rule.channel}."
