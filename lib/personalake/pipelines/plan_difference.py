"""What a destination lacks of a sync: planned for those of whom anything differs, counted for all others."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.activation.syncs.acknowledged import acknowledged, capped, with_states
from personalake.activation.syncs.diff import plan
from personalake.activation.syncs.settled import JUDGED, LOGGED, SENT, Settled, settled
from personalake.activation.syncs.shapes import Shape
from personalake.activation.syncs.wanted import Asked, judged, one_for_each_key
from personalake.activation.templates import Saying
from personalake.config.audience_kinds import ability, kind_of, updates_only
from personalake.config.audiences import Sync
from personalake.config.connections import Connection
from personalake.config.secrets import resolve_secret
from personalake.lake.direct import FEW_ROWS, frame_of
from personalake.pipelines.audience_people import people
from personalake.pipelines.job import JobContext
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, CUSTOMER_PROFILE

# Four short columns of each person are held on the driver meanwhile; beyond this Spark does everything.
_MOST_PEOPLE = 3_000_000


@dataclass(frozen=True)
class Difference:
    """What has to be done about a sync.

    Args:
        changes: Rows of `diff.plan`.
        deliveries: Rows of `with_states`: all deliveries of the sync, apart from those that only tell what is at rest.
        besides: Groups of people of whom `changes` has no rows, since nothing is to be done about them.
    """

    changes: DataFrame
    deliveries: DataFrame
    besides: Sequence[Mapping[str, Any]] = ()


@contextmanager
def difference(
    context: JobContext, name: str, sync: Sync, shape: Shape, granted: DataFrame, standing: str | None
) -> Iterator[Difference]:
    """Compare what is wanted with what is held.

    Args:
        context: The job's.
        name: Name of the sync.
        sync: Its settings.
        shape: How its deliveries look.
        granted: `person_id` and `purposes` granted at this moment.
        standing: The plan of this as-of that stands, if there is one.
    """
    connection = context.settings.connections[sync.destination]
    asked = _asked(context, sync, connection, shape)
    everything = _deliveries(context, sync.destination).where(F.col("sync") == name)
    rows = judged(people(context, sync), granted, asked)
    if not _is_told_apart(context, name):
        yield Difference(_changes(context, asked, connection, rows, everything, everything, standing), everything)
        return
    rows = rows.persist(StorageLevel.MEMORY_AND_DISK)
    try:
        apart = _apart(context, name, sync, rows)
        if max(apart.moving.num_rows, apart.deliveries.num_rows) > FEW_ROWS:
            yield Difference(_changes(context, asked, connection, rows, everything, everything, standing), everything)
            return
        moving = rows.join(F.broadcast(frame_of(context.lake.spark, apart.moving)), "person_id", "left_semi")
        few = frame_of(context.lake.spark, apart.deliveries)
        yield Difference(_changes(context, asked, connection, moving, few, everything, standing), few, apart.groups)
    finally:
        rows.unpersist()


def _is_told_apart(context: JobContext, name: str) -> bool:
    """Whether people at rest are told apart first: not in a first plan, nor where the driver cannot read or hold them."""
    lake = context.lake
    if lake.locations.catalog or lake.ledger.rows(CUSTOMER_PROFILE) > _MOST_PEOPLE:
        return False
    return lake.ledger.count(ACTIVATION_OUTBOX, [("sync", "=", name)]) > 0


def _apart(context: JobContext, name: str, sync: Sync, rows: DataFrame) -> Settled:
    ledger = context.lake.ledger
    of_sync = [("destination", "=", sync.destination), ("sync", "=", name)]
    sent = ledger.scan(ACTIVATION_OUTBOX, of_sync).reader(SENT)
    log = ledger.scan(ACTIVATION_LOG, [("destination", "=", sync.destination)]).reader(LOGGED)
    return settled(rows.select(*JUDGED).toArrow(), sent, log)


def _asked(context: JobContext, sync: Sync, connection: Connection, shape: Shape) -> Asked:
    settings = context.settings
    most = min(sync.max_item_bytes, connection.max_item_bytes or sync.max_item_bytes)
    secrets = {where: resolve_secret(one.secret) for where, one in sync.mapped().items() if one.secret is not None}
    saying = None
    if sync.template is not None:
        saying = Saying(kind_of(connection), settings.templates[sync.template], tuple(sync.fields))
    return Asked(sync, shape, ability(connection, sync.event), settings.decisions.holdout, most, secrets, saying)


def _deliveries(context: JobContext, destination: str) -> DataFrame:
    """Deliveries of syncs to a destination with their states; without payloads, which are large."""
    lake = context.lake
    to_it = F.col("destination") == destination
    outbox = lake.read(ACTIVATION_OUTBOX).where(to_it & F.col("plan_id").isNotNull()).select(*SENT)
    log = lake.read(ACTIVATION_LOG).where(to_it).select(*LOGGED)
    return with_states(outbox, log)


def _changes(
    context: JobContext,
    asked: Asked,
    connection: Connection,
    rows: DataFrame,
    deliveries: DataFrame,
    everything: DataFrame,
    standing: str | None,
) -> DataFrame:
    sync, rows = asked.sync, rows.transform(one_for_each_key)
    if sync.cap is not None:
        enough = capped(everything, sync.cap, context.as_of).withColumn("is_capped", F.lit(True))
        rows = rows.join(enough, "person_id", "left")
    if sync.mode == "update" and not updates_only(connection):
        there = acknowledged(_deliveries(context, sync.destination), is_message=False).where("holder_id IS NOT NULL")
        rows = rows.join(there.select("sync_key", F.lit(True).alias("is_there")), "sync_key", "left")
    held = acknowledged(deliveries, asked.ability.is_message, standing)
    return plan(rows, held, sync.mode, sync.resend_rejected)
