"""Train, compare and promote a model when one is due; metrics to `gold.model_health`, the model to the registry."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.persons import with_person
from personalake.common.time_cuts import known_before
from personalake.models.candidates import with_inputs
from personalake.models.comparison import Comparison, compare
from personalake.models.evaluation import Measured
from personalake.models.fairness import by_group, gaps
from personalake.models.figures import classifier_figures
from personalake.models.folds import TrainingPlan, training_plan
from personalake.models.label_noise import suspects
from personalake.models.labels import with_churn_label
from personalake.models.leakage import echoes
from personalake.models.portable import MODEL_FILE, PortableModel, load, opener
from personalake.models.training import (
    EVERYONE,
    Choice,
    eligibility,
    fit_champion,
    fit_choices,
    one_class,
    recency_yardstick,
)
from personalake.pipelines.consenting import Consenting, consenting
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.protected_groups import protected_groups
from personalake.profiles.features import definition
from personalake.tables.features import FEATURE_NAMES
from personalake.tables.gold import CUSTOMER_FEATURE, MODEL_HEALTH
from personalake.tables.silver import ORDER_LINE
from personalake.tracking import Champion, LoggedModel, Tracker, search

YARDSTICK, REIGNING = "recency", "reigning"
TRAINING_KEY, VERDICT = "training_key", "verdict"
SUSPECTS = "suspect_label_share"


@dataclass(frozen=True)
class Training:
    """What one training came to.

    Args:
        choices: The best of each kind on the validation fold, best first.
        model: The winner, refitted and calibrated.
        comparison: The winner beside the yardstick and the champion that reigns, at the test as-of.
        test: The rows at the test as-of.
        models: What was compared, the winner first.
        groups: What the winner reaches for each group of a protected attribute, by metric, and how far groups lie apart.
        suspects: How many labels of the test contradict the winner, which has not seen them.
    """

    choices: list[Choice]
    model: PortableModel
    comparison: Comparison
    test: pd.DataFrame
    models: Mapping[str, PortableModel]
    groups: Mapping[str, Mapping[str, Measured]]
    suspects: int


def run(context: JobContext) -> JobResult:
    """Train on the as-ofs that follow from the training cut, unless that has been done."""
    name = str(context.options.get("model") or "churn")
    tracker = Tracker(context.settings, context.lake.locations.root)
    plan = training_plan(context.training_cut, context.settings.models.churn)
    key = training_key(context)
    if not context.options.get("force") and (done := tracker.find(name, TRAINING_KEY, key)) and VERDICT in done.tags:
        return JobResult(
            skipped=True, message=f"not due: version {done.version} learnt from {plan.cut}, {done.tags[VERDICT]}"
        )
    if not plan.training or not context.lake.ledger.rows(CUSTOMER_FEATURE):
        return JobResult(skipped=True, message="gold.customer_feature is empty: run build_features first")
    if context.dry_run:
        return JobResult(message=f"would train {name} at {len(plan.training)} as-ofs and test at {plan.test}")
    tracker.warm_up()
    allowed = consenting(context, context.settings.models.churn.training_purposes)
    with context.progress.step("labels"):
        rows = training_rows(context, plan, allowed).cache()
        thin = _too_thin(context, plan, rows)
    if thin:
        rows.unpersist()
        return JobResult(skipped=True, message=thin)
    reigning = tracker.champion(name)
    if reigning is not None and reigning.tags.get(TRAINING_KEY) == key:
        reigning = None  # this very training, done before: it need not beat itself
    training = train(context, plan, rows, reigning)
    rows.unpersist()
    result = _publish(context, tracker, name, key, plan, training, reigning)
    left_out = len(allowed.others(context.lake.ledger, CUSTOMER_FEATURE, [("as_of", "in", plan.as_ofs)]))
    return replace(result, message=result.message + allowed.told(left_out))


def training_key(context: JobContext) -> str:
    """What a training depends on: the cut, the features' definition and the settings."""
    parts = (context.training_cut.isoformat(), definition(), context.settings.models.model_dump_json())
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def training_rows(context: JobContext, plan: TrainingPlan, allowed: Consenting) -> DataFrame:
    """Features and labels of those who allow it at the plan's as-ofs, from what was known before the training cut."""
    lake, settings = context.lake, context.settings.models.churn
    is_wanted = F.col("as_of").isin(list(plan.as_ofs)) & (F.col("definition") == definition())
    features = allowed.within(lake, lake.read(CUSTOMER_FEATURE).where(is_wanted)).drop("definition")
    lines = lake.read(ORDER_LINE).select("namespace", "customer_id", "is_return", "occurred_at", "known_at")
    lines = lines.where(F.col("occurred_at") >= F.lit(plan.training[0])).transform(known_before(plan.cut))
    bought = lines.transform(with_person(allowed.links(lake)))
    labelled = features.transform(with_churn_label(bought, settings.horizon_days, plan.as_ofs))
    return with_inputs(labelled, settings.partitions)


