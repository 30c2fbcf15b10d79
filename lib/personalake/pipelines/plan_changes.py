"""What a sync's plan has to say of whom, at everybody or only at those of whom something changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.activation.receipts.addresses import address_kind
from personalake.activation.syncs.acknowledged import acknowledged, capped, counted_since, with_states
from personalake.activation.syncs.braze_profile import keys_set, keys_taken_away, names_billed
from personalake.activation.syncs.diff import ADDED, CHANGED, REMOVED, plan, with_payloads
from personalake.activation.syncs.shapes import shape_of
from personalake.activation.syncs.wanted import Asked, wanted
from personalake.activation.templates import Saying
from personalake.common.hashing import with_keyed_hash
from personalake.common.merged_persons import as_persons_now
from personalake.common.transformation import Transformation
from personalake.config.audience_kinds import ability, channel_of, key_field_of, kind_of, updates_only
from personalake.config.audiences import Sync
from personalake.config.connections import BrazeTrackConnection, Connection
from personalake.config.secrets import resolve_secret
from personalake.pipelines.audience_people import people
from personalake.pipelines.job import JobContext
from personalake.pipelines.merged import merged_persons
from personalake.pipelines.plan_basis import Narrow, keeps_doubts
from personalake.pipelines.plan_states import Row, standing_at
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.reachability import reachable_on
from personalake.privacy.consent import granted_among, granted_purposes
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, CUSTOMER_PROFILE
from personalake.tables.receipts import SUPPRESSION, UNREGISTERED
from personalake.tables.silver import PERSON_LINK

_OUTBOX = (
    "delivery_id", "decision_id", "person_id", "payload_hash", "as_of", "plan_id", "sync", "sync_key", "removal",
)  # fmt: skip


@dataclass(frozen=True)
class Planning:
    """One sync that is planned.

    Args:
        context: The job's.
        name: Name of the sync.
        connection: Where it goes.
        asked: The sync, with all that says how its audience is judged.
        known: The sync's plans so far, by name.
        consents: Gives rows of `silver.consent_current` without what has been refused by now.
        wanted_at_all: Leaves out people who are in no export any more.
        is_due: Whether everything is planned; else only withdrawals.
    """

    context: JobContext
    name: str
    connection: Connection
    asked: Asked
    known: Mapping[str, Row]
    consents: Callable[[], DataFrame]
    wanted_at_all: Transformation
    is_due: bool = True

    @property
    def standing(self) -> str | None:
        """A plan of this as-of that waits to be sent, if there is one."""
        return standing_at(self.known, self.context.as_of)

    @property
    def place(self) -> str:
        """What tells the sync from those of other environments and destinations, which one vendor may have, too."""
        return f"{place_of(self.context, self.asked.sync)}/{self.name}"

    @property
    def deliveries(self) -> DataFrame:
        """The sync's deliveries with their states, by the keys that it has now."""
        found = deliveries_to(self.context, self.asked.sync.destination).where(F.col("sync") == self.name)
        return found.withColumn("sync_key", self.asked.held_key())


def place_of(context: JobContext, sync: Sync) -> str:
    """Environment and destination: two of either may be one account of a vendor."""
    return f"{context.settings.environment}/{sync.destination}"


def asked_of(context: JobContext, name: str, sync: Sync, connection: Connection) -> Asked:
    """The sync, with all that says how its audience is judged."""
    most = min(sync.max_item_bytes, connection.max_item_bytes or sync.max_item_bytes)
    secrets = {where: resolve_secret(one.secret) for where, one in sync.mapped().items() if one.secret is not None}
    saying = None
    if sync.template is not None:
        saying = Saying(kind_of(connection), context.settings.templates[sync.template], tuple(sync.fields))
    shape = shape_of(name, sync, connection, context.as_of)
    able = ability(connection, sync.happening, sync.audience.orders is not None)
    return Asked(sync, shape, able, context.settings.decisions.holdout, most, secrets, saying)


def deliveries_to(context: JobContext, destination: str) -> DataFrame:
    """Deliveries of syncs to a destination with their states; without payloads, which are large."""
    lake = context.lake
    to_it = F.col("destination") == destination
    outbox = lake.read(ACTIVATION_OUTBOX).where(to_it & F.col("plan_id").isNotNull())
    slim = outbox.select(*_OUTBOX)
    log = lake.read(ACTIVATION_LOG).where(to_it).select("delivery_id", "state", "logged_at")
    return with_states(slim.transform(as_persons_now(merged_persons(lake.ledger))), log)


