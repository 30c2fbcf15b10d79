"""Audiences to plans: what each connection lacks of its syncs goes to the outbox, if it may leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.activation.syncs.acknowledged import acknowledged, capped, with_states
from personalake.activation.syncs.counts import Counts, counted
from personalake.activation.syncs.diff import ADDED, CHANGED, REMOVED, outbox_rows, plan, with_payloads
from personalake.activation.syncs.masking import masked
from personalake.activation.syncs.shapes import Shape, shape_of
from personalake.activation.syncs.verdict import STOPPED, Cost, cost, plan_id, verdict
from personalake.activation.syncs.wanted import Asked, wanted
from personalake.common.merged_persons import as_persons_now
from personalake.common.transformation import Transformation
from personalake.config.audience_checks import audience_problems
from personalake.config.audience_kinds import ability, updates_only
from personalake.config.audiences import Sync, is_due
from personalake.config.connections import BrazeTrackConnection, Connection
from personalake.config.secrets import resolve_secret
from personalake.errors import ConfigError
from personalake.pipelines.audience_people import people
from personalake.pipelines.job import JobContext
from personalake.pipelines.merged import merged_persons
from personalake.pipelines.plan_states import latest_plans, named, newest, next_state, standing_at, superseding
from personalake.privacy.consent import granted_among, granted_purposes
from personalake.tables import Table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN, CUSTOMER_PROFILE

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
    """

    sync: str
    row: Row
    counts: Counts
    samples: Sequence[Any] = ()


def due_syncs(context: JobContext) -> dict[str, Sync]:
    """Syncs to be planned in this run: the one that was asked for, or those whose day it is.

    Raises:
        ConfigError: If a sync does not fit its connection, or there is none of the asked name.
    """
    settings, asked = context.settings, context.options.get("sync")
    found = audience_problems(settings.audiences, settings.connections, settings.destinations)
    problems = [f"{'.'.join(place)}: {text}" for place, text in found]
    active = {
        name: sync
        for name, sync in sorted(settings.audiences.items())
        if sync.enabled and (connection := settings.connections.get(sync.destination)) is not None and connection.enabled
    }
    if asked is not None and asked not in active:
        there = ", ".join(active) or "none"
        problems.append(f"--sync {asked}: no enabled sync of that name to an enabled connection; there are: {there}")
    if problems:
        raise ConfigError(problems)
    if asked is not None:
        return {asked: active[asked]}
    if not active:
        return {}
    planned = {name: newest(list(latest_plans(context.lake.ledger, name).values())) for name in active}
    return {
        name: sync
        for name, sync in active.items()
        if is_due(sync.schedule, context.as_of, None if (last := planned[name]) is None else last["as_of"])
    }


def plan_audiences(
    context: JobContext, syncs: Mapping[str, Sync], consents: DataFrame, wanted_at_all: Transformation
) -> list[Planned]:
    """Plan each sync; none if there are no profiles of this as-of.

    Args:
        context: The job's.
        syncs: Syncs that are due.
        consents: Rows of `silver.consent_current` without what has been refused by now.
        wanted_at_all: Leaves out people who are in no export any more, since they were erased or ask to be.
    """
    if not syncs or context.lake.ledger.latest(CUSTOMER_PROFILE, "as_of") != context.as_of:
        return []
    return [
        _planned(context, name, sync, consents.transform(_granted(sync)).transform(wanted_at_all))
        for name, sync in syncs.items()
    ]


def _granted(sync: Sync) -> Transformation:
    """What people grant of what the sync asks for; decisions ask for purposes of their own."""
    return granted_purposes if sync.audience.decisions is not None else granted_among(sync.purposes)


def _planned(context: JobContext, name: str, sync: Sync, granted: DataFrame) -> Planned:
    connection = context.settings.connections[sync.destination]
    known = latest_plans(context.lake.ledger, name)
    shape = shape_of(name, sync, connection, context.as_of)
    deliveries = _deliveries(context, sync.destination).where(F.col("sync") == name)
    changes = _changes(context, sync, connection, shape, granted, deliveries, standing_at(known, context.as_of))
    planned = (
        changes.transform(lambda rows: with_payloads(rows, shape, name))
        .withColumn("values", _values(sync, connection))
        .drop("key", "body", "message_id")
        .persist(StorageLevel.MEMORY_AND_DISK)
    )
    try:
        counts = counted(planned)
        row = _row(context, name, sync, counts, cost(counts, sync, connection), known)
        if context.dry_run:
            return Planned(name, row, counts, _samples(planned))
        _write(context, row, shape, planned, deliveries, counts, known)
        return Planned(name, row, counts)
    finally:
        planned.unpersist()


