"""Reads how far groups of a protected attribute lie apart in what models do, as training has measured it."""

from collections import defaultdict
from collections.abc import Iterator

from personalake.models.fairness import DIFFERENCE, GAPS
from personalake.pipelines.job import JobContext
from personalake.quality.distributions import alike
from personalake.quality.verdicts import Verdict
from personalake.tables.gold import MODEL_HEALTH


def gap_verdicts(context: JobContext) -> Iterator[Verdict]:
    """One verdict for each model and protected attribute, of the newest training up to the as-of; none without groups."""
    wanted = context.settings.quality.gaps
    if wanted is None:
        return
    names = {rate + DIFFERENCE: rate for rate in GAPS}
    where = [("metric", "in", [*names]), ("as_of", "<=", context.as_of)]
    told = context.lake.ledger.read(MODEL_HEALTH, where=where)
    newest: dict[str, object] = {}
    for row in sorted(told, key=lambda row: row["as_of"]):
        newest[row["model"]] = row["as_of"]
    gaps: dict[tuple[str, str], dict[str, tuple[float, float | None]]] = defaultdict(dict)
    for row in told:
        if row["as_of"] == newest[row["model"]]:
            gaps[row["model"], row["population"]][names[row["metric"]]] = (row["value"], row["low"])
    for (model, attribute), found in sorted(gaps.items()):
        yield alike(MODEL_HEALTH.full_name, model, attribute, found, wanted)
