"""Who is wanted at a destination, one row for each person of an audience, with what is said of them or why not."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.window import Window

from personalake.activation.syncs.shapes import Shape
from personalake.activation.syncs.values import mapped
from personalake.activation.templates.batch import LOCALE, UNSAID, VARIABLE, Saying, with_bodies
from personalake.common.hashing import key_blocks, keyed_share
from personalake.config.audience_kinds import Ability
from personalake.config.audiences import Mapped, Sync
from personalake.config.decisions import Holdout

NO_CONSENT, HELD_OUT, NO_IDENTIFIER = "no consent at this moment", "holdout", "no identifier"
NO_PERSON = "no person"
NULL_IN_ROW = "a null in a row that cannot leave a value out"
OVERSIZE, SAME_KEY = "oversize", "another person has the same key"
SAME_PERSON = "another decision about the same person is said under the same key"
WANTED = ("sync_key", "person_id", "decision_id", "purpose", "key", "body", "beside", "payload_hash", "refusal")
# What is needed of a row beside what its template says.
_CARRIED = ("person_id", "decision_id", "sync_key", "key", "beside", "needs", "refusal")
# Between the key of a person and what else tells deliveries apart: an order, more columns of a primary key.
APART = "\x1f"
# Of whom nothing leaves, a place of their own: a real key never begins with it.
_NOWHERE = "\0"
_INNER, _OUTER = "_inner_", "_outer_"


@dataclass(frozen=True)
class Asked:
    """One sync, with all that says how its audience is judged.

    Args:
        sync: Its settings.
        shape: How deliveries look.
        ability: What the destination can do.
        holdout: Who is held out of decisions.
        max_item_bytes: Bytes of one delivery, the lesser of what sync and connection say.
        secrets: Key of each hmac, by where the mapping says it (`key`, `fields.…`).
        saying: The template whose variables the fields are; null where the fields are the body.
    """

    sync: Sync
    shape: Shape
    ability: Ability
    holdout: Holdout
    max_item_bytes: int
    secrets: Mapping[str, str]
    saying: Saying | None = None

    @property
    def values(self) -> dict[str, Column]:
        """Field to value."""
        return {name: mapped(one, self._blocks(f"fields.{name}")) for name, one in self.sync.fields.items()}

    @property
    def key(self) -> Column:
        """What the destination knows a person by; null if that is empty."""
        known = self._text("key", self.sync.key)
        before = self.sync.anonymous_key
        return known if before is None else F.coalesce(known, self._text("anonymous_key", before))

    @property
    def sync_key(self) -> Column:
        """What no two deliveries of one plan have in common, of columns `key`, `decision_id` and those of the audience."""
        audience = self.sync.audience
        if audience.orders is not None:
            # What was paid in another currency is a row of its own, and was not said with the first.
            placed = ("line_id",) if audience.orders.each == "product" else ("order_id", "currency")
            return F.concat_ws(APART, "key", *placed)
        more = [self.values[name].cast("string") for name in self.shape.more_keys]
        key = F.concat_ws(APART, "key", *more) if more else F.col("key")
        return F.concat_ws("/", key, "decision_id") if self.tells_each else key

    @property
    def tells_each(self) -> bool:
        """Whether each decision is told by a delivery of its own; else the one of the as-of is a state, kept at the key."""
        sync, able = self.sync, self.ability
        if sync.audience.decisions is None or not able.takes_fields:
            return False
        return able.is_message or sync.mode == "insert" or (able.is_event and sync.mode == "upsert")

    def held_key(self) -> Column:
        """What `sync_key` is by now of rows of the outbox: decisions had one key together where each has its own now."""
        own = F.concat(F.lit("/"), F.col("decision_id"))
        lacks_own = F.lit(self.tells_each) & F.col("decision_id").isNotNull() & ~F.endswith(F.col("sync_key"), own)
        return F.when(lacks_own, F.concat("sync_key", own)).otherwise(F.col("sync_key"))

    @property
    def beside(self) -> Column:
        """What stands beside the body; see `Shape.beside`."""
        texts = {where: self._text(where, one) for where, one in self.sync.mapped().items()}
        return self.shape.beside(texts)

    def _text(self, where: str, one: Mapped) -> Column:
        text = mapped(one, self._blocks(where)).cast("string")
        return F.when(text != "", text)

    def with_keys(self, people: DataFrame) -> DataFrame:
        """People with the blocks of each key beside them, where there are keys."""
        if not self.secrets:
            return people
        blocks = [block for where in sorted(self.secrets) for block in key_blocks(self.secrets[where])]
        names = [f"{part}{place}" for place in range(len(self.secrets)) for part in (_INNER, _OUTER)]
        row = people.sparkSession.createDataFrame([tuple(blocks)], ", ".join(f"{name} binary" for name in names))
        return people.crossJoin(F.broadcast(row))

    def _blocks(self, where: str) -> tuple[Column, Column] | None:
        if where not in self.secrets:
            return None
        place = sorted(self.secrets).index(where)
        return F.col(f"{_INNER}{place}"), F.col(f"{_OUTER}{place}")


def wanted(people: DataFrame, granted: DataFrame, asked: Asked) -> DataFrame:
    """Judge and shape an audience; consent fails closed.

    Args:
        people: People of the audience with all columns that the sync reads; of decisions, `decision_id` and `purpose`, too.
        granted: `person_id` and `purposes` granted at this moment.
        asked: The sync.

    Returns:
        Columns of `WANTED`, one row for each row of `people`. `refusal` is null for who may be sent; `sync_key` is unique,
        and stands for nobody where `refusal` says why. `payload_hash` is of the body, and of what shapes it.
    """
    sync, is_decided = asked.sync, asked.sync.audience.decisions is not None
    identity = F.concat_ws("|", F.lit(asked.shape.mark), "body")
    judged = (
        asked.with_keys(people)
        .join(granted, "person_id", "left")
        .withColumns({"key": asked.key, "beside": asked.beside, "needs": _needs(sync, is_decided)})
        .withColumn("decision_id", F.col("decision_id") if is_decided else F.lit(None).cast("string"))
        .withColumn("sync_key", asked.sync_key)
        .withColumn("refusal", _refusal(asked))
    )
    is_oversize = F.octet_length("body") > asked.max_item_bytes
    return (
        _with_body(judged, asked)
        .withColumn("refusal", F.coalesce("refusal", F.when(is_oversize, OVERSIZE)))
        .withColumn("sync_key", F.when(F.col("refusal").isNull(), F.col("sync_key")).otherwise(_nowhere()))
        .withColumns({"purpose": F.array_join("needs", ","), "payload_hash": F.sha2(identity, 256)})
        .select(*WANTED)
        .transform(_one_for_each_key)
    )


def _needs(sync: Sync, is_decided: bool) -> Column:
    purposes = F.array(*map(F.lit, dict.fromkeys(sync.purposes)))
    return F.array_distinct(F.array_append(purposes, F.col("purpose"))) if is_decided else purposes


def _refusal(asked: Asked) -> Column:
    sync, holdout = asked.sync, asked.holdout
    is_granted = F.coalesce(F.size(F.array_except("needs", "purposes")) == 0, F.lit(False))
    refusal = F.when(~is_granted, NO_CONSENT)
    if sync.holdout:
        refusal = refusal.when(keyed_share(holdout.salt) < holdout.share, HELD_OUT)
    refusal = refusal.when(F.col("key").isNull(), NO_IDENTIFIER)
    if asked.ability.is_whole_row and sync.nulls == "skip" and asked.saying is None:
        for value in asked.values.values():
            refusal = refusal.when(value.isNull(), NULL_IN_ROW)
    return refusal


def _with_body(judged: DataFrame, asked: Asked) -> DataFrame:
    """With what is said: the fields, or the template filled with them, where a missing value refuses the row."""
    if asked.saying is None:
        return judged.withColumn("body", asked.shape.body(asked.values))
    locale = F.lit(None) if asked.sync.locale is None else F.expr(asked.sync.locale)
    given = {f"{VARIABLE}{name}": value for name, value in asked.values.items()}
    told = judged.withColumns({LOCALE: locale.cast("string"), **given})
    filled = with_bodies(told.select(*_CARRIED, LOCALE, *given), asked.saying)
    return filled.withColumn("refusal", F.coalesce("refusal", UNSAID))


def _nowhere() -> Column:
    return F.concat(F.lit(_NOWHERE), "person_id")


def _one_for_each_key(rows: DataFrame) -> DataFrame:
    """Of several people with one key, the first by id is sent: which one it is must not change from plan to plan."""
    one_key = Window.partitionBy("sync_key").orderBy("person_id", "decision_id")
    why = F.when(F.first("person_id").over(one_key) == F.col("person_id"), SAME_PERSON).otherwise(SAME_KEY)
    return rows.withColumns({"place": F.row_number().over(one_key), "why": why}).select(
        *(name for name in WANTED if name != "refusal"),
        F.when(F.col("place") > 1, F.coalesce("refusal", "why")).otherwise(F.col("refusal")).alias("refusal"),
    )
