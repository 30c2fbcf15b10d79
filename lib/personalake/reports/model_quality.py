"""How well models do: every candidate beside the yardstick."""

from collections.abc import Mapping, Sequence
from typing import Any

from personalake.reports.blocks import Block, Cell, Chart, Grid, Table, nothing
from personalake.reports.charts import curves, intervals
from personalake.reports.words import interval, name

_EXPLAINED = {
    "roc_auc": "ROC-AUC: the chance that someone who left was ranked above someone who stayed; 0.5 is a coin, 1 is perfect.",
    "pr_auc": "PR-AUC: how pure the top of the ranking is, all cuts taken together; chance is the share who left.",
    "calibration_error": "Calibration error: how far promised probabilities lie from what happened; 0 is perfect.",
    "ndcg_at_10": "nDCG@10: how well the first ten places hold what people then bought, weighted by place; 1 is perfect.",
    "coverage": "Coverage: share of the catalog that is recommended to anybody.",
}
# Known to the table gold.model_health, but more than a reader of the page can use.
_LEFT_OUT = ("log_loss", "precision", "recall", "f1", "suspect_label_share")
_GAIN, _DECILE = "gain_decile_", "_decile_"
_POPULATIONS = ("everyone", "active_60_days", "all_items", "new_items")
_ROLES = {"champion": 0, "candidate": 1, "yardstick": 2}

# Groups of a protected attribute are called `attribute=value`, and are put beside each other.
_IN_GROUP = "="
_DIFFERENCE, _RATIO = "_difference", "_ratio"
_OF_GROUPS = ("base_rate", "flagged_share", "recall", "false_positive_rate", "precision", "calibration_error", "roc_auc")

Metrics = Sequence[Mapping[str, Any]]


def quality(metrics: Metrics, leading: Sequence[str]) -> list[Block]:
    """Pictures of the leading metric and of the gain by decile, and the metrics as tables, one each per population.

    Args:
        metrics: Rows of `gold.model_health` of one model.
        leading: Metrics to draw, the first that a population has.
    """
    if not metrics:
        return [*nothing("No candidate has been measured so far: training needs more history, or is not due.")]
    charts: list[Chart] = []
    tables: list[Block] = []
    grouped = [row for row in metrics if _IN_GROUP in row["population"]]
    attributes = {row["population"].partition(_IN_GROUP)[0] for row in grouped}
    for population in sorted({row["population"] for row in metrics if row not in grouped} - attributes, key=_order):
        here = [row for row in metrics if row["population"] == population]
        charts += [*_leading(population, here, leading), *_gains(population, here)]
        tables.append(_table(population, here))
    tables += [_of_groups(grouped)] if grouped else []
    tables += [_of_gaps(apart)] if (apart := [row for row in metrics if row["population"] in attributes]) else []
    return [Grid(charts), *tables] if charts else tables


def _leading(population: str, metrics: Metrics, leading: Sequence[str]) -> list[Chart]:
    for metric in leading:
        found = [row for row in metrics if row["metric"] == metric and row["value"] is not None]
        if found:
            shown = [{**row, "label": name(row["candidate"])} for row in found]
            ordered = sorted(shown, key=lambda row: (-row["value"], row["label"]))
            has_interval = any(row["low"] is not None for row in ordered)
            axis = f"{name(metric)}, with 95 % interval" if has_interval else name(metric)
            return [intervals(f"{name(metric)}, {name(population)}", ordered, axis)]
    return []


def _gains(population: str, metrics: Metrics) -> list[Chart]:
    """Of those who left, the share among the tenths of people with the highest scores."""
    lines: dict[str, dict[float, float]] = {}
    for row in metrics:
        if row["metric"].startswith(_GAIN) and row["value"] is not None:
            line = lines.setdefault(f"{name(row['candidate'])} ({row['role']})", {0.0: 0.0})
            line[int(row["metric"].removeprefix(_GAIN)) / 10] = row["value"]
    if not lines:
        return []
    title = f"How many of those who leave are reached, {name(population)}"
    return [curves(title, lines, "share of people contacted, highest score first", "share of leavers reached")]