def train(context: JobContext, plan: TrainingPlan, rows: DataFrame, reigning: Champion | None) -> Training:
    """Search, refit, calibrate, and measure at the test as-of."""
    models = context.settings.models
    fold, test = _fold(rows, plan.validation), _fold(rows, plan.test)
    scratch = context.lake.locations.root / "_scratch" / context.run_id
    with context.progress.step("trying candidates"):
        choices = fit_choices(rows, fold, plan, models.churn, models.seed, search)
    with context.progress.step(f"fitting {choices[0].kind}"):
        model = fit_champion(rows, fold, choices[0], plan, models.seed, str(scratch))
    shutil.rmtree(scratch, ignore_errors=True)
    compared = {choices[0].kind: model, YARDSTICK: recency_yardstick(fold)}
    if reigning is not None and reigning.tags.get("definition") == definition():
        compared[REIGNING] = load(reigning.folder())
    comparison = compare(test, compared, models.churn.active_days, models.churn.bootstraps, models.seed)
    labels, foretold = test["label"].to_numpy(dtype="float64"), model.predict(test)
    of_groups = (
        labels, foretold, model.threshold, protected_groups(context, test["person_id"].tolist()),
        models.churn.smallest_group, models.churn.bootstraps, models.seed,
    )  # fmt: skip
    groups = by_group(*of_groups) | gaps(*of_groups)
    return Training(choices, model, comparison, test, compared, groups, len(suspects(labels, foretold)))


def _too_thin(context: JobContext, plan: TrainingPlan, rows: DataFrame) -> str | None:
    counted = rows.groupBy("as_of").agg(
        F.count_if(F.col("label") == 0).alias("stayed"),
        F.sum("label").alias("churned"),
        F.max("tenure_days").alias("history"),
    )
    found = {row["as_of"]: row for row in counted.collect()}
    absent = [day.isoformat() for day in (*plan.earlier, plan.validation, plan.test) if day not in found]
    if absent:
        return f"thin data: no features at {', '.join(absent)}"
    counts = {day: (int(row["stayed"]), int(row["churned"])) for day, row in found.items()}
    learnt = {day: count for day, count in counts.items() if day in plan.training}
    thin = eligibility(learnt, found[plan.test]["history"], context.settings.models.churn)
    return thin or one_class(counts, (plan.validation, plan.test))


def _fold(rows: DataFrame, as_of: Any) -> pd.DataFrame:
    frame = rows.where(F.col("as_of") == F.lit(as_of)).select("person_id", "label", *FEATURE_NAMES).toPandas()
    return frame.sort_values("person_id").reset_index(drop=True)


def _publish(
    context: JobContext,
    tracker: Tracker,
    name: str,
    key: str,
    plan: TrainingPlan,
    training: Training,
    reigning: Champion | None,
) -> JobResult:
    """Register, write down, promote, and only then call it done: a run that dies in between is simply done again."""
    winner, comparison = training.choices[0], training.comparison
    with context.progress.step("registering"):
        version = tracker.log(_logged(context, name, key, plan, training))
    rivals = [rival for rival in training.models if rival != winner.kind]
    echoing = echoes(training.test, FEATURE_NAMES, context.settings.models.churn.echo_auc)
    promoted = not echoing and all(comparison.beats(rival, EVERYONE) for rival in rivals)
    health = _health(name, plan, training, version, promoted, reigning)
    frame = context.lake.spark.createDataFrame(health, MODEL_HEALTH.schema)
    context.lake.replace_as_of(frame.coalesce(1), MODEL_HEALTH, plan.cut, f"model = '{name}'")
    if promoted:
        tracker.promote(name, version)
    verdict = "champion" if promoted else _why_not(echoing, rivals)
    tracker.tag(name, version, VERDICT, verdict)
    reached = {population: found[winner.kind].get("roc_auc") for population, found in comparison.metrics.items()}
    auc = {population: value for population, value in reached.items() if value is not None}
    told = ", ".join(f"{who} {value.value:.3f} [{value.low:.3f}, {value.high:.3f}]" for who, value in auc.items())
    return JobResult(
        rows_read=context.lake.ledger.rows(CUSTOMER_FEATURE),
        message=f"{winner.kind} version {version} is {verdict}: ROC-AUC at {plan.test} {told}",
        figures={
            "model_version": version,
            "promoted": promoted,
            "suspect_labels": training.suspects,
            **({"echoes": [*echoing]} if echoing else {}),
            **{f"roc_auc_{k}": round(v.value, 4) for k, v in auc.items()},
        },
    )


