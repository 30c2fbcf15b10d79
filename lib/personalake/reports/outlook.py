"""Who is likely to leave, and why; what each would like; and how well the models do."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from personalake.reports.blocks import Block, Grid, Section, Table, nothing
from personalake.reports.charts import BLUE, GREEN, RED, bars, histogram, stacked
from personalake.reports.data import ReportData
from personalake.reports.model_quality import quality
from personalake.reports.product_labels import labels
from personalake.reports.words import name, number, ranked, share

_CHURN, _TOP_PEOPLE, _TOP_REASONS, _TOP_ITEMS, _WORDS_SHOWN = "churn", 15, 10, 15, 3


_LIKELY_NOTE = "Of equal probabilities, the longest away come first. Look one up with: personalake explain --person ID"


def who_will_leave(data: ReportData) -> Section:
    """The distribution of churn probabilities, the reasons behind them, and the model's quality beside its yardstick."""
    lead = (
        "The probability that a person buys nothing in the next 28 days, and what speaks for it. "
        "Only people who allow it are scored and learnt from."
    )
    scores = data.predictions
    measured = quality([row for row in data.models if row["model"] == _CHURN], ("roc_auc", "mean_roc_auc"))
    if scores.empty:
        blocks: list[Block] = [
            *nothing("score_customers has scored nobody at this as-of: no champion, or too little data."),
            *measured,
        ]
        return Section("churn", "Who is likely to leave, and why", lead, blocks)
    seen = data.profiles.set_index("person_id")["last_order_date"]
    scores = scores.assign(last_order_date=scores["person_id"].map(seen))
    scores = scores.sort_values(["probability", "last_order_date", "person_id"], ascending=[False, True, True])
    expected = scores["probability"].sum()
    title = f"Probability of leaving; about {number(expected)} of {number(len(scores))} people are expected to leave"
    blocks = [histogram(title, list(scores["probability"].dropna()), "probability, 0 to 1", "people", RED)]
    reasons = _reasons_chart(scores)
    return Section("churn", "Who is likely to leave, and why", lead, [*blocks, *reasons, _people(data, scores), *measured])


def _reasons_chart(scores: pd.DataFrame) -> list[Block]:
    raises: Counter[str] = Counter()
    lowers: Counter[str] = Counter()
    for reasons in scores["reasons"]:
        for reason in _listed(reasons):
            (raises if reason["effect"] > 0 else lowers)[name(reason["feature"])] += 1
    top = [feature for feature, _ in ranked(raises + lowers)[:_TOP_REASONS]]
    if not top:
        return []
    series = {"raises": [raises[feature] for feature in top], "lowers": [lowers[feature] for feature in top]}
    title = "What speaks for leaving (raises) or for staying (lowers), among each person's strongest reasons"
    return [stacked(title, top, series, "people")]


def _people(data: ReportData, scores: pd.DataFrame) -> Table:
    seen = data.profiles.set_index("person_id")
    rows = []
    for row in scores.head(_TOP_PEOPLE).to_dict("records"):
        person = seen.loc[row["person_id"]] if row["person_id"] in seen.index else {}
        last = person.get("last_order_date")
        away = number((data.as_of - last).days) if last is not None else "–"
        words = "; ".join(reason["words"] for reason in _listed(row["reasons"])[:_WORDS_SHOWN])
        rows.append([row["person_id"], share(row["probability"]), away, number(person.get("orders")), words])
    head = ("Person", "Probability", "Days since last order", "Orders", "Strongest reasons")
    return Table("Most likely to leave", head, rows, head[1:4], _LIKELY_NOTE)


def what_they_would_like(data: ReportData) -> Section:
    """Which recommender won, and what it recommends most."""
    lead = (
        "Recommenders are judged on what people really bought afterwards; the best one serves. "
        "Only people who allow it have lists."
    )
    measured = quality([row for row in data.models if row["model"] != _CHURN], ("ndcg_at_10",))
    if data.recommendations.empty:
        why = "recommend_items has ranked nothing at this as-of: no promoted recommender, or too little data."
        return Section("items", "What each would like", lead, [*nothing(why), *measured])
    blocks: list[Block] = []
    charts = []
    for slot in sorted(data.recommendations["slot"].unique()):
        first = data.recommendations[data.recommendations["slot"] == slot]
        categories = Counter(str(_product(data, item).get("category") or "unknown") for item in first["product_id"])
        top = {category: float(count) for category, count in ranked(categories)[:10]}
        charts.append(
            bars(
                f"Categories recommended most, {name(slot)}", top, "recommendations", GREEN if slot == "new_items" else BLUE
            )
        )
        blocks.append(_top_items(data, slot, first))
    return Section("items", "What each would like", lead, [*measured, Grid(charts), *blocks])


def _top_items(data: ReportData, slot: str, recommended: pd.DataFrame) -> Table:
    people, firsts = Counter(recommended["product_id"]), Counter(recommended[recommended["rank"] == 1]["product_id"])
    firsts_of_all = recommended.sort_values(["person_id", "rank"]).drop_duplicates("product_id")
    reasons = dict(zip(firsts_of_all["product_id"], firsts_of_all["reason"], strict=True))
    top = ranked(people)[:_TOP_ITEMS]
    called = labels([item for item, _ in top], data.products)
    rows = [
        [item, called[item] if _product(data, item).get("name") else "–", str(_product(data, item).get("category") or "–"),
         number(count), number(firsts[item]), reasons[item] or "–"]
        for item, count in top
    ]  # fmt: skip
    head = ("Item", "Name", "Category", "People", "In first place", "One person's reason")
    return Table(f"Items recommended most, {name(slot)}", head, rows, head[3:5])


def _listed(reasons: Any) -> list[Mapping[str, Any]]:
    return [] if reasons is None else list(reasons)


def _product(data: ReportData, item: str) -> Mapping[str, Any]:
    return data.products.get(item, {})