def _deliveries(context: JobContext, destination: str) -> DataFrame:
    """Deliveries of syncs to a destination with their states; without payloads, which are large."""
    lake = context.lake
    to_it = F.col("destination") == destination
    outbox = lake.read(ACTIVATION_OUTBOX).where(to_it & F.col("plan_id").isNotNull())
    slim = outbox.select("delivery_id", "person_id", "payload_hash", "as_of", "plan_id", "sync", "sync_key", "removal")
    log = lake.read(ACTIVATION_LOG).where(to_it).select("delivery_id", "state", "logged_at")
    return with_states(slim.transform(as_persons_now(merged_persons(lake.ledger))), log)


def _changes(
    context: JobContext,
    sync: Sync,
    connection: Connection,
    shape: Shape,
    granted: DataFrame,
    deliveries: DataFrame,
    standing: str | None,
) -> DataFrame:
    able = ability(connection, sync.event)
    most = min(sync.max_item_bytes, connection.max_item_bytes or sync.max_item_bytes)
    secrets = {where: resolve_secret(one.secret) for where, one in sync.mapped().items() if one.secret is not None}
    asked = Asked(sync, shape, able, context.settings.decisions.holdout, most, secrets)
    rows = wanted(people(context, sync), granted, asked)
    if sync.cap is not None:
        enough = capped(deliveries, sync.cap, context.as_of).withColumn("is_capped", F.lit(True))
        rows = rows.join(enough, "person_id", "left")
    if sync.mode == "update" and not updates_only(connection):
        there = acknowledged(_deliveries(context, sync.destination), is_message=False).where("holder_id IS NOT NULL")
        rows = rows.join(there.select("sync_key", F.lit(True).alias("is_there")), "sync_key", "left")
    held = acknowledged(deliveries, able.is_message, standing)
    return plan(rows, held, sync.mode, sync.resend_rejected)


def _values(sync: Sync, connection: Connection) -> Column:
    """How many values a delivery sets, where that is what is billed."""
    if not isinstance(connection, BrazeTrackConnection):
        return F.lit(0)
    flag = 0 if sync.membership is None else 1
    taken = len(sync.fields) if sync.mode == "mirror" else 0
    given = F.coalesce(F.size(F.json_object_keys("body")), F.lit(0)) + flag
    return F.when(F.col("change").isin(ADDED, CHANGED), given).when(F.col("change") == REMOVED, taken + flag).otherwise(0)


def _row(context: JobContext, name: str, sync: Sync, counts: Counts, costs: Cost, known: Mapping[str, Row]) -> Row:
    """The plan as a row; of an equal plan that stands already, its name and state."""
    standing = standing_at(known, context.as_of)
    own = plan_id(name, sync.destination, sync.mode, context.as_of, counts.content)
    called = standing if standing is not None and counts.is_what_waits else named(own, known)
    state, reason = verdict(counts, sync)
    current = known[called]["state"] if called in known else None
    if next_state(current, state) is None and current is not None:
        state, reason = current, known[called]["reason"]
    return {
        "plan_id": called,
        "sync": name,
        "destination": sync.destination,
        "mode": sync.mode,
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


def _stamp(context: JobContext, known: Mapping[str, Row]) -> datetime:
    """The start of the run, or right after the latest change of a plan if a clock was set back."""
    latest: datetime | None = max((row["logged_at"] for row in known.values()), default=None)
    if latest is None:
        return context.run_started_at
    return max(context.run_started_at, latest.replace(tzinfo=UTC) + timedelta(microseconds=1))


def _write(
    context: JobContext,
    row: Row,
    shape: Shape,
    planned: DataFrame,
    deliveries: DataFrame,
    counts: Counts,
    known: Mapping[str, Row],
) -> None:
    """Deliveries first, then what falls with earlier plans, and the plan last: without its row nothing of it is sent."""
    lake, called = context.lake, row["plan_id"]
    is_written = called in known and known[called]["state"] != STOPPED
    if row["state"] != STOPPED and counts.deliveries and not is_written and not _is_there(context, called):
        rows = outbox_rows(planned, called, row["sync"], row["destination"], shape.operation, context.as_of)
        lake.append(rows, ACTIVATION_OUTBOX)
    if counts.stale or (counts.pending and not counts.is_what_waits):
        waiting = deliveries.where((F.col("state") == "pending") & (F.col("plan_id") != called))
        lake.append(_cancelled(waiting, row["destination"], context.run_started_at), ACTIVATION_LOG)
    ended = list(superseding(known, called, row["logged_at"]))
    is_new = called not in known or known[called]["state"] != row["state"]
    lake.add([*ended, *([row] if is_new else [])], ACTIVATION_PLAN)


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
