"""The last look before sending: do plan and decision still stand; does the person grant it, and may be reached, now?"""

import threading
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from personalake.activation.clock import Clock
from personalake.activation.delivery import Delivery
from personalake.activation.receipts.addresses import address_of
from personalake.activation.syncs.plan_state import STANDING
from personalake.common.hashing import keyed_hash_of
from personalake.config import Settings
from personalake.config.audience_kinds import channel_of
from personalake.lake import Ledger
from personalake.lake.conditions import Conditions
from personalake.pipelines.activation_plans import PlanState, plans
from personalake.pipelines.caps_now import CapsNow, limits_of
from personalake.pipelines.consents_now import (
    CONSENTS,
    gone_addresses_now,
    lend_addresses,
    persons_asking_now,
    suppressed_now,
)
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.consent_now import lacking_consent, lay_out_granted
from personalake.privacy.forgotten_now import lay_out_known, unknown_deliveries
from personalake.privacy.reach_now import lay_out_suppressed, suppressed_deliveries
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_ASKED
from personalake.tables.gold import ACTIVATION_PLAN, DECISION
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import PERSON_LINK

NO_CONSENT, SUPPRESSED, HOLDOUT = "no consent at this moment", "suppressed", "holdout"
UNKNOWN, FORGOTTEN = "no longer known", "asked to be forgotten"
_ASKED_FOR = (ACTIVATION_PLAN, DECISION, SUPPRESSION, ERASURE_ASKED, PERSON, *CONSENTS)
_TEXT = pa.string()
_ASKED = pa.schema([
    ("delivery_id", _TEXT), ("person_id", _TEXT), ("purposes", pa.list_(_TEXT)), ("channel", _TEXT), ("decision_id", _TEXT),
])  # fmt: skip
_MEMORY = "1GB"
# Deliveries that passed, and need no further look until something changes.
_REMEMBERED = 200_000
_NEVER = -1
# How long a consent that ends while a run sends may still count.
_ENDING_SECONDS = 300.0


