"""The difference between what is wanted and what is held, as deliveries of one plan."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window, WindowSpec

from personalake.activation.syncs.shapes import Shape
from personalake.activation.syncs.wanted import HELD_OUT, NO_CONSENT
from personalake.common.transformation import Transformation
from personalake.config.audience_kinds import Mode
from personalake.tables.gold import ACTIVATION_OUTBOX

ADDED, CHANGED, REMOVED, UNCHANGED, REFUSED = "added", "changed", "removed", "unchanged", "refused"
DELIVERED = (ADDED, CHANGED, REMOVED)
# Neither wanted nor held, but in a plan that waits to be sent.
OBSOLETE = "obsolete"
# What each mode sends; the rest is left as it is.
LEAVING: Mapping[Mode, tuple[str, ...]] = {
    "insert": (ADDED,),
    "update": (ADDED, CHANGED),
    "upsert": (ADDED, CHANGED),
    "mirror": (ADDED, CHANGED, REMOVED),
    "archive": (ADDED, CHANGED, REMOVED),
}
# Modes that take away who left, and so who withdrew.
TAKING_LEAVERS = frozenset(mode for mode, changes in LEAVING.items() if REMOVED in changes)
REJECTED_BEFORE, CAPPED, NOT_THERE = "rejected before as it is", "capped", "not known at the destination"
HAD_IT = "has had it under another key"
GONE = "nobody has this device, or this name, there any more"
TOO_FEW, BEYOND = "too few people", "the plan is beyond its bounds"
ELSEWHERE, NOT_DUE = "said by a plan of its own", "the sync is not due"
REMOVAL_HASH = "removal"
# Who is refused for these must not be there. Any other refusal is of a row that cannot be said, and takes nothing away.
TAKING_AWAY = (NO_CONSENT, HELD_OUT)


def plan(
    wanted: DataFrame, acknowledged: DataFrame, mode: Mode, resend_rejected: bool = False, is_once: bool = False
) -> DataFrame:
    """What has to be done about each key so that the destination holds what is wanted.

    Args:
        wanted: Rows of `wanted`; besides, `is_capped` and `is_there` may say who has had enough, and whom the destination
            knows.
        acknowledged: Rows of `acknowledged`.
        mode: What is kept in step.
        resend_rejected: Whether what was refused there is sent again as it was.
        is_once: Whether each person is told once: who has a new address, or a new device, has read it under the old one.

    Returns:
        One row for each key of either side, apart from keys that are neither wanted nor held nor about to be: `change` is
        added, changed, removed, unchanged, obsolete or refused, with `refusal`; `base` is the delivery that the destination
        took last, `payload_hash` what is compared, `pending_hash` what an earlier plan still has to send; `is_wanted` and
        `is_held` say on which side the key is.
    """
    held = acknowledged.withColumnRenamed("sync_key", "held_key")
    if is_once:
        # By the holder: a key that somebody else has by now was told to whoever had it then.
        told_to = acknowledged.where("holder_id IS NOT NULL").select(F.col("holder_id").alias("told_id")).distinct()
        wanted = wanted.join(told_to, F.col("person_id") == F.col("told_id"), "left")
    rows = wanted.join(held, F.col("sync_key") == F.col("held_key"), "full_outer")
    stays = _stays() if REMOVED in LEAVING[mode] else F.lit(False)
    is_removal = F.col("sync_key").isNull()
    has_had = F.col("told_id").isNotNull() if is_once else F.lit(False)
    told = {"change": _change(stays), "is_wanted": _is_wanted(), "is_held": _is_held(), "has_had": has_had}
    found = rows.withColumns(told).withColumns(
        {
            "sync_key": F.coalesce("sync_key", "held_key"),
            "key": F.coalesce("key", "held_key"),
            "person_id": F.coalesce("person_id", "holder_id"),
            "payload_hash": F.when(is_removal, F.sha2(F.lit(REMOVAL_HASH), 256)).otherwise(F.col("payload_hash")),
        }
    )
    leaves = F.col("change").isin(*LEAVING[mode])
    refusal = F.when(leaves, _late_refusal(wanted.columns, resend_rejected))
    return (
        found.where(F.col("change").isNotNull() | F.col("pending_hash").isNotNull() | (F.col("stale") > 0))
        .withColumn("refusal", F.coalesce("refusal", refusal))
        .withColumn("change", _by_mode(leaves))
        .select(
            "sync_key", "key", "person_id", "decision_id", "purpose", "body", "beside", "payload_hash", "change", "refusal",
            "base", "pending_hash", "stale", "is_wanted", "is_held",
        )
    )  # fmt: skip


def _is_wanted() -> Column:
    return F.col("sync_key").isNotNull() & F.col("refusal").isNull()


def _is_held() -> Column:
    return F.col("holder_id").isNotNull()


def _stays() -> Column:
    """Whether what is held of a person stays as it is: they belong there, and what would be said of them cannot be."""
    is_unsayable = F.col("refusal").isNotNull() & ~F.col("refusal").isin(*TAKING_AWAY)
    is_judged_otherwise = F.col("sync_key").isNotNull() & ~is_unsayable
    return F.bool_or(is_unsayable).over(_of_person()) & ~F.bool_or(is_judged_otherwise).over(_of_person())


def _of_person() -> WindowSpec:
    return Window.partitionBy(F.coalesce("person_id", "holder_id", "held_key"))


def _change(stays: Column) -> Column:
    return (
        F.when(F.col("refusal").isNotNull(), REFUSED)
        .when(_is_wanted() & ~_is_held(), ADDED)
        .when(_is_wanted() & F.col("payload_hash").eqNullSafe(F.col("held_hash")), UNCHANGED)
        .when(_is_wanted(), CHANGED)
        .when(_is_held() & stays, UNCHANGED)
        .when(_is_held(), REMOVED)
    )


def _by_mode(leaves: Column) -> Column:
    return (
        F.when(F.col("refusal").isNotNull(), REFUSED)
        .when(F.col("change").isNull(), OBSOLETE)
        .when(leaves, F.col("change"))
        .otherwise(UNCHANGED)
    )


def _late_refusal(columns: list[str], resend_rejected: bool) -> Column:
    """Why something that differs is not sent all the same; who is there stays there."""
    refusal = F.when(F.lit(False), F.lit(None).cast("string"))
    if not resend_rejected:
        refusal = refusal.when(F.col("payload_hash") == F.col("rejected_hash"), REJECTED_BEFORE)
    refusal = refusal.when(F.col("has_had") & (F.col("change") == ADDED), HAD_IT)
    if "is_there" in columns:
        refusal = refusal.when(~F.coalesce("is_there", F.lit(False)), NOT_THERE)
    if "is_gone" in columns:
        refusal = refusal.when(F.coalesce("is_gone", F.lit(False)), GONE)
    if "is_capped" in columns:
        refusal = refusal.when(F.coalesce("is_capped", F.lit(False)), CAPPED)
    return refusal


def only_taking_away(planned: DataFrame) -> DataFrame:
    """The plan of an audience that has become too small to be told anything: who has to go is taken away all the same.

    Args:
        planned: Rows of `with_payloads`, with `values`.
    """
    return _unsaid(planned, TOO_FEW)


def only_withdrawn(planned: DataFrame, lacking: DataFrame, refusal: str = BEYOND) -> DataFrame:
    """Of a plan that may not leave as it is, whom to take away all the same: who withdrew.

    Args:
        planned: Rows of `with_payloads`, with `values`.
        lacking: `person_id` of the people who are known, and do not grant all that the sync asks for. Of others nobody can
            say that they withdrew: a person that an earlier run knew may be several by now.
        refusal: What is said of all others to whom there is something to say.
    """
    rows = planned.transform(_with_withdrawn(lacking))
    return _unsaid(_staying(rows, ~F.col("has_withdrawn")), refusal)


def without_withdrawn(planned: DataFrame, lacking: DataFrame) -> DataFrame:
    """The rest of such a plan: whom `only_withdrawn` takes away is left as they are.

    Args:
        planned: Rows of `with_payloads`, with `values`.
        lacking: See `only_withdrawn`.
    """
    return _staying(planned.transform(_with_withdrawn(lacking)), F.col("has_withdrawn"))


def _with_withdrawn(lacking: DataFrame) -> Transformation:
    """Add `has_withdrawn`: of whom the plan itself says that they do not grant what a decision is for, too."""
    gone = lacking.select(F.col("person_id").alias("lacking_id")).distinct()
    is_refused = F.coalesce(F.bool_or(F.col("refusal") == NO_CONSENT).over(Window.partitionBy("person_id")), F.lit(False))
    has_withdrawn = F.col("lacking_id").isNotNull() | is_refused

    def told(rows: DataFrame) -> DataFrame:
        joined = rows.join(gone, F.col("person_id") == F.col("lacking_id"), "left")
        return joined.withColumn("has_withdrawn", has_withdrawn).drop("lacking_id")

    return told


def _staying(rows: DataFrame, is_left: Column) -> DataFrame:
    """Removals that are left out of a plan; `has_withdrawn` goes."""
    stays = (F.col("change") == REMOVED) & is_left
    kept = {
        "payload": F.when(~stays, F.col("payload")),
        "values": F.when(stays, 0).otherwise(F.col("values")),
        "change": F.when(stays, UNCHANGED).otherwise(F.col("change")),
    }
    return rows.withColumns(kept).drop("has_withdrawn")


def _unsaid(planned: DataFrame, refusal: str) -> DataFrame:
    is_said = F.col("change").isin(ADDED, CHANGED)
    return planned.withColumns(
        {
            "refusal": F.when(is_said, refusal).otherwise(F.col("refusal")),
            "payload": F.when(~is_said, F.col("payload")),
            "values": F.when(is_said, 0).otherwise(F.col("values")),
            "change": F.when(is_said, REFUSED).otherwise(F.col("change")),
        }
    )


def with_payloads(changes: DataFrame, shape: Shape, place: str) -> DataFrame:
    """Add `payload` to what leaves: added, changed and removed; null for all else.

    Args:
        changes: Rows of `plan`.
        shape: How deliveries look.
        place: Environment, destination and sync; part of message ids, since a vendor remembers those of all of them.
    """
    # The same content after the same predecessor has the same id, whichever plan it is part of: where a destination
    # remembers ids, what an earlier plan sent and nobody knows of is not taken twice.
    message = F.concat_ws("|", F.lit(place), "sync_key", "payload_hash", F.coalesce("base", F.lit("")))
    is_said = F.col("change").isin(ADDED, CHANGED)
    removal = F.lit(None).cast("string") if shape.removal is None else shape.removal
    payload = F.when(is_said, shape.payload).when(F.col("change") == REMOVED, removal)
    return changes.withColumn(
        "message_id", F.when(is_said | (F.col("change") == REMOVED), F.substring(F.sha2(message, 256), 1, 40))
    ).withColumn("payload", payload)


def audience_rows(planned: DataFrame) -> DataFrame:
    """What a plan made of each person of the audience that it looked at: key, hash, refusal, and whether it is wanted.

    Args:
        planned: Rows of `plan`.
    """
    refusal = F.when(~F.col("is_wanted"), F.col("refusal")).alias("refusal")
    # What is refused when it is taken away is wanted by nobody.
    of_audience = (F.col("change") == REFUSED) & (F.col("refusal") != REJECTED_BEFORE)
    rows = planned.where(F.col("is_wanted") | of_audience)
    return rows.select("person_id", "sync_key", "payload_hash", refusal, "is_wanted")


def outbox_rows(planned: DataFrame, plan_id: str, sync: str, destination: str, operation: str, as_of: date) -> DataFrame:
    """Deliveries of a plan as rows of `gold.activation_outbox`, for who still may be sent something.

    Args:
        planned: Rows of `with_payloads`.
        plan_id: The plan.
        sync: Name of the sync.
        destination: Name of the connection.
        operation: What is done there.
        as_of: Exclusive day.
    """
    identity = F.concat_ws("|", F.lit(plan_id), "sync_key", F.lit(operation))
    return (
        planned.where(F.col("change").isin(*DELIVERED))
        .withColumns(
            {
                "delivery_id": F.substring(F.sha2(identity, 256), 1, 40),
                "destination": F.lit(destination),
                "operation": F.lit(operation),
                "as_of": F.lit(as_of),
                "plan_id": F.lit(plan_id),
                "sync": F.lit(sync),
                "removal": F.col("change") == REMOVED,
            }
        )
        .select(*ACTIVATION_OUTBOX.columns)
    )