def _table(population: str, metrics: Metrics) -> Table:
    shown = [row for row in metrics if row["metric"] not in _LEFT_OUT and _DECILE not in row["metric"]]
    names = sorted(dict.fromkeys(row["metric"] for row in shown), key=_place)
    cells = {(row["candidate"], row["metric"]): interval(row["value"], row["low"], row["high"]) for row in shown}
    roles = {row["candidate"]: row["role"] for row in metrics}
    order = sorted(roles, key=lambda candidate: (_ROLES.get(roles[candidate], 3), candidate))
    rows: list[list[str | Cell]] = [
        [
            name(candidate),
            Cell(roles[candidate], "good" if roles[candidate] == "champion" else "plain"),
            *(cells.get((candidate, metric), "–") for metric in names),
        ]
        for candidate in order
    ]
    note = " ".join(text for metric, text in _EXPLAINED.items() if metric in names)
    cut = max(row["as_of"] for row in metrics)
    head = ("Candidate", "Role", *(name(metric) for metric in names))
    return Table(
        f"Measured on {name(population)}, training cut {cut}; 95 % intervals in brackets", head, rows, head[2:], note
    )


def _of_groups(metrics: Metrics) -> Table:
    cells = {(row["population"], row["metric"]): interval(row["value"], row["low"], row["high"]) for row in metrics}
    people = {row["population"]: row["value"] for row in metrics if row["metric"] == "people"}
    rows: list[list[str | Cell]] = [
        [group.replace(_IN_GROUP, ": "), f"{people[group]:,.0f}", *(cells.get((group, name), "–") for name in _OF_GROUPS)]
        for group in sorted(people)
    ]
    note = (
        "The model does not know these groups. Flagged share: who counts as leaving. Recall: of those who left, who was "
        "flagged. False positive rate: of those who stayed, who was flagged. Groups differ beyond chance where intervals "
        "lie apart; where their base rates differ, not everything can be alike."
    )
    head = ("Group", "People", *(name(metric) for metric in _OF_GROUPS))
    return Table("Groups of a protected attribute beside each other", head, rows, head[1:], note)


def _of_gaps(metrics: Metrics) -> Table:
    """How far the groups of each attribute lie apart, by rate."""
    by_place = {(row["population"], row["metric"]): row for row in metrics}
    rows: list[list[str | Cell]] = []
    for attribute, metric in sorted(by_place):
        rate, is_difference, _ = metric.partition(_DIFFERENCE)
        if not is_difference:
            continue
        gap, ratio = by_place[attribute, metric], by_place.get((attribute, rate + _RATIO))
        is_real = gap["low"] is not None and gap["low"] > 0
        shown = "–" if ratio is None else interval(ratio["value"], ratio["low"], ratio["high"])
        difference = interval(gap["value"], gap["low"], gap["high"])
        rows.append([attribute, name(rate), difference, shown, Cell("yes", "alarm") if is_real else Cell("no", "good")])
    note = (
        "The highest rate of a group less the lowest, and the lowest by the highest. Beyond chance: the interval of the "
        "difference lies above 0. A gap is no verdict: where more of one group leave, more of it should be flagged."
    )
    head = ("Attribute", "Rate", "Difference", "Ratio", "Beyond chance")
    return Table("How far the groups lie apart", head, rows, head[2:4], note)


def _order(population: str) -> tuple[int, str]:
    known = population in _POPULATIONS
    return (_POPULATIONS.index(population) if known else len(_POPULATIONS), population)


def _place(metric: str) -> tuple[int, str]:
    """Explained metrics first, in the order of their explanations."""
    explained = list(_EXPLAINED)
    base = metric.split("_gain_over_")[0].removeprefix("mean_")
    return (explained.index(base) if base in explained else len(explained), metric)
