"""What planning remembers of each person, and whom it need not look at again: all that a plan reads is as it was.

What is remembered follows from its inputs alone, not from any plan: it may be lost, or be older than the last plan, and is
then made anew. Syncs that read more than rows of one person, or whose people depend on the day, are planned whole each time.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import duckdb
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.activation.syncs import unchanged
from personalake.activation.syncs.wanted import Asked
from personalake.common.hashing import keyed_hash_of
from personalake.config.audience_columns import PSEUDONYM
from personalake.config.audience_kinds import channel_of, holds_doubts, updates_only
from personalake.config.audiences import Sync
from personalake.config.connections import Connection
from personalake.config.sql import members_made
from personalake.lake.conditions import Conditions
from personalake.lake.declared import arrow_schema
from personalake.lake.direct import frame_of
from personalake.pipelines.consents_now import allowed_now, lay_out_consents
from personalake.pipelines.fingerprint import code_version
from personalake.pipelines.job import JobContext
from personalake.pipelines.merged import merged_table
from personalake.pipelines.plan_rows import PlanRows
from personalake.privacy.pseudonyms import key_ring
from personalake.tables import Table
from personalake.tables.activation import ACTIVATION_BASIS
from personalake.tables.context import OFFER_HISTORY
from personalake.tables.gold import (
    ACTIVATION_LOG,
    ACTIVATION_OUTBOX,
    CUSTOMER_PROFILE,
    PREDICTION,
    RECOMMENDATION,
    SEGMENT_MEMBERSHIP,
)
from personalake.tables.identity import PERSON
from personalake.tables.silver import CATALOG_ITEM

# Parts of what is known of a person: where they lie, and whether a row is of one as-of.
_PARTS: Mapping[str, tuple[Table, bool]] = {
    "person": (PERSON, False),
    "profile": (CUSTOMER_PROFILE, False),
    "segments": (SEGMENT_MEMBERSHIP, True),
    "churn": (PREDICTION, True),
    "items": (RECOMMENDATION, True),
    "listed": (RECOMMENDATION, True),
}
_OF_THE_DAY = ("days_since_last_order",)
_UNREAD = ("as_of", "model_version")
_OUTBOX = ("delivery_id", "person_id", "payload_hash", "plan_id", "sync_key", "removal")
_LOG = ("delivery_id", "state", "logged_at")
# What decides when a plan is made and whether it leaves, and nothing of what is in it.
_APART = frozenset({"enabled", "schedule", "bounds", "approve_above", "min_people", "max_age_days", "resend_rejected"})
# Beyond this share a whole plan costs less; beyond so many people the driver has no room for them.
_MOST_CHANGED, _MOST_PEOPLE = 0.25, 5_000_000
# Of so many people one task makes the plan sooner than Spark hands rows from task to task.
_FEW = 20_000
_MEMORY = "3GB"
# Rows without payloads are narrow.
_AT_ONCE = 100_000


@dataclass(frozen=True)
class Narrow:
    """Whom a plan looks at.

    Args:
        people: `person_id` of those of whom something changed.
        granted: What they allow, as `granted_purposes` says it.
        held: Rows of `acknowledged` but those of keys that stand as they are.
        rest: Everybody else, in groups as `counted` makes them.
        are_few: Whether spreading their rows over tasks costs more than it saves.
    """

    people: DataFrame
    granted: DataFrame
    held: DataFrame
    rest: Sequence[Mapping[str, Any]]
    are_few: bool

    def among(self, rows: DataFrame) -> DataFrame:
        """Their rows, of few people in one partition: what joins and groups such rows then asks for no exchange."""
        theirs = rows.join(F.broadcast(self.people), "person_id", "left_semi")
        return theirs.repartition(1) if self.are_few else theirs


class Basis:
    """What is remembered of one sync; a context, since it is laid out beside the lake.

    Args:
        context: The job's.
        name: Name of the sync.
        asked: The sync, with all that says how its audience is judged.
        connection: Where it goes.
        standing: A plan that waits to be sent, if there is one.
    """

    def __init__(self, context: JobContext, name: str, asked: Asked, connection: Connection, standing: str | None) -> None:
        self._context, self._name, self._asked, self._standing = context, name, asked, standing
        self._mark = _mark(context, asked, connection)
        self._parts = _parts_of(asked.sync)
        self._channel = channel_of(connection, asked.sync.channel)
        self._is_held = keeps_doubts(connection, asked.sync)
        self._is_kept = remembers(context, asked.sync, connection)
        self._opened = duckdb.connect(":memory:")

    def __enter__(self) -> "Basis":
        self._opened.execute(f"SET memory_limit = '{_MEMORY}'")
        self._opened.execute("SET enable_progress_bar = false")
        self._opened.execute("SET TimeZone = 'UTC'")
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def narrow(self) -> Narrow | None:
        """Whom the plan has to look at; null if at everybody."""
        if not self._is_kept:
            return None
        self._lay_out_inputs()
        kept = self._lay_out_kept()
        if not kept:
            return None
        self._lend("outbox", ACTIVATION_OUTBOX, _OUTBOX, self._of_sync())
        self._lend("log", ACTIVATION_LOG, _LOG, [("destination", "=", self._asked.sync.destination)])
        self._opened.register("became", merged_table(self._context.lake.ledger))
        unchanged.lay_out_held(self._opened, self._asked.ability.is_message, self._standing, self._is_held)
        unchanged.lay_out_changed(self._opened)
        people = self._opened.sql("FROM changed").to_arrow_table().cast(pa.schema([("person_id", pa.string())]))
        if people.num_rows > _MOST_CHANGED * self._size("inputs_now"):
            return None
        told = (people, allowed_now(self._opened, "changed"), unchanged.held_of_changed(self._opened))
        are_few = max(rows.num_rows for rows in told) <= _FEW
        frames = (frame_of(self._context.lake.spark, rows) for rows in told)
        looked_at, granted, held = (frame.coalesce(1) if are_few else frame for frame in frames)
        return Narrow(looked_at, granted, held, unchanged.counts_of_rest(self._opened), are_few)

    def collides(self, judged: pa.Table) -> bool:
        """Whether a person who was looked at has the key of one who was not."""
        return unchanged.takes_a_key_of_rest(self._opened, judged.filter(judged["is_wanted"]).select(["sync_key"]))

    def remember(self, planned: PlanRows, judged: pa.Table | None) -> None:
        """Write down what the plan made of each person that it looked at.

        Args:
            planned: The plan.
            judged: What became of those of whom something changed, if it looked at them only.
        """
        if not self._is_kept or self._context.dry_run:
            return
        is_narrow = judged is not None
        seen = planned.of_audience() if judged is None else judged
        rows = unchanged.basis_rows(self._opened, seen, is_narrow)
        lake = self._context.lake
        said = {"sync": self._name, "mark": self._mark, "planned_at": self._context.run_started_at}
        is_room = self._size("written") + rows.num_rows <= 2 * self._size("inputs_now")
        if is_narrow and not is_room:
            rows = pa.concat_tables([rows, self._opened.sql("FROM rest").to_arrow_table().select(rows.column_names)])
        for field in arrow_schema(ACTIVATION_BASIS, tuple(said)):
            rows = rows.append_column(field.name, pa.repeat(pa.scalar(said[field.name], field.type), rows.num_rows))
        if is_narrow and is_room:
            lake.put(rows, ACTIVATION_BASIS, "append")
        else:
            quoted = self._name.replace("'", "''")
            lake.put(rows, ACTIVATION_BASIS, where=f"sync = '{quoted}'")

    def _lay_out_inputs(self) -> None:
        """`inputs_now`: a fingerprint of all that is read of each person."""
        parts = ["SELECT person_id, hash('granted', purpose) AS part FROM granted"]
        parts += ["SELECT person_id, hash('barred', purpose) AS part FROM barred"]
        for number, (table, columns, where) in enumerate(_reads(self._context, self._asked.sync, self._parts)):
            self._lend(f"part_{number}", table, ("person_id", *columns), where)
            listed = ", ".join(columns)
            parts.append(f"SELECT person_id, hash('{table.name}', {listed or 'true'}) AS part FROM given_part_{number}")
        told, purposes = (self._context.lake.ledger, self._context.settings), self._asked.sync.purposes
        lay_out_consents(self._opened, *told, purposes, self._context.run_started_at, self._channel)
        self._opened.execute(
            f"""
            CREATE TABLE inputs_now AS
            SELECT person_id, (hash(count(*), bit_xor(part), sum(part % 1000003)) >> 1)::BIGINT AS inputs
            FROM ({" UNION ALL ".join(parts)}) WHERE person_id IS NOT NULL GROUP BY person_id
            """
        )

    def _lay_out_kept(self) -> int:
        """`kept`: the last row of each person under these settings, of whom anything was read."""
        columns = ("person_id", "sync_key", "payload_hash", "refusal", "inputs", "mark", "planned_at")
        self._lend("basis", ACTIVATION_BASIS, columns, [("sync", "=", self._name)])
        self._opened.execute("CREATE TABLE written AS SELECT * FROM given_basis")
        self._opened.execute(
            "CREATE TABLE newest AS SELECT person_id, max(planned_at) AS planned_at FROM written GROUP BY person_id"
        )
        self._opened.execute("CREATE TABLE latest AS FROM written SEMI JOIN newest USING (person_id, planned_at)")
        if self._size("latest") != self._size("newest"):
            # Two rows of one moment, which no run writes: which of them counts cannot be told.
            return 0
        self._opened.execute(
            """
            CREATE TABLE kept AS SELECT person_id, sync_key, payload_hash, refusal, inputs
            FROM latest WHERE mark = $mark AND inputs IS NOT NULL
            """,
            {"mark": self._mark},
        )
        return self._size("kept")

    def _of_sync(self) -> Conditions:
        return [("destination", "=", self._asked.sync.destination), ("sync", "=", self._name), ("plan_id", "!=", None)]

    def _size(self, table: str) -> int:
        return int(self._opened.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0])

    def _lend(self, name: str, table: Table, columns: Sequence[str], where: Conditions) -> None:
        self._opened.register(f"given_{name}", self._context.lake.ledger.scan(table, where).reader(columns, _AT_ONCE))


def remembers(context: JobContext, sync: Sync, connection: Connection) -> bool:
    """Whether a sync's plans follow from rows of one person, whatever the day, and there are not too many people."""
    of_days = (sync.audience.decisions, sync.audience.query, sync.audience.orders)
    is_of_rows = all(one is None for one in of_days) and sync.cap is None
    is_of_all = sync.mode == "update" and not updates_only(connection)
    few = context.lake.ledger.rows(CUSTOMER_PROFILE) <= _MOST_PEOPLE
    return is_of_rows and not is_of_all and few and not set(_OF_THE_DAY) & set(sync.reads)