def _why_not(echoing: Mapping[str, float], rivals: Sequence[str]) -> str:
    if not echoing:
        return "challenger that did not beat " + " or ".join(rivals)
    told = ", ".join(f"{name} ({area:.3f})" for name, area in echoing.items())
    return f"challenger that is held back: a single feature tells who leaves, as only what is known later does: {told}"


def _logged(context: JobContext, name: str, key: str, plan: TrainingPlan, training: Training) -> LoggedModel:
    winner = training.choices[0]
    metrics: dict[str, float] = {}
    for population, model, metric, measured in training.comparison.rows(winner.kind):
        if model in (winner.kind, YARDSTICK) and not metric.endswith(REIGNING):
            prefix = population if model == winner.kind else f"{population}_{YARDSTICK}"
            metrics |= _flat(f"{prefix}_{metric}", measured)
    labels = training.test["label"].to_numpy(dtype="float64")
    shown = {model: training.models[model].predict(training.test) for model in (winner.kind, YARDSTICK)}
    return LoggedModel(
        name=name,
        artifact_files={MODEL_FILE: training.model.as_json()},
        predict=opener,
        # Of nobody: what is logged beside a model outlives an erasure.
        signature_example=training.test[list(FEATURE_NAMES)].median().to_frame().T,
        params={"candidate": winner.kind, "seed": context.settings.models.seed, **winner.params},
        metrics=metrics,
        figures=classifier_figures(labels, shown, training.comparison.metrics[EVERYONE]),
        tags={
            TRAINING_KEY: key,
            "definition": definition(),
            "training_cut": plan.cut.isoformat(),
            "test_as_of": plan.test.isoformat(),
            "candidate": winner.kind,
            "table": CUSTOMER_FEATURE.full_name,
            "table_version": str(context.lake.ledger.version(CUSTOMER_FEATURE)),
        },
    )


def _flat(name: str, measured: Measured) -> dict[str, float]:
    ends = {"_low": measured.low, "_high": measured.high}
    return {name: measured.value, **{name + end: value for end, value in ends.items() if value is not None}}


def _health(
    name: str, plan: TrainingPlan, training: Training, version: str, promoted: bool, reigning: Champion | None
) -> list[dict[str, Any]]:
    """Rows of `gold.model_health`: what was tested, and what the other candidates reached on the validation fold."""
    winner = training.choices[0].kind
    is_reigning = not promoted and reigning is not None
    roles = {
        winner: "champion" if promoted else "candidate",
        YARDSTICK: "yardstick",
        REIGNING: "champion" if is_reigning else "candidate",
    }
    versions = {winner: version, REIGNING: reigning.version if reigning else None}
    common = {"model": name, "as_of": plan.cut}
    rows = [
        {**common, "candidate": model, "population": population, "metric": metric, "value": measured.value,
         "low": measured.low, "high": measured.high, "role": roles[model], "model_version": versions.get(model)}
        for population, model, metric, measured in training.comparison.rows(winner)
    ]  # fmt: skip
    tested = {**common, "candidate": winner, "role": roles[winner], "model_version": version}
    rows += [
        {**tested, "population": group, "metric": metric, "value": it.value, "low": it.low, "high": it.high}
        for group, by_metric in training.groups.items()
        for metric, it in by_metric.items()
    ]
    share = training.suspects / len(training.test)
    rows.append({**tested, "population": EVERYONE, "metric": SUSPECTS, "value": share, "low": None, "high": None})
    rows += [
        {**common, "candidate": choice.kind, "population": "validation", "metric": "mean_roc_auc", "value": choice.score,
         "low": None, "high": None, "role": roles.get(choice.kind, "candidate"), "model_version": versions.get(choice.kind)}
        for choice in training.choices
    ]  # fmt: skip
    return rows
