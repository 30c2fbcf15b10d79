"""Syncs whose day it is not, and that hold people who may not be told anything any more: they are taken away."""

from collections.abc import Collection

from personalake.activation.delivery import State
from personalake.activation.syncs.diff import TAKING_LEAVERS
from personalake.activation.syncs.plan_state import OPEN, WITHDRAWALS
from personalake.activation.tally import tally
from personalake.common.in_memory import in_memory
from personalake.config.audience_kinds import channel_of
from personalake.config.audience_templates import completed
from personalake.config.audiences import Sync
from personalake.pipelines.consents_now import allowed_now, lay_out_consents
from personalake.pipelines.due_syncs import active_syncs
from personalake.pipelines.job import JobContext
from personalake.pipelines.left_behind import lay_out_held_by
from personalake.pipelines.merged import merged_table
from personalake.pipelines.plan_basis import keeps_doubts
from personalake.pipelines.plan_states import latest_plans, standing_at
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, CUSTOMER_PROFILE

_WITHDRAWN = """
SELECT count(*) FROM holders ANTI JOIN (FROM allowed WHERE list_unique(purposes) = $1) AS allowing USING (person_id)
"""


def undue_syncs(context: JobContext, due: Collection[str]) -> dict[str, Sync]:
    """Syncs of which only withdrawals are planned in this run; the tables are asked first, since a plan costs more.

    Args:
        context: The job's.
        due: Syncs of which everything is planned.
    """
    ledger = context.lake.ledger
    if context.options.get("sync") is not None or ledger.latest(CUSTOMER_PROFILE, "as_of") != context.as_of:
        return {}
    return {
        name: sync
        for name, sync in active_syncs(context.settings).items()
        if name not in due and sync.mode in TAKING_LEAVERS and _is_something_to_do(context, name, sync)
    }


def _is_something_to_do(context: JobContext, name: str, sync: Sync) -> bool:
    known = latest_plans(context.lake.ledger, name)
    standing = standing_at(known, context.as_of)
    if not known or (standing is not None and _waits(context, standing, sync.destination)):
        return False  # nobody is held; or all of it was planned today, on demand, and has still to leave
    # Who is about to be taken away may have thought better of it.
    is_open = any(row["mode"] == WITHDRAWALS and row["state"] in OPEN and row["removed"] for row in known.values())
    return is_open or _holds_withdrawn(context, name, sync)


def _waits(context: JobContext, plan_id: str, destination: str) -> bool:
    """Whether something of a plan has not been sent."""
    ledger, of_plan = context.lake.ledger, [("plan_id", "=", plan_id)]
    log = ledger.scan(ACTIVATION_LOG, [("destination", "=", destination)])
    return any(row["state"] == State.PENDING.value for row in tally(ledger.scan(ACTIVATION_OUTBOX, of_plan), log, [plan_id]))


def _holds_withdrawn(context: JobContext, name: str, sync: Sync) -> bool:
    """Whether the destination holds somebody of a sync who does not grant all that it asks for."""
    ledger, settings = context.lake.ledger, context.settings
    connection = settings.connections[sync.destination]
    is_held = keeps_doubts(connection, completed(sync, settings.templates))
    with in_memory(threads=2) as opened:
        opened.register("became", merged_table(ledger))
        lay_out_held_by(opened, ledger, name, sync.destination, is_held)
        opened.execute(
            "CREATE TABLE holders AS SELECT DISTINCT holder_id AS person_id FROM held WHERE holder_id IS NOT NULL"
        )
        channel = channel_of(connection, sync.channel)
        lay_out_consents(opened, ledger, settings, sync.purposes, context.run_started_at, channel)
        opened.register("allowed", allowed_now(opened, "holders"))
        return bool(opened.execute(_WITHDRAWN, [len(set(sync.purposes))]).fetchall()[0][0])
