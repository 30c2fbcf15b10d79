"""Pictures as Plotly specifications: plain data, in colours that the colour-blind can tell apart."""

import textwrap
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np

from personalake.reports.blocks import Chart
from personalake.reports.words import number

# Okabe and Ito (2008), without the yellow that vanishes on white.
BLUE, ORANGE, GREEN, RED, SKY, PURPLE, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8a8f98"
PALETTE = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED, GREY)
_LABEL_WIDTH = 22
# Part of an axis that a number beside a bar takes.
_ROOM = 0.18
_ROW_PIXELS, _FRAME_PIXELS = 28, 96


def bars(title: str, values: Mapping[str, float], axis: str, color: str = BLUE, digits: int = 0) -> Chart:
    """Horizontal bars, in the given order from the top, each with its value."""
    labels = [_wrapped(label) for label in values]
    amounts = [round(float(value), 6) for value in values.values()]
    trace = {
        "type": "bar", "orientation": "h", "y": labels, "x": amounts, "marker": {"color": color}, "textposition": "outside",
        "text": [number(value, digits) for value in amounts], "hovertemplate": "%{y}: %{text}<extra></extra>",
        "cliponaxis": False,
    }  # fmt: skip
    layout = _layout(xaxis={"title": {"text": axis}, **_COUNTED, **_reach(amounts)}, yaxis=_category_axis())
    summary = "; ".join(f"{label}: {number(value, digits)}" for label, value in values.items())
    return Chart(title, {"data": [trace], "layout": layout}, f"{axis}. {summary}", _height(labels))


def _reach(amounts: Sequence[float]) -> dict[str, list[float]]:
    """An axis with room for a number beside the longest bar on either side: it takes as much however short that bar is."""
    if not amounts:
        return {}
    least, most = min(0.0, *amounts), max(0.0, *amounts)
    room = (most - least) * _ROOM or 1.0
    return {"range": [least - room if least else 0.0, most + room if most or not least else 0.0]}


def stacked(title: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], axis: str, digits: int = 0) -> Chart:
    """Horizontal bars of several parts; a legend names the parts."""
    shown = [_wrapped(label) for label in labels]
    traces = [
        {
            "type": "bar", "orientation": "h", "name": part, "y": shown, "x": [round(float(value), 6) for value in values],
            "marker": {"color": STATUS_COLORS.get(part, PALETTE[place % len(PALETTE)])},
            "text": [number(value, digits) for value in values],
            "textposition": "none", "hovertemplate": f"%{{y}}, {part}: %{{text}}<extra></extra>",
        }
        for place, (part, values) in enumerate(series.items())
    ]  # fmt: skip
    layout = _layout(
        barmode="relative",
        showlegend=True,
        legend=_LEGEND,
        margin={"l": 8, "r": 16, "t": 44, "b": 48},
        xaxis={"title": {"text": axis}, **_COUNTED},
        yaxis=_category_axis(),
    )
    parts = [f"{part} {number(sum(values), digits)}" for part, values in series.items()]
    return Chart(title, {"data": traces, "layout": layout}, f"{axis}: {', '.join(parts)}", _height(labels) + 36)


STATUS_COLORS = {
    "act": GREEN, "holdout": SKY, "no consent": ORANGE, "no action": GREY, "granted": GREEN, "denied": ORANGE,
    "withdrawn": PURPLE, "assumed granted": RED, "no answer": GREY, "raises": RED, "lowers": BLUE,
}  # fmt: skip


def histogram(title: str, values: Sequence[float], axis: str, counted: str, color: str = BLUE, bins: int = 20) -> Chart:
    """How often values occur; the last bar takes all above the 99th percentile, so that a few do not flatten the rest."""
    found = np.asarray([value for value in values if value == value], dtype=float)
    edges = _edges(found, bins)
    counts, _ = np.histogram(np.clip(found, edges[0], edges[-1]), edges)
    digits = 2 if edges[-1] <= 2 else 0
    ranges = [f"{number(low, digits)}–{number(high, digits)}" for low, high in pairwise(edges)]
    if found.size and found.max() > edges[-1]:
        ranges[-1] = f"{number(edges[-2], digits)} and more"
    trace = {
        "type": "bar", "x": [round(float(middle), 4) for middle in (edges[:-1] + edges[1:]) / 2],
        "width": [round(float(width) * 0.94, 4) for width in np.diff(edges)],
        "y": [int(count) for count in counts], "customdata": ranges, "marker": {"color": color},
        "hovertemplate": f"%{{customdata}}: %{{y:,}} {counted}<extra></extra>",
    }  # fmt: skip
    layout = _layout(
        xaxis={"title": {"text": axis}},
        yaxis={"title": {"text": counted, "standoff": 10}, "rangemode": "tozero", "tickformat": ","},
    )
    layout["margin"] = {"l": 56, "r": 12, "t": 12, "b": 48}
    middle = number(float(np.median(found)), digits) if found.size else "none"
    return Chart(title, {"data": [trace], "layout": layout}, f"{axis} by {counted}; half have less than {middle}", 280)


def timeline(title: str, counts: Mapping[date, int], axis: str) -> Chart:
    """A count by day."""
    trace = {
        "type": "scatter", "mode": "lines", "x": [day.isoformat() for day in counts], "y": list(counts.values()),
        "line": {"color": BLUE, "width": 1.5}, "fill": "tozeroy", "fillcolor": "rgba(0,114,178,0.15)",
        "hovertemplate": "%{x|%Y-%m-%d}: %{y:,}<extra></extra>",
    }  # fmt: skip
    layout = _layout(
        xaxis={"title": {"text": "day"}, "tickformat": "%Y-%m-%d", "nticks": 6, "type": "date"},
        yaxis={"title": {"text": axis, "standoff": 10}, "rangemode": "tozero", "tickformat": ","},
        margin={"l": 64, "r": 16, "t": 12, "b": 48},
    )
    summary = f"{axis} from {min(counts, default='')} to {max(counts, default='')}, {number(sum(counts.values()))} in all"
    return Chart(title, {"data": [trace], "layout": layout}, summary, 260)


