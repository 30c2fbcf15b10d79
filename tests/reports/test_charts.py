from datetime import date

import plotly.graph_objects as go
import pytest

from personalake.reports.blocks import Chart
from personalake.reports.charts import bars, curves, histogram, intervals, stacked, timeline

ROWS = [
    {"label": "trees", "value": 0.86, "low": 0.84, "high": 0.88, "role": "champion"},
    {"label": "recency", "value": 0.81, "low": None, "high": None, "role": "yardstick"},
]


def every_chart() -> list[Chart]:
    return [
        bars("Bars", {"a": 2, "b": 1}, "people"),
        stacked("Stacked", ["a"], {"act": [1], "holdout": [2]}, "people"),
        histogram("Histogram", [1, 2, 3, 400], "days", "people"),
        timeline("Timeline", {date(2017, 1, 1): 3}, "lines a day"),
        intervals("Intervals", ROWS, "ROC-AUC"),
        curves("Curves", {"trees": {0.0: 0.0, 0.1: 0.4}}, "share of people", "share of leavers"),
    ]


def test_every_picture_is_valid_plotly_and_names_both_its_axes() -> None:
    for chart in every_chart():
        figure = go.Figure(chart.spec)

        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text or figure.layout.yaxis.type == "category"
        assert chart.summary


def test_a_number_beside_a_short_bar_to_the_left_has_as_much_room_as_one_beside_a_long_bar() -> None:
    low, high = bars("Weights", {"equal": 15.4, "different": -2.2}, "bits").spec["layout"]["xaxis"]["range"]
    alone = bars("Counts", {"a": 10, "b": 5}, "people").spec["layout"]["xaxis"]["range"]
    nothing = bars("Counts", {"a": 0}, "people").spec["layout"]["xaxis"]["range"]

    assert -2.2 - low == pytest.approx(high - 15.4)
    assert high - 15.4 > (15.4 + 2.2) / 8
    assert (alone[0], alone[1] > 10) == (0, True)
    assert nothing == [0, 1]


def test_a_histogram_counts_every_value_and_says_where_the_last_bar_is_open() -> None:
    chart = histogram("Days", [*range(100), 5000], "days", "people")

    trace = chart.spec["data"][0]
    assert sum(trace["y"]) == 101
    assert trace["customdata"][-1].endswith("and more")


def test_a_value_without_an_interval_gets_no_whiskers() -> None:
    traces = {trace["name"]: trace["error_x"] for trace in intervals("Intervals", ROWS, "ROC-AUC").spec["data"]}

    assert traces["yardstick"]["array"] == [0.0]
    assert traces["champion"]["arrayminus"] == [0.02]


def test_no_values_still_make_a_picture() -> None:
    assert sum(histogram("Days", [], "days", "people").spec["data"][0]["y"]) == 0


def test_a_curve_is_drawn_from_left_to_right_whatever_the_order_of_its_points() -> None:
    line = curves("Curves", {"trees": {1.0: 1.0, 0.1: 0.4, 0.0: 0.0}}, "share of people", "share of leavers").spec["data"][0]

    assert (line["x"], line["y"]) == ([0.0, 0.1, 1.0], [0.0, 0.4, 1.0])
