"""Caps at the moment of sending: of whom more waits than they may be sent, and how much of it may still leave."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from personalake.activation.clock import Clock
from personalake.activation.delivery import Delivery
from personalake.activation.last_state import LEFT, OF_PLANNED, last_states, placed
from personalake.activation.syncs.acknowledged import counted_since
from personalake.activation.syncs.plan_state import STANDING
from personalake.common.in_memory import in_memory
from personalake.config import Settings
from personalake.config.audience_kinds import kind_of
from personalake.config.audiences import Cap
from personalake.lake import Ledger
from personalake.pipelines.merged import merged_table
from personalake.pipelines.plan_states import Row, latest_plans
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX

CAPPED = "capped"
# What people read; events and purchases are messages to machines, and what becomes of files and webhooks is not known here.
READ_BY_PEOPLE = ("email", "fcm", "onesignal", "braze_send", "sfmc_journey")
_OUTBOX = ("delivery_id", "person_id", "plan_id", "removal")
_LOG = ("delivery_id", "state", "logged_at")
# In doubt counts as sent: nobody knows that it was not.
_CROWDED = f"""
WITH last AS ({last_states(OF_PLANNED, f"{LEFT} AS moment")}), counted AS (
    SELECT person_id,
        count(*) FILTER (moment >= $since AND state IN ('accepted', 'confirmed', 'in_flight', 'unknown')) AS sent,
        count(*) FILTER (list_contains($standing, plan_id) AND coalesce(state, '') IN ('', 'pending', 'cancelled')) AS waits
    FROM planned LEFT JOIN last USING (delivery_id) WHERE NOT coalesce(removal, false) GROUP BY person_id
)
SELECT person_id, greatest($most - sent, 0)::INTEGER FROM counted WHERE waits > 0 AND sent + waits > $most
"""


@dataclass
class Limit:
    """One cap, and of whom more waits than it allows.

    Args:
        syncs: Syncs that count together.
        cap: How much one person is sent by them.
        slots: Person to how many deliveries may still leave; who is not here can have all that waits.
        taken: Person to the deliveries that took them.
    """

    syncs: frozenset[str]
    cap: Cap
    slots: Mapping[str, int] = field(default_factory=dict)
    taken: dict[str, set[str]] = field(default_factory=dict)

    def allows(self, delivery: Delivery) -> bool:
        """Whether a delivery may leave; asked again, the answer stays."""
        slots = self.slots.get(delivery.person_id)
        if slots is None or delivery.claim is not None:
            return True
        taken = self.taken.setdefault(delivery.person_id, set())
        if delivery.delivery_id not in taken and len(taken) < slots:
            taken.add(delivery.delivery_id)
        return delivery.delivery_id in taken


class CapsNow:
    """Which deliveries would be one too many. What was sent before is read once: only this run sends for its syncs.

    It is to be read before anything is claimed: a claim counts as sent, and this run's own would stand in its way.

    Args:
        ledger: The tables.
        limits: The caps that there are.
        clock: Time: what counts is when something left, and how long that is ago now.
        zone: The company's time zone, in which days begin.
    """

    def __init__(self, ledger: Ledger, limits: Sequence[Limit], clock: Clock, zone: str) -> None:
        self._ledger, self._limits, self._clock, self._zone = ledger, limits, clock, zone
        self._sync_of: Mapping[str, str] | None = None

    def refused(self, deliveries: Sequence[Delivery], standing: Collection[str]) -> dict[str, str]:
        """Reason by delivery, of those that nothing else keeps from leaving.

        Args:
            deliveries: In the order in which they leave; no removals.
            standing: Plans that are being sent.
        """
        if not self._limits or not deliveries:
            return {}
        self.begin(standing)
        found = {}
        for one in deliveries:
            sync = (self._sync_of or {}).get(one.plan_id or "")
            concerned = [limit for limit in self._limits if sync in limit.syncs]
            if not all(limit.allows(one) for limit in concerned):
                found[one.delivery_id] = CAPPED
        return found

    def begin(self, standing: Collection[str]) -> None:
        """Read what was sent so far, if that was not done."""
        if self._limits and self._sync_of is None:
            self._sync_of = self._laid_out(standing)

    def _laid_out(self, standing: Collection[str]) -> Mapping[str, str]:
        """Read what was sent by each limit's syncs; the sync of each plan."""
        plans = latest_plans(self._ledger)
        for limit in self._limits:
            of_limit = [row for row in plans.values() if row["sync"] in limit.syncs]
            current = [row["plan_id"] for row in of_limit if row["plan_id"] in standing]
            if current:
                limit.slots = self._crowded(limit, of_limit, current)
        return {name: row["sync"] for name, row in plans.items()}

    def _crowded(self, limit: Limit, plans: Sequence[Row], current: Sequence[str]) -> Mapping[str, int]:
        """What left so lately counts, and what waits counts; of neither the day for which it was planned."""
        since = counted_since(limit.cap, self._clock.now(), self._zone)
        # What has been replaced before that sent nothing after it: most of the outbox is not read.
        replaced = [row for row in plans if row["state"] not in STANDING and row["logged_at"].replace(tzinfo=UTC) < since]
        sending = [row["as_of"] for row in plans if row not in replaced or row["plan_id"] in current]
        of_syncs = [("sync", "in", sorted(limit.syncs)), ("as_of", ">=", min(sending))]
        with in_memory(threads=2) as opened:
            opened.register("given", self._ledger.scan(ACTIVATION_OUTBOX, of_syncs).reader(_OUTBOX))
            opened.register("became", merged_table(self._ledger))
            opened.execute(
                "CREATE TABLE planned AS SELECT * REPLACE (coalesce(new_person_id, person_id) AS person_id) "
                "FROM given LEFT JOIN became ON person_id = old_person_id"
            )
            opened.register("log", self._ledger.scan(ACTIVATION_LOG, ()).reader(_LOG))
            told = {"most": limit.cap.deliveries, "standing": sorted(current), "since": placed(since)}
            return dict(opened.execute(_CROWDED, told).fetchall())


def limits_of(settings: Settings) -> list[Limit]:
    """The caps of syncs, and the one over all that people read."""
    syncs = {name: sync for name, sync in settings.audiences.items() if sync.destination in settings.connections}
    found = [Limit(frozenset((name,)), sync.cap) for name, sync in sorted(syncs.items()) if sync.cap is not None]
    if settings.frequency_cap is not None:
        found.append(Limit(_messages(settings, syncs), settings.frequency_cap))
    return found


def capped_destinations(settings: Settings) -> frozenset[str]:
    """Destinations that share the cap over all that people read; none without one."""
    if settings.frequency_cap is None:
        return frozenset()
    syncs = {name: sync for name, sync in settings.audiences.items() if sync.destination in settings.connections}
    return frozenset(syncs[name].destination for name in _messages(settings, syncs))


def _messages(settings: Settings, syncs: Collection[str]) -> frozenset[str]:
    named = {name: settings.audiences[name] for name in syncs}
    return frozenset(
        name for name, sync in named.items() if kind_of(settings.connections[sync.destination]) in READ_BY_PEOPLE
    )
