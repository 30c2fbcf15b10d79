"""Fitting: a short search on earlier folds, a refit of the best on everything, calibrated on a fold it did not see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.config.modelling import ChurnSettings
from personalake.models.calibration import apply_platt, best_threshold, fit_platt
from personalake.models.candidates import fit_candidate, portable, scores, with_class_weight
from personalake.models.evaluation import roc_auc
from personalake.models.folds import TrainingPlan
from personalake.models.portable import Floats, PortableModel, logit

EVERYONE, ACTIVE = "everyone", "active"


class Tried(Protocol):
    """One point of a search."""

    @property
    def params(self) -> dict[str, Any]:
        """The settings tried."""

    @property
    def score(self) -> float:
        """What they reached; greater is better."""


Search = Callable[..., Sequence[Tried]]


@dataclass(frozen=True)
class Choice:
    """The best settings of one kind of candidate, and what they reached on the validation fold.

    Args:
        kind: logistic_regression, random_forest or gbt.
        params: Its settings.
        score: Mean ROC-AUC over everyone and the recently active.
        validation: Its uncalibrated probabilities on the validation fold, in the order of the fold's rows.
    """

    kind: str
    params: Mapping[str, Any]
    score: float
    validation: Floats


def eligibility(counts: Mapping[date, tuple[int, int]], history_days: float, settings: ChurnSettings) -> str | None:
    """Why there is too little to learn from, or None.

    Args:
        counts: People who stayed and who churned, by training as-of.
        history_days: Days between the first purchase and the test as-of.
        settings: The thresholds.
    """
    stayed, churned = (sum(pair[index] for pair in counts.values()) for index in (0, 1))
    needed = settings.history_windows * settings.horizon_days
    if history_days < needed:
        return f"thin data: {history_days:.0f} days of history, {needed} are needed"
    if min(stayed, churned) < settings.minimum_of_each:
        return f"thin data: {churned} churned and {stayed} stayed, {settings.minimum_of_each} of each are needed"
    return None


def one_class(counts: Mapping[date, tuple[int, int]], as_ofs: Sequence[date]) -> str | None:
    """Why models cannot be told apart at some as-of, or None.

    Args:
        counts: People who stayed and who churned, by as-of.
        as_ofs: Where models are chosen and tested.

    >>> one_class({date(2017, 11, 1): (12, 0)}, [date(2017, 11, 1)])
    'thin data: of 12 people at 2017-11-01 none churned, and a comparison needs some who churned and some who stayed'
    """
    for as_of in as_ofs:
        stayed, churned = counts[as_of]
        if not min(stayed, churned):
            absent = "stayed" if churned else "churned"
            return (
                f"thin data: of {stayed + churned} people at {as_of} none {absent}, "
                "and a comparison needs some who churned and some who stayed"
            )
    return None


def fit_choices(
    rows: DataFrame, fold: pd.DataFrame, plan: TrainingPlan, settings: ChurnSettings, seed: int, search: Search
) -> list[Choice]:
    """Try the settings of every kind on the folds before the validation as-of; best first.

    Args:
        rows: Cached rows with `inputs`, `label` and `as_of`.
        fold: The validation fold's rows, sorted by person.
        plan: The as-ofs.
        settings: The search spaces.
        seed: Seed of search and fits.
        search: Finds good settings: objective, space, trials, seed, first → tried points, best first.
    """
    earlier = weighted(rows.where(F.col("as_of").isin(list(plan.earlier)))).cache()
    held_out = rows.where(F.col("as_of") == F.lit(plan.validation))
    choices: list[Choice] = []
    for kind, candidate in sorted(settings.candidates.items()):
        if not candidate.trials:
            continue
        predicted: dict[str, Floats] = {}

        def objective(params: dict[str, Any], kind: str = kind, predicted: dict[str, Floats] = predicted) -> float:
            scored = scores(fit_candidate(earlier, kind, params, seed), held_out).toPandas()
            found = scored.set_index("person_id")["score"].reindex(fold["person_id"]).to_numpy(dtype=np.float64)
            predicted[repr(sorted(params.items()))] = found
            return selection_score(fold, found, settings.active_days)

        first = {name: values[0] for name, values in candidate.space.items()}
        best = search(objective, candidate.space, candidate.trials, seed, first)[0]
        choices.append(Choice(kind, best.params, best.score, predicted[repr(sorted(best.params.items()))]))
    earlier.unpersist()
    return sorted(choices, key=lambda choice: -choice.score)


def fit_champion(
    rows: DataFrame, fold: pd.DataFrame, choice: Choice, plan: TrainingPlan, seed: int, scratch: str
) -> PortableModel:
    """Refit the choice on all training as-ofs; its calibration comes from the fold that its first fit did not see.

    Args:
        rows: Cached rows with `inputs`, `label` and `as_of`.
        fold: The validation fold's rows, sorted by person.
        choice: What won on the validation fold.
        plan: The as-ofs.
        seed: Seed of the fit.
        scratch: A path that every executor can write.
    """
    training = weighted(rows.where(F.col("as_of").isin(list(plan.training)))).cache()
    model = portable(fit_candidate(training, choice.kind, choice.params, seed), training, scratch)
    if model.kind == "linear":
        means = training.agg(*[F.avg(F.log1p(F.col(name))).alias(name) for name in model.features]).collect()[0]
        model = replace(model, means=tuple(float(means[name]) for name in model.features))
    training.unpersist()
    labels = fold["label"].to_numpy(dtype=np.float64)
    slope, offset = fit_platt(logit(choice.validation), labels)
    threshold = best_threshold(apply_platt(logit(choice.validation), slope, offset), labels)
    return replace(model, slope=slope, offset=offset, threshold=threshold)


def recency_yardstick(fold: pd.DataFrame) -> PortableModel:
    """The dull model: days since the last purchase alone, turned into a probability on the validation fold."""
    labels = fold["label"].to_numpy(dtype=np.float64)
    recency = np.log1p(fold["recency_days"].to_numpy(dtype=np.float64))
    slope, offset = fit_platt(recency, labels)
    threshold = best_threshold(apply_platt(recency, slope, offset), labels)
    return PortableModel(
        "linear", ("recency_days",), coefficients=(1.0,), means=(float(recency.mean()),),
        slope=slope, offset=offset, threshold=threshold,
    )  # fmt: skip


def populations(rows: pd.DataFrame, active_days: int) -> dict[str, Floats]:
    """Who is measured: everyone, and those who bought within `active_days`; a boolean per row."""
    return {
        EVERYONE: np.ones(len(rows), dtype=bool),
        f"{ACTIVE}_{active_days}_days": rows["recency_days"].to_numpy() <= active_days,
    }


def selection_score(rows: pd.DataFrame, score: Floats, active_days: int) -> float:
    """Mean ROC-AUC over the populations: who is long gone is easy to tell, so that those still active count as much.

    A population of which all churned or all stayed does not count.
    """
    labels = rows["label"].to_numpy(dtype=np.float64)
    found = [
        float(roc_auc(labels[members], score[members], np.ones((1, int(members.sum()))))[0])
        for members in populations(rows, active_days).values()
    ]
    return float(np.nanmean(found))


def weighted(rows: DataFrame) -> DataFrame:
    """Rows with class weights that balance these very rows."""
    share = rows.agg(F.avg("label")).collect()[0][0]
    return with_class_weight(rows, float(share))
