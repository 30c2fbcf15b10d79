from datetime import date
from typing import Any

from personalake.reports.blocks import Chart, Grid, Note, Table
from personalake.reports.model_quality import quality


def metric(candidate: str, role: str, metric: str, value: float, population: str = "everyone") -> dict[str, Any]:
    return {"model": "churn", "candidate": candidate, "role": role, "population": population, "metric": metric,
            "value": value, "low": value - 0.01, "high": value + 0.01, "as_of": date(2017, 11, 1)}  # fmt: skip


METRICS = [
    metric("recency", "yardstick", "roc_auc", 0.815),
    metric("gbt", "champion", "roc_auc", 0.866),
    metric("gbt", "champion", "log_loss", 0.3),
    metric("gbt", "champion", "gain_decile_10", 1.0),
    metric("gbt", "champion", "gain_decile_2", 0.6),
    metric("gbt", "champion", "gain_decile_1", 0.4),
]


def charts_of(metrics: list[dict[str, Any]]) -> list[Chart]:
    return [chart for block in quality(metrics, ("roc_auc",)) if isinstance(block, Grid) for chart in block.charts]


def test_the_champion_stands_first_beside_its_yardstick_with_intervals_and_without_what_nobody_reads() -> None:
    tables = [block for block in quality(METRICS, ("roc_auc",)) if isinstance(block, Table)]

    assert list(tables[0].head) == ["Candidate", "Role", "ROC-AUC"]
    assert [[row[0], row[2]] for row in tables[0].rows] == [
        ["Gradient-boosted trees", "0.866 (0.856–0.876)"],
        ["recency", "0.815 (0.805–0.825)"],
    ]


def test_gains_by_decile_are_a_curve_from_nobody_to_everybody() -> None:
    line = charts_of(METRICS)[1].spec["data"][0]

    assert (line["x"], line["y"]) == ([0.0, 0.1, 0.2, 1.0], [0.0, 0.4, 0.6, 1.0])


def test_everyone_comes_before_other_populations() -> None:
    shown = charts_of([metric("gbt", "champion", "roc_auc", 0.8, "active_60_days"), *METRICS[:2]])

    assert [chart.title for chart in shown] == [
        "ROC-AUC, everyone who ever bought",
        "ROC-AUC, people active in the last 60 days",
    ]


def test_groups_stand_beside_each_other_in_one_table_and_are_no_population_with_pictures() -> None:
    groups = [
        metric("gbt", "champion", name, value, f"gender={group}")
        for group, recall in (("m", 0.7), ("f", 0.5))
        for name, value in (("people", 1_200.0), ("recall", recall), ("roc_auc", 0.8))
    ]

    *_, table = quality([*METRICS, *groups], ("roc_auc",))

    assert isinstance(table, Table)
    shown = [{**dict(zip(table.head, row, strict=True))} for row in table.rows]
    assert [(row["Group"], row["People"], row["recall"]) for row in shown] == [
        ("gender: f", "1,200", "0.500 (0.490–0.510)"), ("gender: m", "1,200", "0.700 (0.690–0.710)"),
    ]  # fmt: skip
    assert len(charts_of([*METRICS, *groups])) == len(charts_of(METRICS))


def test_how_far_groups_lie_apart_stands_below_them_and_is_no_population_of_its_own() -> None:
    told = [
        metric("gbt", "champion", "people", 1_200.0, "gender=f"),
        metric("gbt", "champion", "recall_difference", 0.2, "gender"),
        metric("gbt", "champion", "recall_ratio", 0.7, "gender"),
        metric("gbt", "champion", "flagged_share_difference", 0.005, "gender"),
    ]

    *_, table = quality([*METRICS, *told], ("roc_auc",))

    assert isinstance(table, Table)
    assert [[row[0], row[1], row[2], row[3], row[4].text] for row in table.rows] == [
        ["gender", "flagged share", "0.005 (-0.005–0.015)", "–", "no"],
        ["gender", "recall", "0.200 (0.190–0.210)", "0.700 (0.690–0.710)", "yes"],
    ]
    assert len(charts_of([*METRICS, *told])) == len(charts_of(METRICS))


def test_nothing_measured_says_why() -> None:
    block = quality([], ("roc_auc",))[0]

    assert isinstance(block, Note)
    assert "No candidate has been measured" in block.text