def keeps_doubts(connection: Connection, sync: Sync) -> bool:
    """Whether what may have left is not said again: `visits: named_struct('inc', 1)` counts up as `visits.inc` does."""
    made = (f"{name}.{each}" for name, one in sync.fields.items() for each in members_made(one.source))
    return holds_doubts(connection, (*sync.fields, *made))


def _parts_of(sync: Sync) -> frozenset[str]:
    read = {sync.columns[name].part for name in sync.reads if name in sync.columns}
    return frozenset(read & _PARTS.keys() | {"profile"} | ({"segments"} if sync.audience.segment is not None else set()))


def _reads(context: JobContext, sync: Sync, parts: frozenset[str]) -> Iterator[tuple[Table, list[str], Conditions]]:
    """Tables, columns and conditions of all rows of a person that a plan looks at."""
    seen: set[Table] = set()
    for part in sorted(parts):
        table, is_of_day = _PARTS[part]
        if table in seen:
            continue
        seen.add(table)
        if is_of_day:
            yield table, [n for n in table.columns if n not in (*_UNREAD, "person_id")], [("as_of", "=", context.as_of)]
        else:
            read = [name for name in sync.reads if name in table.columns and sync.columns[name].part == part]
            yield table, [name for name in read if name != "person_id"], []


def _mark(context: JobContext, asked: Asked, connection: Connection) -> str:
    """Digest of everything but rows that a plan's deliveries follow from."""
    settings, sync = context.settings, asked.sync
    items = {"items", "listed"} & _parts_of(sync)
    told = {
        "sync": sync.model_dump(mode="json", exclude=set(_APART)),
        "connection": connection.model_dump(mode="json"),
        "shape": asked.shape.mark,
        "holdout": asked.holdout.model_dump(mode="json"),
        # A pseudonym follows from the person's id and the key, and is no row.
        "pseudonym": _pseudonym(context, sync),
        "secrets": {where: keyed_hash_of(key, "mark") for where, key in sorted(asked.secrets.items())},
        "template": None if asked.saying is None else asked.saying.template.model_dump(mode="json"),
        "consent": [settings.privacy.model_dump(mode="json"), settings.receipts.model_dump(mode="json")],
        "catalog": [context.lake.ledger.version(table) for table in (CATALOG_ITEM, OFFER_HISTORY)] if items else None,
        "made_by": [code_version(), version("duckdb")],
    }
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _pseudonym(context: JobContext, sync: Sync) -> str | None:
    """What shows that keys of pseudonyms are as they were: the name of somebody who does not exist."""
    if PSEUDONYM not in sync.reads:
        return None
    return key_ring(context.settings.privacy.pseudonyms).pseudonym_of(sync.destination, "nobody")
