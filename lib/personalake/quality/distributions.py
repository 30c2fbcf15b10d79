"""Verdicts on how values are spread: have they moved, is a group left behind, are the arms of a test as large as planned?"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, chisquare, norm

from personalake.config.distributions import Drift, Evenness, GroupGaps, SampleRatio
from personalake.quality.verdicts import Result, Verdict

VALUE, BEFORE, AFTER = "value", "before", "after"
Counts = NDArray[np.float64]
# What chance alone does once in a thousand looks.
_CHANCE = 0.001
# Below it the chi-squared distribution is no good approximation (Cochran, 1954).
_FEWEST_EXPECTED = 5
_SHOWN = 5


def stability_index(before: Sequence[float] | Counts, after: Sequence[float] | Counts) -> float:
    """Population stability index of two counts over the same values: Σ (a - b) · ln(a / b) over their shares.

    Half a row is added everywhere, so that a value which is new or gone counts without making it infinite (Siddiqi,
    Credit Risk Scorecards, 2006; below 0.1 stable, beyond 0.25 moved).

    >>> round(stability_index([5_500, 4_500], [3_000, 7_000]), 3)
    0.262
    """
    ours, theirs = (np.asarray(counts, np.float64) + 0.5 for counts in (before, after))
    ours, theirs = ours / ours.sum(), theirs / theirs.sum()
    return float(((theirs - ours) * np.log(theirs / ours)).sum())


def index_by_chance(values: int, before: float, after: float) -> float:
    """Index that two samples of one population exceed once in a thousand times: (1/n + 1/m) · χ² of values - 1.

    Yurdakul and Naranjo, Statistical properties of the population stability index, 2020.
    """
    return float((1 / before + 1 / after) * chi2.isf(_CHANCE, max(values - 1, 1)))


def binned(counts: pd.DataFrame, bins: int) -> pd.DataFrame:
    """Numbers cut at quantiles of the earlier rows; other values as they are, those never seen before as they come.

    Args:
        counts: `value`, `before` and `after`, rows with it; a missing value is a value, too.
        bins: Groups of equally many earlier rows.

    Returns:
        The same columns, with a text as `value`.
    """
    known = counts.dropna(subset=[VALUE])
    if not pd.api.types.is_numeric_dtype(known[VALUE]) or known[VALUE].dtype == bool or len(known) <= bins:
        return counts.assign(value=counts[VALUE].astype("string").fillna("none")).groupby(VALUE, as_index=False).sum()
    ordered = known.sort_values(VALUE)
    places = (ordered[BEFORE].cumsum() / max(ordered[BEFORE].sum(), 1)).searchsorted(np.arange(1, bins) / bins)
    edges = np.unique(ordered[VALUE].to_numpy(np.float64)[np.minimum(places, len(ordered) - 1)])
    place = np.searchsorted(edges, counts[VALUE].to_numpy(np.float64), side="left")
    names = [*(f"up to {edge:g}" for edge in edges), f"beyond {edges[-1]:g}"]
    texts = np.where(counts[VALUE].isna(), "none", np.array(names)[np.minimum(place, len(edges))])
    return counts.assign(value=texts).groupby(VALUE, as_index=False).sum()


def moved(table: str, column: str, counts: pd.DataFrame, wanted: Drift) -> Verdict:
    """Whether the newest values are spread as those before them.

    Args:
        table: Name of the table.
        column: The column.
        counts: `value`, `before` and `after`: earlier and newest rows with each value.
        wanted: Limits. An index that chance alone would reach is no complaint, however low they are.
    """
    check = f"drift of {column}"
    cut = binned(counts, wanted.bins)
    before, after = float(cut[BEFORE].sum()), float(cut[AFTER].sum())
    if min(before, after) < wanted.fewest_rows:
        reason = f"{before:,.0f} earlier and {after:,.0f} newest rows, {wanted.fewest_rows:,} of each are needed"
        return Verdict(table, check, "drift", None, "index", None, wanted.warn_psi, "unknown", reason)
    index = stability_index(cut[BEFORE].to_numpy(np.float64), cut[AFTER].to_numpy(np.float64))
    chance = index_by_chance(len(cut), before, after)
    warn, fail = max(wanted.warn_psi, chance), max(wanted.fail_psi, chance)
    shares = cut.assign(before=cut[BEFORE] / before, after=cut[AFTER] / after)
    most = shares.loc[(shares[AFTER] - shares[BEFORE]).idxmax()]
    newest = "on the newest day" if wanted.days == 1 else f"in the newest {wanted.days} days"
    reason = (
        f"{newest} {most[VALUE]} is {most[AFTER]:.0%} of rows, and was {most[BEFORE]:.0%} in the "
        f"{wanted.history_days} before; an index of {index:.2f}, {warn:.2f} is fine"
    )
    verdict: Result = "fail" if index > fail else "warn" if index > warn else "pass"
    return Verdict(table, check, "drift", index, "index", None, warn, verdict, reason)


def uneven(table: str, column: str, counts: pd.DataFrame, wanted: Evenness) -> Verdict:
    """Whether a group has the column far more seldom than all others: its people are known less well than the rest.

    Args:
        table: Name of the table.
        column: The column.
        counts: `group`, `rows` (or units) and `told` (those with a value).
        wanted: Limits. A gap that chance alone would make once in a thousand looks is no complaint, however low they are.
    """
    check = f"evenness of {column} by {wanted.by}"
    rows, told = counts["rows"], counts["told"]
    beside = counts.assign(share=told / rows, others=(told.sum() - told) / (rows.sum() - rows))
    judged = beside[(rows >= wanted.fewest_rows) & (rows < rows.sum())]
    judged = judged.assign(below=judged["others"] - judged["share"]).sort_values("below", ascending=False)
    spread = judged["others"] * (1 - judged["others"]) * (1 / judged["rows"] + 1 / (rows.sum() - judged["rows"]))
    by_chance = norm.isf(_CHANCE / max(len(judged), 1)) * np.sqrt(spread)
    if judged.empty:
        reason = f"no two groups, one of {wanted.fewest_rows:,} rows at least"
        return Verdict(table, check, "evenness", None, "share", None, wanted.most_below, "unknown", reason)
    worst, what = float(judged["below"].iloc[0]), f"units ({wanted.unit})" if wanted.unit else "rows"
    behind = judged[judged["below"] > np.maximum(by_chance, wanted.most_below)].head(_SHOWN)
    reason = "; ".join(
        f"{row.group}: {row.share:.0%} of {row.rows:,} {what} have it, {row.others:.0%} elsewhere"
        for row in (judged.head(1) if behind.empty else behind).itertuples()
    )
    furthest = float(behind["below"].max()) if len(behind) else 0.0
    verdict: Result = "fail" if furthest > wanted.fail_below else "warn" if furthest else "pass"
    return Verdict(table, check, "evenness", max(worst, 0.0), "share", None, wanted.most_below, verdict, reason)


def as_planned(table: str, experiment: str, counts: pd.DataFrame, wanted: SampleRatio) -> Verdict:
    """Whether the arms of one experiment are as large as planned, in all and within each slice.

    Pearson's chi-squared test against the planned shares; of several slices the least probable counts, at a level divided by
    their number (Bonferroni). Who analyses an experiment that fails it compares groups that were not drawn alike (Fabijan
    and others, Diagnosing sample ratio mismatch, 2019).

    Args:
        table: Name of the table.
        experiment: The experiment.
        counts: `slice` ("" for all), `variant`, `units`.
        wanted: Planned shares, level.
    """
    check = f"sample ratio of {experiment}"
    arms = sorted(wanted.shares or set(counts["variant"]))
    if len(arms) < 2:
        return Verdict(table, check, "sample_ratio", None, "p", wanted.alpha, None, "unknown", "it has a single arm")
    planned = np.array([wanted.shares.get(arm, 1 / len(arms)) for arm in arms])
    found = []
    for name, rows in counts.groupby("slice"):
        units = rows.set_index("variant")["units"].reindex(arms, fill_value=0).to_numpy(np.float64)
        if (planned * units.sum()).min() >= _FEWEST_EXPECTED:
            found.append((float(chisquare(units, planned * units.sum()).pvalue), str(name), units))
    if not found:
        reason = f"fewer than {_FEWEST_EXPECTED} units are expected in an arm"
        return Verdict(table, check, "sample_ratio", None, "p", wanted.alpha, None, "unknown", reason)
    least, name, units = min(found, key=lambda one: one[0])
    level = wanted.alpha / len(found)
    sizes = ", ".join(f"{arm} {int(size):,}" for arm, size in zip(arms, units, strict=True))
    plan = " : ".join(f"{share:g}" for share in planned)
    place = f" of {name}" if name else ""
    reason = f"units{place}: {sizes}; as planned, {plan}, by chance of {least:.2g}"
    strangers = sorted({*counts["variant"]} - {*arms})
    if strangers:
        reason += f"; arms that nobody planned: {', '.join(map(str, strangers))}"
    verdict: Result = "fail" if least < level or strangers else "pass"
    return Verdict(table, check, "sample_ratio", least, "p", level, None, verdict, reason)


def alike(
    table: str, model: str, attribute: str, gaps: Mapping[str, tuple[float, float | None]], wanted: GroupGaps
) -> Verdict:
    """Whether a model treats the groups of a protected attribute alike.

    Args:
        table: Name of the table with the model's metrics.
        model: The model.
        attribute: The protected attribute.
        gaps: Rate: the difference between the groups furthest apart, and the lower end of its interval.
        wanted: Limits. A difference that chance alone could make is no complaint, however low they are.

    >>> alike("t", "churn", "gender", {"recall": (0.2, 0.1), "flagged_share": (0.4, -0.1)}, GroupGaps()).reason
    'recall differs by 0.20 between groups, 0.1 is fine; beyond chance'
    """
    check = f"gap of {model} by {attribute}"
    beyond = {rate: gap for rate, (gap, low) in gaps.items() if low is not None and low > 0}
    shown = beyond or {rate: gap for rate, (gap, _) in gaps.items()}
    rate, worst = max(shown.items(), key=lambda one: one[1])
    reason = f"{rate.replace('_', ' ')} differs by {worst:.2f} between groups, {wanted.most_difference:g} is fine; "
    reason += "beyond chance" if beyond else "no more than by chance"
    is_told = bool(beyond) and worst > wanted.most_difference
    verdict: Result = "fail" if is_told and worst > wanted.fail_difference else "warn" if is_told else "pass"
    return Verdict(table, check, "gap", worst, "share", None, wanted.most_difference, verdict, reason)
