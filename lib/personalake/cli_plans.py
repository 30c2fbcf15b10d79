"""`personalake activation plan | approve`: plans of audiences, and a person's word that one may leave."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from personalake.cli_options import ConfDir, Env, Region, Root, settings_for
from personalake.pipelines.command import existing_lake


def add_plan_commands(group: typer.Typer) -> None:
    """Add the commands to the group `activation`."""
    group.command()(plan)
    group.command()(approve)


def plan(
    sync: Annotated[str | None, typer.Option("--sync", help="Only plans of this sync of conf/audiences.yml.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Superseded plans, too.")] = False,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Each plan: what would leave for where, what it costs, and whether it may."""
    from personalake.pipelines.plan_states import latest_plans
    from personalake.pipelines.plan_view import plans_view

    settings = settings_for(env, conf_dir, root, None, None, region=region)
    found = latest_plans(existing_lake(settings).ledger, sync).values()
    Console().print(plans_view([row for row in found if everything or row["state"] != "superseded"]))


def approve(
    plan_id: Annotated[str, typer.Argument(help="Name of the plan, as `personalake activation plan` shows it.")],
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Let a plan leave that waits for a person because of its size."""
    from personalake.pipelines.approve_plan import approve_plan

    settings = settings_for(env, conf_dir, root, None, None, region=region)
    row = approve_plan(existing_lake(settings), settings, plan_id)
    count = row["added"] + row["changed"] + row["removed"]
    told = f"{plan_id} is approved: {count:,} deliveries to {row['destination']} leave with the next send_activation."
    Console().print(told, highlight=False)
