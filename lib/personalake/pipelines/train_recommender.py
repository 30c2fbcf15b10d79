"""Fits, compares and promotes a recommender, when one is due; figures to `gold.model_health` and the registry."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import personalake.recommenders
from personalake.pipelines.consenting import consenting
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.recommender_training import FORMAT_TAG, MODEL, PREVIOUS, Training, Verdicts, champion_of
from personalake.recommenders.contest import beats, best_of, splits_before
from personalake.recommenders.evaluation import Measured, measured
from personalake.recommenders.listing import SLOTS
from personalake.recommenders.popularity import Popularity
from personalake.recommenders.ranking import Recommender
from personalake.recommenders.serving import FORMAT, REQUIREMENTS, Packed, example, open_recommender, pack, unpack
from personalake.tables.gold import MODEL_HEALTH
from personalake.tables.silver import ORDER_LINE, PERSON_LINK
from personalake.tracking import Champion, LoggedModel, Tracker

_ALL, _NEW = SLOTS
_JUDGED, _CUT = "judged", "training_cut"
Figures = Mapping[tuple[str, str], list[Measured]]


def run(context: JobContext) -> JobResult:
    """Choose a recommender on one split, test it on the next, register it, and let it serve if it is better."""
    lake, settings, cut = context.lake, context.settings.recommender, context.training_cut
    tracker, mark = Tracker(context.settings, lake.locations.root), definition(context)
    done = None if context.options.get("force") else tracker.find(MODEL, _JUDGED, mark)
    if done is not None:
        return _skipped(f"not due: version {done.version} was trained at the same cut, {cut}, by the same recipe")
    if not lake.ledger.rows(ORDER_LINE):
        return _skipped("no order lines yet; nothing to learn from")
    with context.progress.step("reading purchases"):
        allowed = consenting(context, settings.training_purposes)
        training = Training.of(lake, settings, cut, context.settings.business_timezone, allowed)
    splits = splits_before(cut, settings.label_days)
    people = min(training.testable_people(split) for split in (splits.selection, splits.test))
    if people < settings.min_people:
        return _skipped(f"{people} people to test on, {settings.min_people} needed; popularity serves")
    with context.progress.step(f"choosing a recommender on the weeks from {splits.selection.cut}"):
        chosen = best_of(training.contest(splits.selection))
    champion = champion_of(tracker)
    with context.progress.step(f"testing on the weeks from {splits.test.cut}"):
        verdicts = training.contest(splits.test, _previous(champion, cut))
        figures = _figures(verdicts, settings.bootstrap_rounds, settings.seed)
    serves = _serves(verdicts, figures, chosen, champion, context)
    with context.progress.step(f"fitting {chosen} anew up to {cut}"):
        packed = training.refitted(chosen, cut)
    version = None
    if not context.dry_run:
        version = tracker.log(_logged(packed, figures, context, splits.test.cut, mark))
    _write_health(context, figures, chosen, serves, version, champion)
    if version is not None:
        _finish(tracker, version, serves, mark)
    result = _result(len(training.rows.item), chosen, serves, figures)
    left_out = len(allowed.others(lake.ledger, PERSON_LINK))
    return replace(result, message=result.message + allowed.told(left_out))


def definition(context: JobContext) -> str:
    """A hash of the training cut, the settings, and the code that makes a recommender."""
    digest = hashlib.sha256(context.training_cut.isoformat().encode())
    digest.update(json.dumps(context.settings.recommender.model_dump(mode="json"), sort_keys=True).encode())
    room = Path(next(iter(personalake.recommenders.__path__)))
    for path in (*sorted(room.glob("*.py")), *sorted(Path(__file__).parent.glob("*recommender*.py"))):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _previous(champion: Champion | None, cut: date) -> Recommender | None:
    """The champion so far, if it has not seen the weeks on which it would be tested."""
    if champion is None or champion.tags[_CUT] >= cut.isoformat():
        return None
    return unpack(champion.artifact(".")).recommender


def _serves(verdicts: Verdicts, figures: Figures, chosen: str, champion: Champion | None, context: JobContext) -> bool:
    """Whether the chosen one is to serve: better than popularity beyond noise, and better than the champion so far.

    A champion of the same training cut was tested on the same weeks and people, so its figure is taken from the
    registry; there, changed code or settings take effect unless they are worse beyond noise. A champion of a later
    cut stays.
    """
    settings, mine = context.settings.recommender, figures[chosen, _ALL][0]
    if chosen == Popularity.name:
        return False
    if not beats(verdicts[chosen][_ALL], verdicts[Popularity.name][_ALL], settings.bootstrap_rounds, settings.seed):
        return False
    if champion is None:
        return True
    if (PREVIOUS, _ALL) in figures:
        return mine.value > figures[PREVIOUS, _ALL][0].value
    same_cut = champion.tags[_CUT] == context.training_cut.isoformat()
    known = champion.metrics.get(f"{_ALL}_{mine.metric}", 0.0)
    return same_cut and known <= (mine.value if mine.high is None else mine.high)


def _figures(verdicts: Verdicts, rounds: int, seed: int) -> Figures:
    return {
        (name, slot): measured(judged, rounds, seed)
        for name, slots in verdicts.items()
        for slot, judged in slots.items()
    }  # fmt: skip


def _logged(packed: Packed, figures: Figures, context: JobContext, test_cut: date, mark: str) -> LoggedModel:
    name, settings = packed.recommender.name, context.settings.recommender
    return LoggedModel(
        name=MODEL,
        artifact_files=pack(packed),
        predict=open_recommender,
        signature_example=example(),
        params={"candidate": name, **settings.recipe.model_dump(), "seed": settings.seed},
        metrics=dict(_flat(figures, name)),
        tags={
            "candidate": name,
            _CUT: context.training_cut.isoformat(),
            "test_cut": test_cut.isoformat(),
            "definition": mark,
            FORMAT_TAG: FORMAT,
            "order_line_version": str(context.lake.ledger.version(ORDER_LINE)),
        },
        requirements=REQUIREMENTS,
    )


def _flat(figures: Figures, candidate: str) -> Iterator[tuple[str, float]]:
    for (name, slot), found in figures.items():
        for figure in found if name == candidate else ():
            yield f"{slot}_{figure.metric}", figure.value
            if figure.low is not None and figure.high is not None:
                yield f"{slot}_{figure.metric}_low", figure.low
                yield f"{slot}_{figure.metric}_high", figure.high


def _write_health(
    context: JobContext, figures: Figures, chosen: str, serves: bool, version: str | None, champion: Champion | None
) -> None:
    def told(name: str) -> tuple[str, str | None]:
        if name == chosen:
            return "champion" if serves else "candidate", version
        if name == PREVIOUS:
            return "candidate" if serves else "champion", champion.version if champion else None
        return ("yardstick" if name == Popularity.name else "candidate"), None

    rows = [
        (MODEL, name, context.training_cut, slot, figure.metric, figure.value, figure.low, figure.high, *told(name))
        for (name, slot), found in sorted(figures.items())
        for figure in found
    ]
    frame = context.lake.spark.createDataFrame(rows, MODEL_HEALTH.schema).coalesce(1)
    context.lake.replace_as_of(frame, MODEL_HEALTH, context.training_cut, also=f"model = '{MODEL}'")


def _finish(tracker: Tracker, version: str, serves: bool, mark: str) -> None:
    """Last of all: a run that died before this is due again, and registers the same version."""
    if serves:
        tracker.promote(MODEL, version)
    tracker.tag(MODEL, version, _JUDGED, mark)


def _result(rows: int, chosen: str, serves: bool, figures: Figures) -> JobResult:
    main = {slot: figures[chosen, slot][0] for slot in SLOTS if (chosen, slot) in figures}
    shown = ", ".join(f"{found.value:.3f} {slot.replace('_', ' ')}" for slot, found in main.items())
    told: dict[str, Any] = {f"{slot}_{found.metric}": round(found.value, 4) for slot, found in main.items()}
    verb = "serves" if serves else "does not serve: it is no better than what does"
    metric = next(iter(main.values())).metric
    return JobResult(rows, message=f"{chosen} {verb} ({metric}: {shown})", figures={"candidate": chosen, **told})


def _skipped(why: str) -> JobResult:
    return JobResult(skipped=True, message=why)
