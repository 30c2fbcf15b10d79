"""How `personalake explain`, `personalake tables` and `personalake check-source` look in a terminal."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from personalake.pipelines.look import Explanation, TableFacts
from personalake.pipelines.look_pair import PairExplanation
from personalake.pipelines.source_check import Seen
from personalake.reports.linkage import guard_words
from personalake.reports.product_labels import labels
from personalake.reports.words import day, minute, money, name, number, plural, share, size

_MONEY = ("spend", "average_order_value")
_SHARES = ("discount_share",)
_NOT_SHOWN = ("person_id", "consents", "currency", "definition")
_STATE_STYLES = {
    "act": "green",
    "holdout": "cyan",
    "no_consent": "yellow",
    "granted": "green",
    "assumed_granted": "bold red",
}
_MOST_ITEMS = 5
_MOST_REFUSALS = 3
_LAYERS = ("bronze", "silver", "gold")
# Columns below which words about what a row is would stand one below the other.
_WIDE = 120
_NARROW = f"What a row of each is: docs/tables.md, or here, {_WIDE} columns wide."
# What is copied into the next command is shown on one line; all else on as many as it takes.
_COPIED = ("record_key", "left_key", "right_key")


def explanation_view(explanation: Explanation) -> RenderableType:
    """One person, part by part; a part with nothing in it says so."""
    return Group(
        Text(explanation.person_id, style="bold"),
        _part("Identifiers", _rows(explanation.identifiers, ("namespace", "value", "sources"))),
        *_linkage(explanation),
        _part("Profile", _pairs(explanation.profile, explanation.profile.get("currency"))),
        _part("Consents", _rows(explanation.consents, ("purpose", "status", "origin", "occurred_at"))),
        _part("Segments", _rows(explanation.segments, ("scheme", "segment", "detail"))),
        _part("Features", _pairs(explanation.features, None)),
        _part("Scores", _scores(explanation.predictions)),
        _part("Recommendations", _items(explanation.recommendations)),
        _part("Decision", _decisions(explanation.decisions)),
        _part("What would be sent", _deliveries(explanation.deliveries)),
    )


def _linkage(explanation: Explanation) -> list[RenderableType]:
    """Records and bridges, only of a person who has any."""
    if not explanation.records:
        return []
    told = ("record_key", "known_at", "first_name", "last_name", "birth_date", "email", "phone", "street")
    parts: list[RenderableType] = [_part("Records", _rows(explanation.records, told))]
    if explanation.bridges:
        parts.append(
            _part(
                "Bridges, the weakest first", _rows(explanation.bridges, ("left_key", "right_key", "kind", "match_weight"))
            )
        )
    return parts


def pair_view(pair: PairExplanation) -> RenderableType:
    """The waterfall of a pair of records, and what came of it."""
    view = Table(header_style="bold", expand=False)
    for column in ("Comparison", "The values", "Weight, bits", "Match weight so far"):
        view.add_column(column, justify="right" if "eight" in column else "left")
    for step in pair.steps:
        style = "green" if step.weight > 0 else "red" if step.weight < 0 else "dim"
        view.add_row(step.comparison, step.level, Text(f"{step.weight:+.1f}", style=style), f"{step.total:+.1f}")
    return Group(view, *(Text(line) for line in _verdict(pair)))


def _verdict(pair: PairExplanation) -> Iterator[str]:
    """What the match weight means, whose the records are, and why."""
    is_link = pair.match_weight >= pair.link_weight
    probability = share(1 / (1 + 2.0**-pair.match_weight), 1)
    kind = "a link" if is_link else "no link"
    yield f"By likeness {kind}: {pair.match_weight:+.1f} bits, a probability of {probability}; links begin at " + (
        f"{pair.link_weight:+.1f} bits."
    )
    left, right = pair.persons
    if left is None or right is None:
        yield "No run has grouped both records yet: run resolve_identities."
    elif left == right:
        yield f"One person: {left}." + ("" if is_link else " Other links join them; explain --person lists them.")
    else:
        yield f"Two persons: {left} and {right}."
        for row in pair.refusals[:_MOST_REFUSALS]:
            weight = "" if row["match_weight"] is None else f" of {row['match_weight']:+.1f} bits"
            yield f"Refused between them: {row['value'].replace(' ', ' and ')}{weight}, since {guard_words(row['guard'])}."
        if is_link and not pair.refusals:
            yield (
                "No guard has told of this pair; the model or the records may have changed since the last run."
                if pair.was_compared
                else "The two share no blocking key, so that they were not compared; see identity.matching.blocking."
            )


def tables_view(facts: Sequence[TableFacts], now: datetime, width: int) -> RenderableType:
    """Every declared table in one list, layer by layer; a narrow one has a line for each and leaves out what a row is.

    Args:
        facts: The state of each table.
        now: The time from which freshness is counted.
        width: Columns of the terminal.
    """
    is_wide = width >= _WIDE
    view = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, expand=False)
    for column in ("Table", "Rows", "Version", *(("Last change",) if is_wide else ()), "Age", "Size"):
        view.add_column(column, justify="right" if column in ("Rows", "Version", "Size") else "left", no_wrap=True)
    if is_wide:
        view.add_column("One row is")
    by_layer = sorted(facts, key=lambda fact: _LAYERS.index(_layer(fact)))
    for fact, after in zip_longest(by_layer, by_layer[1:]):
        age = "not yet" if fact.modified_at is None else _age(now - fact.modified_at)
        is_made = fact.version is not None
        told = [fact.name, number(fact.rows) if is_made else "–", str(fact.version) if is_made else "–", age,
                size(fact.bytes) if is_made else "–"]  # fmt: skip
        if is_wide:
            told = [*told[:3], minute(fact.modified_at), *told[3:], fact.grain]
        is_last = after is not None and _layer(after) != _layer(fact)
        view.add_row(*told, style="" if is_made else "dim", end_section=is_last)
    return view if is_wide else Group(view, Text(_NARROW, style="dim"))


def _layer(fact: TableFacts) -> str:
    return fact.name.partition(".")[0]


def _age(passed: timedelta) -> str:
    for unit, seconds in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = int(passed.total_seconds() // seconds)
        if count:
            return plural(count, unit)
    return "just now"


def _part(title: str, content: RenderableType | None) -> Panel:
    shown = content if content is not None else Text("nothing known", style="dim italic")
    return Panel(shown, title=title, title_align="left", border_style="dim")


def _pairs(row: Mapping[str, Any], currency: str | None) -> RenderableType | None:
    if not row:
        return None
    view = Table.grid(padding=(0, 3))
    for column, value in row.items():
        if column in _NOT_SHOWN:
            continue
        view.add_row(name(column), _value(column, value, currency))
    return view


def _value(column: str, value: Any, currency: str | None) -> str:
    if column in _MONEY:
        return money(value, currency)
    if column in _SHARES:
        return share(value)
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return number(value, 0 if value.is_integer() else 3)
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items()) or "–"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "–"
    return day(value)


def source_view(source: str, seen: Sequence[Seen]) -> RenderableType:
    """Columns of a source that look like personal data, and where they go."""
    if not seen:
        return Text(f"{source}: no column looks like personal data")
    view = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 3, 0, 0))
    for heading in ("column", "looks like", "because", "goes to"):
        view.add_column(heading)
    for column in seen:
        goes_to = ", ".join(f"{field} ({tag or 'NO TAG'})" for field, tag in column.fields.items())
        style = "bold red" if column.untagged else ""
        found = column.finding
        view.add_row(found.column, found.pii, found.because, Text(goes_to or "the payload in bronze only", style=style))
    return view


def _rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> RenderableType | None:
    if not rows:
        return None
    view = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 3, 0, 0))
    for column in columns:
        view.add_column(name(column), no_wrap=column in _COPIED, overflow="fold")
    for row in rows:
        view.add_row(*(_styled(_value(column, row[column], None)) for column in columns))
    return view


def _styled(value: str) -> Text:
    return Text(value.replace("_", " ") if value in _STATE_STYLES else value, style=_STATE_STYLES.get(value, ""))


def _scores(predictions: Sequence[Mapping[str, Any]]) -> RenderableType | None:
    def lines() -> Iterator[RenderableType]:
        for row in predictions:
            told = f"{name(row['model'])}: {share(row['probability'])}, higher than {share(row['percentile'], 0)} of people"
            yield Text(f"{told} (version {row['model_version']}, as of {day(row['as_of'])})", style="bold")
            for reason in row["reasons"] or ():
                raises = reason["effect"] > 0
                effect = f"{reason['effect']:+.2f}"
                yield Text(
                    f"  {'▲ raises' if raises else '▼ lowers'} {effect}  {reason['words']}",
                    style="red" if raises else "green",
                )

    return Group(*lines()) if predictions else None


def previews_view(previews: Sequence[Mapping[str, Any]]) -> RenderableType:
    """What a person would read, template by template.

    Args:
        previews: Rows of `template_preview.Preview`.
    """

    def parts() -> Iterator[RenderableType]:
        for row in previews:
            rule = f"rule {row['rule']!r}" if row["rule"] else "no rule chose it for this person"
            yield Text(f"{row['template']} ({row['locale'] or 'refused'}; {rule})", style="bold")
            if row["reason"]:
                yield Text(f"  refused: {row['reason']}", style="red")
            for part, text in row["parts"].items():
                yield Text(f"  {part}", style="dim")
                yield Padding(Text(text), (0, 0, 1, 4))
            if row["fallbacks"]:
                yield Text(f"  missing, a fallback stands there: {', '.join(row['fallbacks'])}", style="yellow")

    return Group(*parts()) if previews else Text("No template is declared in conf/templates/.", style="dim")


def _items(recommendations: Sequence[Mapping[str, Any]]) -> RenderableType | None:
    listed = [row for row in recommendations if row["rank"] <= _MOST_ITEMS]
    called = labels([row["product_id"] for row in listed], {row["product_id"]: row for row in listed})
    shown = [
        {**row, "slot": name(row["slot"]), "item": called[row["product_id"]], "category": row.get("category")}
        for row in listed
    ]
    return _rows(shown, ("slot", "rank", "product_id", "item", "category", "reason"))


def _decisions(decisions: Sequence[Mapping[str, Any]]) -> RenderableType | None:
    return _rows(decisions, ("action", "status", "rule", "channel", "product_id", "category", "reason"))


def _deliveries(deliveries: Sequence[Mapping[str, Any]]) -> RenderableType | None:
    def parts() -> Iterator[RenderableType]:
        for row in deliveries:
            why = f", {row['state_reason']}" if row["state_reason"] else ""
            file = f" in {row['file']}" if row["file"] else ""
            yield Text(f"{row['destination']}, {row['operation']}: {name(row['state'])}{why}{file}", style="bold")
            yield Syntax(_pretty(row["payload"]), "json", background_color="default", word_wrap=True)

    return Group(*parts()) if deliveries else None


def _pretty(payload: str | None) -> str:
    try:
        return json.dumps(json.loads(payload or ""), indent=2, ensure_ascii=False)
    except ValueError:
        return payload or ""