class LastLook:
    """Why each of some deliveries must not leave after all. Tables are read when their versions say that they changed.

    Args:
        ledger: The tables.
        as_ofs: As-ofs of the decisions that may be asked about.
        clock: Time.
        max_age_seconds: For how long a look at versions holds; within it nothing is asked of the lake.
        settings: What a channel's suppression bars, what a signal refuses, how often a person is sent something, and for how
            long a plan may leave.
    """

    def __init__(
        self,
        ledger: Ledger,
        as_ofs: Sequence[date],
        clock: Clock,
        max_age_seconds: float,
        settings: Settings,
    ) -> None:
        self._settings, self._asking, self._gone = settings, frozenset[str](), frozenset[str]()
        self._caps = CapsNow(ledger, limits_of(settings), clock, settings.business_timezone)
        self._ledger, self._as_ofs, self._clock, self._max_age = ledger, as_ofs, clock, max_age_seconds
        self._opened = duckdb.connect(":memory:")
        self._lock = threading.Lock()
        self._seen: dict[Table, int | None] = {}
        self._looked_at: float | None = None
        self._laid_out_at = 0.0
        self._plans: dict[str, PlanState] = {}
        self._passed: set[str] = set()

    def __enter__(self) -> Self:
        self._opened.execute("SET threads = 1")
        self._opened.execute("SET memory_limit = $1", [_MEMORY])
        self._opened.execute("SET enable_progress_bar = false")
        self._opened.execute("SET TimeZone = 'UTC'")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()

    def begin(self) -> None:
        """Read what was sent so far, before this run claims anything."""
        with self._lock:
            self._refresh()
            self._caps.begin(self._standing())

    def _standing(self) -> list[str]:
        return [plan.plan_id for plan in self._plans.values() if plan.state in STANDING]

    def __call__(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Reason by delivery; what is not named may leave.

        A removal only takes back: it needs a plan that stands, and nothing else, of whoever has withdrawn above all.
        """
        with self._lock:
            self._refresh()
            if self._passed.issuperset(one.delivery_id for one in deliveries):
                return {}
            reasons = self._refused([one for one in deliveries if not one.removal])
            for one in deliveries:
                if (reason := self._of_plan(one)) is not None:
                    reasons[one.delivery_id] = reason
            left = [one for one in deliveries if not one.removal and one.delivery_id not in reasons]
            reasons |= self._caps.refused(left, self._standing())
            if len(self._passed) > _REMEMBERED:
                self._passed.clear()
            self._passed.update(one.delivery_id for one in deliveries if one.delivery_id not in reasons)
            return reasons

    def _of_plan(self, delivery: Delivery) -> str | None:
        """Why its plan must not be sent any more, if so; replaced, turned off, or lying about for too long."""
        plan = self._plans.get(delivery.plan_id or "")
        if plan is None or plan.stands_since is None:
            return f"no longer current: its plan is {'gone' if plan is None else plan.state}"
        if plan.sync is None:
            return None
        sync = self._settings.audiences.get(plan.sync)
        if sync is None or not sync.enabled:
            return f"no longer current: its sync is {'gone' if sync is None else 'turned off'}"
        if plan.destination not in (None, sync.destination) and not delivery.removal:
            return f"no longer current: its sync goes to {sync.destination} by now"
        age = self._clock.now() - plan.planned_at
        if age > timedelta(sync.max_age_days) and not delivery.removal:
            return f"no longer fresh: its plan was made {age.days} days ago, max_age_days is {sync.max_age_days}"
        return None

    def _refused(self, deliveries: Sequence[Delivery]) -> dict[str, str]:
        """Reason by delivery of those that say something of a person who refuses it by now."""
        if not deliveries:
            return {}
        self._opened.register("asked", self._asked(deliveries))
        suppressed = suppressed_deliveries(self._opened, self._clock.now())
        reasons = dict.fromkeys(lacking_consent(self._opened), NO_CONSENT) | dict.fromkeys(suppressed, SUPPRESSED)
        reasons |= self._decided_otherwise() | dict.fromkeys(unknown_deliveries(self._opened), UNKNOWN)
        self._opened.unregister("asked")
        reasons |= dict.fromkeys(self._to_nowhere(deliveries), SUPPRESSED)
        return reasons | {one.delivery_id: FORGOTTEN for one in deliveries if one.person_id in self._asking}

    def _asked(self, deliveries: Sequence[Delivery]) -> pa.Table:
        """Deliveries with all that their persons must grant: what their plan asked for, and what their sync does by now.

        What has no purpose at all leaves for none.
        """
        asked = {plan_id: self._asked_by_sync(plan_id) for plan_id in {one.plan_id for one in deliveries}}
        columns = (
            [one.delivery_id for one in deliveries],
            [one.person_id for one in deliveries],
            [[*{*one.purposes, *asked[one.plan_id][0]}] if one.purposes else [] for one in deliveries],
            [asked[one.plan_id][1] for one in deliveries],
            [one.decision_id for one in deliveries],
        )
        return pa.table([pa.array(values, field.type) for values, field in zip(columns, _ASKED, strict=True)], schema=_ASKED)

    def _asked_by_sync(self, plan_id: str | None) -> tuple[Sequence[str], str | None]:
        """The purposes of a plan's sync, and the channel on which it reaches people, as far as they are known."""
        plan = self._plans.get(plan_id or "")
        sync = self._settings.audiences.get((plan and plan.sync) or "")
        connection = None if sync is None else self._settings.connections.get(sync.destination)
        if sync is None or connection is None:
            return (), None
        return sync.purposes, channel_of(connection, sync.channel)

    def _to_nowhere(self, deliveries: Sequence[Delivery]) -> Iterator[str]:
        """Deliveries to a device, or to a user of an app, that is not there any more."""
        if not self._gone:
            return
        key = erasure_key(self._settings, self._ledger.locations)
        for one in deliveries:
            plan = self._plans.get(one.plan_id or "")
            address = address_of(one.payload, (plan and plan.destination) or "")
            if address is not None and keyed_hash_of(key, "|".join(address)) in self._gone:
                yield one.delivery_id

    def _decided_otherwise(self) -> dict[str, str]:
        """Deliveries whose decision is gone, or is not to act any more."""
        found = self._opened.execute(
            """
            SELECT delivery_id, status FROM asked LEFT JOIN decision USING (decision_id)
            WHERE decision_id IS NOT NULL AND status IS DISTINCT FROM 'act'
            """
        )
        return {
            delivery_id: HOLDOUT if status == "holdout" else f"no longer current: its decision is {status or 'gone'}"
            for delivery_id, status in found.fetchall()
        }

    def _refresh(self) -> None:
        """Read again what has changed."""
        now = self._clock.ticks()
        if self._looked_at is not None and now - self._looked_at < self._max_age:
            return
        seen = {table: self._ledger.version(table) for table in _ASKED_FOR}
        changed = {table for table, version in seen.items() if self._seen.get(table, _NEVER) != version}
        if changed:
            self._passed.clear()
        if ACTIVATION_PLAN in changed:
            self._plans = {plan.plan_id: plan for plan in plans(self._ledger)}
        if DECISION in changed:
            self._lend(DECISION, ("decision_id", "status"), [("as_of", "in", list(self._as_ofs))])
            self._opened.execute("CREATE OR REPLACE TABLE decision AS SELECT * FROM given_decision")
        if SUPPRESSION in changed:
            self._gone = gone_addresses_now(self._ledger, self._clock.now())
        if changed & {SUPPRESSION, PERSON_LINK, PERSON}:
            self._opened.register("given_suppression", suppressed_now(self._ledger, self._settings))
            lay_out_suppressed(self._opened, self._settings.receipts.purposes)
        if changed & {ERASURE_ASKED, PERSON_LINK}:
            self._asking = persons_asking_now(self._ledger, self._settings)
        if PERSON_LINK in changed:
            self._lend(PERSON_LINK, ("person_id",))
            lay_out_known(self._opened)
        # Consents also end with time alone.
        if changed & {PERSON, *CONSENTS} or now - self._laid_out_at >= _ENDING_SECONDS:
            for table, columns in CONSENTS.items():
                self._lend(table, columns)
            lend_addresses(self._opened, self._ledger)
            privacy, code = self._settings.privacy, self._settings.identity.calling_code
            lay_out_granted(self._opened, privacy.signals, self._clock.now(), code, privacy.purposes)
            self._passed.clear()
            self._laid_out_at = now
        # Only what was read whole counts as seen: a look that breaks is looked again.
        self._looked_at, self._seen = now, seen

    def _lend(self, table: Table, columns: Sequence[str], where: Conditions = ()) -> None:
        """Let one query read a table."""
        self._opened.register(f"given_{table.name}", self._ledger.scan(table, where).reader(columns))
