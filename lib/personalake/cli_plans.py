"""`personalake activation plan | approve | reject`: plans of audiences, and a person's word that one may leave, or not."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from personalake.cli_options import ConfDir, Env, Region, Root, settings_to_look
from personalake.pipelines.command import existing_lake

PlanId = Annotated[
    str,
    typer.Argument(help="Name of the plan, as `personalake activation plan` shows it; its beginning is enough."),
]


def add_plan_commands(group: typer.Typer) -> None:
    """Add the commands to the group `activation`."""
    group.command()(plan)
    group.command()(approve)
    group.command()(reject)


def plan(
    plan_id: Annotated[str | None, typer.Argument(help="Only this plan; the beginning of its name is enough.")] = None,
    sync: Annotated[str | None, typer.Option("--sync", help="Only plans of this sync of conf/audiences.yml.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Superseded plans, too.")] = False,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Each plan: what would leave for where, what it costs, and whether it may."""
    from personalake.activation.syncs.plan_state import SUPERSEDED
    from personalake.config.nearest import nearest
    from personalake.errors import InputError
    from personalake.pipelines.plan_states import latest_plans, meant
    from personalake.pipelines.plan_view import plans_view

    settings = settings_to_look(env, conf_dir, root, None, region)
    found = latest_plans(existing_lake(settings).ledger, sync)
    if sync is not None and not found and sync not in settings.audiences:
        raise InputError(f"There is no sync {sync} in conf/audiences.yml: {nearest(sync, sorted(settings.audiences))}")
    chosen = [row for row in found.values() if everything or row["state"] != SUPERSEDED]
    Console().print(plans_view(chosen if plan_id is None else [meant(found, plan_id)]))


def approve(
    plan_id: PlanId,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Let a plan leave that waits for a person because of its size."""
    from personalake.pipelines.approve_plan import approve_plan

    settings = settings_to_look(env, conf_dir, root, None, region)
    row = approve_plan(existing_lake(settings), settings, plan_id)
    count = row["added"] + row["changed"] + row["removed"]
    told = f"{row['plan_id']} is approved: {count:,} deliveries to {row['destination']} leave with the next send_activation."
    Console().print(told, highlight=False, soft_wrap=True)


def reject(
    plan_id: PlanId,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Keep a plan from leaving, and take back what it has not sent; what else its as-of brings waits for approval."""
    from personalake.activation.syncs.plan_state import WITHDRAWALS
    from personalake.pipelines.approve_plan import reject_plan

    settings = settings_to_look(env, conf_dir, root, None, region)
    row, cancelled, busy = reject_plan(existing_lake(settings), settings, plan_id)
    told = f"{row['plan_id']} is rejected: {cancelled:,} deliveries to {row['destination']} are cancelled."
    if row["mode"] == WITHDRAWALS:
        told += (
            " They may not be told anything any more: a later as-of, or the next plan if it is of other people, takes them "
            "away all the same."
        )
    elif row["removed"] and not (row["added"] or row["changed"]):
        told += (
            " Who of them may not be told anything any more is taken away by a later as-of, or by the next plan of others."
        )
    elif row["removed"]:
        told += " Who of them may not be told anything any more is taken away all the same, by the next plan_activation."
    if busy:
        told += f" {row['destination']} is being sent to: that run stops before what it has not sent, and takes it back."
    Console().print(told, highlight=False, soft_wrap=True)