def changes(planning: Planning, narrow: Narrow | None) -> DataFrame:
    """Rows of `plan` with their payloads and the number of their values.

    Args:
        planning: The sync.
        narrow: Whom to look at; everybody if null.
    """
    context, asked, sync = planning.context, planning.asked, planning.asked.sync
    who = people(context, sync, None if narrow is None else narrow.among)
    granted = granted_now(planning) if narrow is None else narrow.granted.transform(planning.wanted_at_all)
    rows = wanted(who, granted, asked)
    rows = rows.transform(with_gone(planning))
    if sync.cap is not None:
        since = counted_since(sync.cap, context.run_started_at, context.settings.business_timezone)
        enough = capped(planning.deliveries, sync.cap, since).withColumn("is_capped", F.lit(True))
        rows = rows.join(enough, "person_id", "left")
    if sync.mode == "update" and not updates_only(planning.connection):
        held_there = acknowledged(deliveries_to(context, sync.destination), is_message=False)
        there = held_there.where("holder_id IS NOT NULL")
        rows = rows.join(there.select("sync_key", F.lit(True).alias("is_there")), "sync_key", "left")
    is_held = keeps_doubts(planning.connection, sync)
    known = planning.deliveries
    held = narrow.held if narrow else acknowledged(known, asked.ability.is_message, planning.standing, is_held)
    # Decisions and orders are told one by one, whoever has the key.
    is_once = asked.ability.is_message and sync.audience.decisions is None and sync.audience.orders is None
    return (
        plan(rows, held, sync.mode, sync.resend_rejected, is_once)
        .transform(lambda found: with_payloads(found, asked.shape, planning.place))
        .withColumn("values", _values(sync, planning.connection))
        .drop("key", "body", "beside", "message_id")
    )


def with_gone(planning: Planning) -> Transformation:
    """Add `is_gone` where the keys are devices or users of an app, and some of them are known to be nobody's any more."""
    context, sync = planning.context, planning.asked.sync
    called = sync.key_field or key_field_of(planning.connection)
    place = address_kind(kind_of(planning.connection), called, sync.destination)
    if place is None or not context.lake.ledger.count(SUPPRESSION, [("reason", "=", UNREGISTERED)]):
        return lambda rows: rows
    lasts = F.col("until").isNull() | (F.col("until") > F.lit(context.run_started_at.isoformat()).cast("timestamp"))
    known = context.lake.read(SUPPRESSION).where((F.col("reason") == UNREGISTERED) & lasts)
    gone = known.select(F.col("identifier_hash").alias("address_hash"), F.lit(True).alias("is_gone")).distinct()
    address = F.concat(F.lit("|".join(place)), F.col("key"))
    hashed = with_keyed_hash(erasure_key(context.settings, context.lake.locations), "address_hash", address)
    return lambda rows: rows.transform(hashed).join(gone, "address_hash", "left").drop("address_hash")


def allowed(planning: Planning) -> DataFrame:
    """Consents; of who cannot be reached on the sync's channel none, whatever it asks for: the last look would stop it."""
    consents, sync = planning.consents(), planning.asked.sync
    channel = channel_of(planning.connection, sync.channel)
    # Where the sync asks for the channel's own purpose, that is taken away already.
    if channel is None or planning.context.settings.receipts.purposes.get(channel) in sync.purposes:
        return consents
    return consents.transform(reachable_on(planning.context, channel))


def granted_now(planning: Planning) -> DataFrame:
    """`person_id` and `purposes` of who may be told something at this moment."""
    return allowed(planning).transform(_granted(planning.asked.sync)).transform(planning.wanted_at_all)


def lacking_now(planning: Planning) -> DataFrame:
    """`person_id` of the people who are known, and do not grant all that the sync asks for at this moment."""
    asked = F.array(*map(F.lit, planning.asked.sync.purposes)).cast("array<string>")
    allowing = granted_now(planning).where(F.size(F.array_except(asked, "purposes")) == 0)
    known = [planning.context.lake.read(table).select("person_id") for table in (PERSON_LINK, CUSTOMER_PROFILE)]
    return known[0].unionByName(known[1]).distinct().join(allowing, "person_id", "left_anti")


def _granted(sync: Sync) -> Transformation:
    """What people grant of what the sync asks for; decisions ask for purposes of their own."""
    return granted_purposes if sync.audience.decisions is not None else granted_among(sync.purposes)


def _values(sync: Sync, connection: Connection) -> Column:
    """How many values a delivery sets, where that is what is billed."""
    if not isinstance(connection, BrazeTrackConnection):
        return F.lit(0)
    flag = 0 if sync.membership is None else 1
    taken = keys_taken_away(sync.fields) if sync.mode == "mirror" else 0
    given = keys_set(F.col("body"), names_billed(sync)) + flag
    return F.when(F.col("change").isin(ADDED, CHANGED), given).when(F.col("change") == REMOVED, taken + flag).otherwise(0)
