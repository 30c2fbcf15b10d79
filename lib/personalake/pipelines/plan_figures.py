"""Plans in figures: the equation of each, the sentence and the JSON of the run."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from personalake.activation.syncs.plan_state import STOPPED
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.plan_audiences import Planned
from personalake.pipelines.plan_withdrawals import taken_apart
from personalake.reports.words import plural
from personalake.tables.gold import CUSTOMER_PROFILE

# What stops a plan whose remedy is a higher bound; of too few people nothing is sent, whatever is set.
_BOUND = "bounds."
_REMEDY = (
    "{what} leaves; look at it with `personalake activation plan {plan_id}`, and if that much is meant, plan again "
    "with --set audiences.{sync}.bounds.<name>=<figure>"
)
_FIGURES = ("plan_id", "destination", "mode", "state", "reason", "added", "changed", "removed", "unchanged", "refused",
            "holdout", "bytes", "calls", "seconds", "data_points")  # fmt: skip


def equation(context: JobContext, planned: Planned) -> dict[str, Any]:
    """In = planned or left as they are + refused or held out, in people of the audience."""
    counts = planned.counts
    reasons = {**counts.early_refusals, **({"holdout": counts.holdout} if counts.holdout else {})}
    return {
        "job": "plan_activation",
        "source": planned.sync,
        "batch_id": f"plan_activation/{planned.sync}/{planned.row['plan_id']}/{counts.audience}",
        "run_id": context.run_id,
        "rows_in": counts.audience,
        "rows_accepted": counts.people,
        "rows_quarantined": sum(reasons.values()),
        "rows_duplicate": 0,
        "rows_late": 0,
        "balanced": counts.audience == counts.people + sum(reasons.values()),
        "reasons": reasons,
        "warnings": {},
        "recorded_at": datetime.now(UTC),
    }


def with_plans(files: JobResult, planned: list[Planned], context: JobContext) -> JobResult:
    """The result of the files with that of the plans."""
    if not planned:
        told = f"no audience was planned: there are no profiles as of {context.as_of}"
        if (newest := context.lake.ledger.latest(CUSTOMER_PROFILE, "as_of")) is not None:
            told = f"{told}; the newest are as of {newest}: --as-of {newest}"
        return replace(files, message=f"{files.message}; {told}")
    parts = [sentence(one) for one in planned]
    if not files.skipped:
        parts = [files.message, *parts]
    figures = {one.sync: {name: one.row[name] for name in _FIGURES} | _more(one) for one in planned}
    return replace(
        files,
        skipped=False,
        rows_read=files.rows_read + sum(one.counts.audience for one in planned),
        rows_rejected=files.rows_rejected + sum(sum(one.counts.early_refusals.values()) for one in planned),
        message="; ".join(parts),
        figures={**files.figures, "audiences": figures},
    )


def sentence(planned: Planned) -> str:
    """A plan in a sentence."""
    row = planned.row
    lead = f"{planned.sync} to {row['destination']}: {row['added']:,} added, {row['changed']:,} changed, "
    left = f"{row['removed']:,} removed, {row['unchanged']:,} as they were"
    reasons = ", ".join(f"{name} {count:,}" for name, count in sorted(row["refused"].items(), key=lambda item: -item[1]))
    refused = f", {sum(row['refused'].values()):,} refused ({reasons})" if reasons else ""
    cost = f", about {row['bytes']:,} bytes in {plural(row['calls'], 'call')}" if row["calls"] else ""
    points = f", {row['data_points']:,} data points" if row["data_points"] else ""
    state = row["state"].replace("_", " ") + (f" ({row['reason']})" if row["reason"] else "")
    what = "nothing of it" if row["state"] == STOPPED else "nothing else"
    remedy = f"; {_REMEDY.format(**row, what=what)}" if _BOUND in (row["reason"] or "") else ""
    is_told = planned.apart is None or planned.apart["plan_id"] in (row["reason"] or "")
    apart = "" if is_told or planned.apart is None else f"; {taken_apart(planned.apart)}"
    return f"{lead}{left}{refused}{cost}{points}: {state}{apart}{remedy}"


def _more(planned: Planned) -> dict[str, Any]:
    samples = {"samples": list(planned.samples)} if planned.samples else {}
    if planned.apart is None:
        return samples
    return samples | {"withdrawals": {name: planned.apart[name] for name in ("plan_id", "state", "removed")}}
