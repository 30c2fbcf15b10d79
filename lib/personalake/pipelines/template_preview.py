"""What people would read, before anything is sent; reads gold without Spark."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from personalake.activation.templates import Refusal, Rendered, render
from personalake.activation.templates.variables import ITEMS, SLOT
from personalake.config import Settings
from personalake.config.sql import simple_value
from personalake.config.templates import PRIVATE, VARIABLES
from personalake.errors import InputError
from personalake.lake import Ledger
from personalake.pipelines.look import explain
from personalake.pipelines.product_names import product_names
from personalake.tables.gold import ACTIVATION_OUTBOX, CUSTOMER_PROFILE, RECOMMENDATION
from personalake.tables.identity import PERSON

Row = Mapping[str, Any]
_HIDDEN = "•••"


@dataclass(frozen=True)
class Preview:
    """What one template would say to one person.

    Args:
        template: Name of the template.
        rule: Rule that names it, and decided for the person; null if it is only looked at.
        person_id: The person.
        said: The texts, or why there are none.
        sync: Sync that sends it to the person without any decision; null if none does.
    """

    template: str
    rule: str | None
    person_id: str
    said: Rendered | Refusal
    sync: str | None = None

    def as_row(self) -> dict[str, Any]:
        """The same with plain values; `parts` is empty where `reason` says why."""
        if isinstance(self.said, Refusal):
            told: dict[str, Any] = {"locale": None, "parts": {}, "fallbacks": (), "reason": self.said.reason}
        else:
            parts = {**self.said.parts, **self.said.values}
            told = {"locale": self.said.locale, "parts": parts, "fallbacks": self.said.fallbacks, "reason": None}
        return {"template": self.template, "rule": self.rule, "sync": self.sync, "person_id": self.person_id, **told}


def previews(
    settings: Settings, ledger: Ledger, person: str, template: str | None = None, as_of: date | None = None
) -> list[Preview]:
    """What one person would read: in the template of the rule that decided for them, or in the one that is named.

    Args:
        settings: The configuration.
        ledger: The tables.
        person: A person id, or any identifier of the person.
        template: Name of a template; the decision's own by default, and all where it has none.
        as_of: The latest as-of to look at.

    Raises:
        InputError: If there is no such person or template.
    """
    if template is not None and template not in settings.templates:
        raise InputError(f"No template {template!r}.", f"There are: {', '.join(settings.templates) or 'none'}.")
    known = explain(ledger, person, as_of)
    decision: Row = known.decisions[0] if known.decisions else {}
    rule = next((rule for rule in settings.decisions.rules if rule.name == decision.get("rule")), None)
    own = rule.template if rule is not None else None
    chosen = [template] if template else [own] if own else sorted(settings.templates)
    offered = product_names(ledger, {decision["product_id"]} if decision.get("product_id") else ())
    items = [row for row in known.recommendations if row["slot"] == SLOT and row["rank"] <= ITEMS]
    golden = _person(ledger, known.person_id)
    variables = variables_of(decision, known.profile, golden, items, offered)
    row = {**known.profile, **golden, **decision}
    return [
        Preview(name, rule.name if rule and name == own else None, known.person_id, _said(settings, name, variables, row))
        for name in chosen
    ]


def examples(settings: Settings, ledger: Ledger, decisions: Iterable[Row], products: Mapping[str, Row]) -> list[Preview]:
    """What one person of each template would read, without their name; for the report.

    Of a template that no rule names, it is a person whom a sync was planned to send it to.

    Args:
        settings: The configuration.
        ledger: The tables.
        decisions: Rows of `gold.decision` of one as-of.
        products: Names of products.
    """
    wanted = {rule.name: rule.template for rule in settings.decisions.rules if rule.template is not None}
    chosen: dict[str, Row] = {}
    for row in decisions:
        template = wanted.get(row["rule"])
        if template is not None and row["status"] == "act":
            chosen[template] = min(chosen.get(template, row), row, key=lambda one: str(one["person_id"]))
    of_syncs = {template: row for template, row in _planned(settings, ledger) if template not in chosen}
    people = sorted({row["person_id"] for row in (*chosen.values(), *of_syncs.values())})
    if not people:
        return []
    of_person = [("person_id", "in", people)]
    profiles = {row["person_id"]: row for row in ledger.read(CUSTOMER_PROFILE, where=of_person)}
    days = {row["as_of"] for row in (*chosen.values(), *of_syncs.values())}
    best = [("rank", "<=", ITEMS), ("slot", "=", SLOT), ("as_of", "in", sorted(days))]
    recommended = sorted(ledger.read(RECOMMENDATION, where=[*of_person, *best]), key=lambda row: row["rank"])
    hidden = dict.fromkeys((*PRIVATE, "person_id"), _HIDDEN)
    found = []
    for name, row in sorted({**chosen, **of_syncs}.items()):
        mine = [
            {**one, **products.get(one["product_id"], {})}
            for one in recommended
            if (one["person_id"], one["as_of"]) == (row["person_id"], row["as_of"])
        ]
        profile = profiles.get(row["person_id"], {})
        known = variables_of(row, profile, {}, mine, products)
        said = _said(settings, name, {**known, **hidden}, {**profile, **row, **hidden})
        rule = None if name in of_syncs else str(row["rule"])
        found.append(Preview(name, rule, str(row["person_id"]), said, row["sync"] if name in of_syncs else None))
    return found


def _planned(settings: Settings, ledger: Ledger) -> Iterator[tuple[str, Row]]:
    """Templates that syncs send without a decision, each with a person for whom that was planned, and the day."""
    for name, sync in sorted(settings.audiences.items()):
        if sync.template is None or not sync.enabled or sync.audience.decisions is not None:
            continue
        of_sync = [("sync", "=", name), ("plan_id", "!=", None)]
        planned = ledger.scan(ACTIVATION_OUTBOX, of_sync).reader(("person_id", "as_of", "sync"))
        first = next((batch for batch in planned if len(batch)), None)
        if first is not None:
            yield sync.template, min(first.to_pylist(), key=lambda row: (-row["as_of"].toordinal(), str(row["person_id"])))


def variables_of(
    decision: Row, profile: Row, person: Row, items: Sequence[Row], products: Mapping[str, Row]
) -> dict[str, Any]:
    """What a template may read, out of rows; as the sync of an audience reads them for many."""
    found: dict[str, Any] = {name: row[name] for row in (profile, person, decision) for name in VARIABLES if name in row}
    offered = found.get("product_id")
    found["product_name"] = products.get(offered or "", {}).get("name") or offered
    listed: dict[str, Row] = {}
    for row in items:
        name = row.get("name") or row["product_id"]
        listed.setdefault(name, {"product_id": row["product_id"], "name": name, "reason": row.get("reason")})
    found["items"] = list(listed.values())
    return found


def _said(settings: Settings, name: str, variables: Row, row: Row) -> Rendered | Refusal:
    """As the sync that sends the template would have it: in the person's language, with what its fields give."""
    syncs = [sync for sync in settings.audiences.values() if sync.template == name]
    sync = min(syncs, key=lambda one: not one.enabled, default=None)
    if sync is None:
        return render(settings.templates[name], None, variables)
    known = _simple_values({field: one.source for field, one in sync.fields.items() if one.hashing == "none"}, row)
    locale = None if sync.locale is None else _simple_values({"locale": sync.locale}, row).get("locale")
    return render(settings.templates[name], None if locale is None else str(locale), {**variables, **known})


def _simple_values(expressions: Mapping[str, str], row: Row) -> dict[str, Any]:
    """Of what is more than a simple expression nothing is known here: then the column of that name has to do."""
    found = {}
    for name, expression in expressions.items():
        with suppress(LookupError):
            found[name] = simple_value(expression, row)
    return found


def _person(ledger: Ledger, person_id: str) -> Row:
    rows = ledger.read(PERSON, where=[("person_id", "=", person_id)])
    return rows[0] if rows else {}
