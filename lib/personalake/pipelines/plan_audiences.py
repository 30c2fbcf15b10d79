"""Audiences to plans: what each connection lacks of its syncs goes to the outbox, if it may leave."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.activation.syncs.acknowledged import DOUBTFUL
from personalake.activation.syncs.counts import Counts, left_out
from personalake.activation.syncs.diff import DELIVERED, REMOVED
from personalake.activation.syncs.masking import masked
from personalake.activation.syncs.plan_state import APPROVED, AWAITING, OPEN, READY, STANDING, STOPPED, WITHDRAWALS
from personalake.activation.syncs.verdict import again, cost, is_too_small, plan_id, verdict
from personalake.activation.syncs.wanted import NO_PERSON
from personalake.common.transformation import Transformation
from personalake.config.audience_templates import completed
from personalake.config.audiences import Sync
from personalake.errors import LeaseHeldError
from personalake.pipelines.audience_orders import without_person
from personalake.pipelines.holdout_rows import log_held_out
from personalake.pipelines.job import JobContext
from personalake.pipelines.plan_basis import Basis, Narrow
from personalake.pipelines.plan_changes import Planning, asked_of, changes, place_of
from personalake.pipelines.plan_rows import PlanRows, in_spark, on_the_driver
from personalake.pipelines.plan_states import latest_plans, named, next_state, rejected_at, superseding
from personalake.pipelines.plan_withdrawals import Part, parts_of, taken_apart
from personalake.pipelines.sending_lease import sending_lease
from personalake.tables import Table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN, CUSTOMER_PROFILE, RUN

_SAMPLES = 3
Row = dict[str, Any]


@dataclass(frozen=True)
class Planned:
    """What became of one sync in this run.

    Args:
        sync: Name of the sync.
        row: Its plan, as in `gold.activation_plan`.
        counts: The same in figures.
        samples: Some payloads, masked; in a dry run only.
        apart: The plan that takes away who may not be told any more, where that is one of its own.
    """

    sync: str
    row: Row
    counts: Counts
    samples: Sequence[Any] = ()
    apart: Row | None = None


def plan_audiences(
    context: JobContext,
    syncs: Mapping[str, Sync],
    consents: Callable[[], DataFrame],
    wanted_at_all: Transformation,
    undue: Collection[str] = (),
) -> tuple[list[Planned], dict[str, LeaseHeldError]]:
    """Plan each sync; none if there are no profiles of this as-of.

    What is handed over while a plan is made would be planned once more: a destination is planned or sent to, never both.

    Args:
        context: The job's.
        syncs: Syncs to plan.
        consents: Gives rows of `silver.consent_current` without what has been refused by now.
        wanted_at_all: Leaves out people who are in no export any more, since they were erased or ask to be.
        undue: Those of the syncs of which only withdrawals are planned.

    Returns:
        What was planned; and by name the syncs that were not, since their destination is being sent to.
    """
    planned, busy = list[Planned](), dict[str, LeaseHeldError]()
    if not syncs or context.lake.ledger.latest(CUSTOMER_PROFILE, "as_of") != context.as_of:
        return planned, busy
    for name, sync in syncs.items():
        connection = context.settings.connections[sync.destination]
        asked = asked_of(context, name, completed(sync, context.settings.templates), connection)
        try:
            with _while_nobody_sends(context, sync.destination) as require:
                known = latest_plans(context.lake.ledger, name)
                planning = Planning(context, name, connection, asked, known, consents, wanted_at_all, name not in undue)
                planned.append(_planned(planning, require))
        except LeaseHeldError as error:
            busy[name] = error
    return planned, busy


@contextmanager
def _while_nobody_sends(context: JobContext, destination: str) -> Iterator[Callable[[], None]]:
    """Keep senders away; gives what raises if one came all the same, while this run stood still."""
    if context.dry_run:
        yield lambda: None
        return
    with sending_lease(context.settings, context.lake, destination, context.run_id, "plan_activation") as held:
        yield held.require


def _planned(planning: Planning, require: Callable[[], None]) -> Planned:
    context, name, sync = planning.context, planning.name, planning.asked.sync
    with Basis(context, name, planning.asked, planning.connection, planning.standing) as basis:
        narrow = basis.narrow()
        rows = _rows(planning, narrow)
        try:
            judged = None if narrow is None else rows.of_audience()
            if judged is not None and basis.collides(judged):
                rows.release()
                narrow = judged = None
                rows = _rows(planning, None)
            rest = (*(() if narrow is None else narrow.rest), *_nobodys(context, sync))
            counts, leaving = _with_persons(rows.counted(rest), rows, sync), rows
            if is_too_small(counts, sync) and counts.removed:
                leaving = rows.taking_away()
                counts = leaving.counted(rest)
            parts = parts_of(planning, Part(leaving, counts), rest)
            told = _rows_of_plans(planning, parts)
            apart = told[0] if len(told) > 1 else None
            if context.dry_run:
                return Planned(
                    name, told[-1], parts[-1].counts, _samples(leaving.frame if apart else parts[0].rows.frame), apart
                )
            require()
            _write(planning, told, parts)
            if planning.is_due:
                log_held_out(planning, rows, counts, rest)
            basis.remember(rows, judged)
            return Planned(name, told[-1], parts[-1].counts, apart=apart)
        finally:
            rows.release()


def _rows_of_plans(planning: Planning, parts: Sequence[Part]) -> list[Row]:
    """A plan for each part; the last one is what the sync has to say, and tells of the one that goes before it."""
    *before, last = parts
    told = [_row(planning, part, WITHDRAWALS) for part in before]
    if told:
        (apart,) = told
        last = last._replace(said=taken_apart(apart))
    row = _row(planning, last, planning.asked.sync.mode if planning.is_due else WITHDRAWALS)
    if row["state"] == AWAITING and _is_approved(planning, last.rows):
        row |= {"state": APPROVED, "reason": f"all of it was approved as {planning.standing}"}
    return [*told, row]


def _with_persons(counts: Counts, rows: PlanRows, sync: Sync) -> Counts:
    """Many orders, or decisions, of few people are no large audience."""
    is_of_people = sync.audience.orders is None and sync.audience.decisions is None
    if is_of_people or counts.people < sync.min_people or not counts.added + counts.changed:
        return counts
    return replace(counts, persons=rows.persons(sync.min_people))


def _rows(planning: Planning, narrow: Narrow | None) -> PlanRows:
    found = changes(planning, narrow)
    return on_the_driver(found) if narrow is not None and narrow.are_few else in_spark(found)


def _nobodys(context: JobContext, sync: Sync) -> list[dict[str, Any]]:
    """Orders that nobody who is known has placed: of the audience they are, and nothing can be said of them to anybody."""
    asked = sync.audience.orders
    return [] if asked is None else left_out(NO_PERSON, without_person(context, asked))


def _row(planning: Planning, part: Part, mode: str) -> Row:
    """The plan as a row; of an equal plan that stands already, its name and state."""
    context, name, sync, known, counts = planning.context, planning.name, planning.asked.sync, planning.known, part.counts
    called, costs = _name(planning, counts, mode), cost(counts, sync, planning.connection)
    state, reason = verdict(counts, sync, is_asked=not part.is_of_withdrawn)
    said_no = rejected_at(known, context.as_of)
    if state == READY and said_no is not None and counts.deliveries and not part.is_of_withdrawn:
        state, reason = AWAITING, f"{said_no} of the same day was rejected by a person"
    reason = "; ".join(filter(None, (reason, part.said))) or None
    current = known[called]["state"] if called in known else None
    if next_state(current, state) is None and current is not None:
        state, reason = current, known[called]["reason"]
    return {
        "plan_id": called,
        "sync": name,
        "destination": sync.destination,
        "mode": mode,
        "as_of": context.as_of,
        "added": counts.added,
        "changed": counts.changed,
        "removed": counts.removed,
        "unchanged": counts.unchanged,
        "refused": dict(counts.refused),
        "holdout": counts.holdout,
        "bytes": counts.bytes,
        "calls": costs.calls,
        "seconds": costs.seconds,
        "data_points": costs.data_points,
        "state": state,
        "reason": reason,
        "logged_at": _stamp(context, known),
    }


def _name(planning: Planning, counts: Counts, mode: str) -> str:
    """The standing plan's name if this is what it has not sent yet; else the plan's own, by its content.

    Where an equal plan stands of which a removal was given up or stopped, who has to go needs a delivery, and so a plan, of
    another name: nothing leaves twice of one plan. All else that was stopped waits for another as-of or another content:
    what stopped it would stop it again, each time that somebody plans.
    """
    context, sync, known = planning.context, planning.asked.sync, planning.known
    if planning.standing is not None and counts.is_what_waits and mode != WITHDRAWALS:
        return planning.standing
    own = named(plan_id(planning.name, place_of(context, sync), mode, context.as_of, counts.content), known)
    if not counts.removed or own not in known or known[own]["state"] not in STANDING:
        return own
    is_owed = F.col("removal") & F.col("state").isin("cancelled", "rejected")
    is_none = planning.deliveries.where((F.col("plan_id") == own) & is_owed).isEmpty()
    return own if is_none else named(again(own), known)


def _is_approved(planning: Planning, rows: PlanRows) -> bool:
    """Whether all that leaves is part of a plan that a person has approved, as is the rest after a run that died."""
    standing = planning.standing
    if standing is None or planning.known[standing]["state"] != APPROVED:
        return False
    is_waiting = (F.col("plan_id") == standing) & F.col("state").isin("pending", *DOUBTFUL)
    seen = planning.deliveries.where(is_waiting).select("sync_key", "payload_hash", "removal")
    leaving = rows.frame.where(F.col("change").isin(*DELIVERED)).withColumn("removal", F.col("change") == REMOVED)
    is_same = [F.col(f"leaving.{name}").eqNullSafe(F.col(f"seen.{name}")) for name in seen.columns]
    return leaving.alias("leaving").join(seen.alias("seen"), is_same, how="left_anti").isEmpty()


def _stamp(context: JobContext, known: Mapping[str, Row]) -> datetime:
    """The start of the run; or after what was planned or sent later, before the lease was had or by a faster clock."""
    ledger = context.lake.ledger
    sent = ledger.read(RUN, ("started_at",), [("job", "=", "send_activation")])
    told = [*(row["logged_at"] for row in known.values()), *(row["started_at"] for row in sent)]
    told.append(ledger.latest(ACTIVATION_LOG, "logged_at"))
    later: list[datetime] = [moment.replace(tzinfo=UTC) + timedelta(microseconds=1) for moment in told if moment is not None]
    return max([context.run_started_at, *later])


def _write(planning: Planning, told: Sequence[Row], parts: Sequence[Part]) -> None:
    """Deliveries first, then what falls with earlier plans, and the plans last: without their rows nothing is sent."""
    known, lake = planning.known, planning.context.lake
    called, last, counts = [row["plan_id"] for row in told], told[-1], parts[-1].counts
    for row, part in zip(told, parts, strict=True):
        _write_deliveries(planning, row, part)
    ended = list(superseding(known, called, last["logged_at"], planning.is_due))
    going = {row["plan_id"] for row in ended}
    staying = [*called, *(name for name, row in known.items() if row["state"] in OPEN and name not in going)]
    if counts.stale or (counts.pending and not counts.is_what_waits):
        waiting = planning.deliveries.where((F.col("state") == "pending") & ~F.col("plan_id").isin(staying))
        # What a plan of withdrawals, or one beside it, has not sent yet counts as stale, too.
        if (planning.is_due and len(staying) == 1) or not waiting.isEmpty():
            about = counts.stale + counts.pending
            lake.append(_cancelled(waiting, last["destination"], last["logged_at"]), ACTIVATION_LOG, about=about)
    new = [row for row in told if row["plan_id"] not in known or known[row["plan_id"]]["state"] != row["state"]]
    lake.add([*ended, *new], ACTIVATION_PLAN)


def _write_deliveries(planning: Planning, row: Row, part: Part) -> None:
    context, known, called = planning.context, planning.known, row["plan_id"]
    is_written = called in known and known[called]["state"] != STOPPED
    if row["state"] != STOPPED and part.counts.deliveries and not is_written and not _is_there(context, called):
        named = (called, row["sync"], row["destination"], planning.asked.shape.operation, context.as_of)
        part.rows.to_outbox(context.lake, part.counts.deliveries, *named)


def _is_there(context: JobContext, called: str) -> bool:
    """Whether a run that was killed has written the deliveries of this plan already; they come in one commit."""
    return context.lake.ledger.count(ACTIVATION_OUTBOX, [("plan_id", "=", called)]) > 0


def _cancelled(waiting: DataFrame, destination: str, at: datetime) -> DataFrame:
    said = {
        "destination": F.lit(destination),
        "state": F.lit("cancelled"),
        "reason": F.lit("no longer current"),
        "logged_at": F.lit(at),
    }
    return waiting.select("delivery_id", *(_or_null(name, said, ACTIVATION_LOG) for name in ACTIVATION_LOG.columns[1:]))


def _or_null(name: str, said: Mapping[str, Column], table: Table) -> Column:
    empty = F.lit(None).cast(table.schema[name].dataType)
    return said.get(name, empty).alias(name)


def _samples(planned: DataFrame) -> list[Any]:
    leaving = planned.where("payload IS NOT NULL").orderBy("sync_key").limit(_SAMPLES)
    return [
        {"change": row["change"], "payload": masked(row["payload"])} for row in leaving.select("change", "payload").collect()
    ]