def curves(title: str, lines: Mapping[str, Mapping[float, float]], axis: str, counted: str) -> Chart:
    """Shares against shares, one line each; the dotted line is what chance would reach."""
    chance = {"type": "scatter", "mode": "lines", "name": "chance", "x": [0, 1], "y": [0, 1], "hoverinfo": "skip",
              "line": {"color": GREY, "dash": "dot", "width": 1}}  # fmt: skip
    drawn = [
        {
            "type": "scatter", "mode": "lines+markers", "name": label, "line": {"color": color, "width": 2},
            "x": sorted(line), "y": [round(line[place], 4) for place in sorted(line)],
            "hovertemplate": "%{x:.0%}: %{y:.1%}<extra></extra>",
        }
        for (label, line), color in zip(sorted(lines.items()), (GREEN, BLUE, ORANGE, PURPLE, SKY, RED), strict=False)
    ]  # fmt: skip
    layout = _layout(
        showlegend=True,
        legend=_LEGEND,
        margin={"l": 64, "r": 16, "t": 44, "b": 48},
        xaxis={"title": {"text": axis}, "tickformat": ".0%", "range": [0, 1.02]},
        yaxis={"title": {"text": counted, "standoff": 10}, "tickformat": ".0%", "range": [0, 1.02]},
    )
    reached = "; ".join(f"{label}: {line.get(0.2, 0):.0%} with a fifth of people" for label, line in sorted(lines.items()))
    return Chart(title, {"data": [*drawn, chance], "layout": layout}, f"{counted}. {reached}", 300)


def intervals(title: str, rows: Sequence[Mapping[str, Any]], axis: str) -> Chart:
    """Values with their 95 % intervals, coloured by role.

    Args:
        title: What it shows.
        rows: `label`, `value`, `low`, `high` (None without an interval) and `role`, best first.
        axis: What is measured.
    """
    colors = {"champion": GREEN, "candidate": BLUE, "yardstick": GREY}
    order = [_wrapped(str(row["label"])) for row in rows]
    traces = [_points(role, color, [row for row in rows if row["role"] == role]) for role, color in colors.items()]
    layout = _layout(
        showlegend=True,
        legend=_LEGEND,
        margin={"l": 8, "r": 20, "t": 44, "b": 48},
        xaxis={"title": {"text": axis}},
        yaxis={**_category_axis(), "categoryorder": "array", "categoryarray": order},
    )
    summary = "; ".join(f"{row['label']}: {number(row['value'], 3)}" for row in rows)
    drawn = [trace for trace in traces if trace["y"]]
    return Chart(title, {"data": drawn, "layout": layout}, f"{axis}. {summary}", _height(order) + 36)


def _points(role: str, color: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def reach(row: Mapping[str, Any], end: str) -> float:
        return 0.0 if row[end] is None else round(abs(row[end] - row["value"]), 6)

    return {
        "type": "scatter", "mode": "markers", "name": role, "x": [round(row["value"], 6) for row in rows],
        "y": [_wrapped(str(row["label"])) for row in rows], "marker": {"color": color, "size": 11},
        "error_x": {"type": "data", "symmetric": False, "color": color, "thickness": 2,
                    "array": [reach(row, "high") for row in rows], "arrayminus": [reach(row, "low") for row in rows]},
        "hovertemplate": "%{y}: %{x:.3f}<extra></extra>",
    }  # fmt: skip


_COUNTED = {"tickformat": ",", "nticks": 6}
_LEGEND = {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom", "traceorder": "normal"}


def _layout(**more: Any) -> dict[str, Any]:
    shared: dict[str, Any] = {
        "font": {"family": "system-ui, sans-serif", "size": 12}, "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)", "margin": {"l": 8, "r": 16, "t": 12, "b": 48}, "showlegend": False, "bargap": 0.25,
        "dragmode": False,
    }  # fmt: skip
    layout = {**shared, **more}
    for axis in ("xaxis", "yaxis"):
        layout[axis] = {"automargin": True, "fixedrange": True, "zeroline": False, "separatethousands": True, **layout[axis]}
    return layout


def _category_axis() -> dict[str, Any]:
    return {"type": "category", "autorange": "reversed", "ticks": "outside", "ticklen": 4, "tickcolor": "rgba(0,0,0,0)"}


def _edges(values: "np.ndarray[Any, np.dtype[np.float64]]", bins: int) -> "np.ndarray[Any, np.dtype[np.float64]]":
    low = min(0.0, float(values.min())) if values.size else 0.0
    high = float(np.percentile(values, 99)) if values.size else 1.0
    if high <= 1 and low >= 0:
        return np.linspace(0.0, 1.0, bins + 1)
    step = max(1.0, _nice((high - low) / bins))
    return np.arange(low, high + step, step)


def _nice(step: float) -> float:
    magnitude = 10.0 ** np.floor(np.log10(step)) if step > 0 else 1.0
    return float(next(size * magnitude for size in (1, 2, 2.5, 5, 10) if size * magnitude >= step))


def _wrapped(label: str) -> str:
    return "<br>".join(textwrap.wrap(label, _LABEL_WIDTH, break_long_words=False) or [""])


def _height(labels: Sequence[str]) -> int:
    lines = sum(1 + 0.45 * _wrapped(label.replace("<br>", " ")).count("<br>") for label in labels)
    return int(_FRAME_PIXELS + _ROW_PIXELS * lines)
