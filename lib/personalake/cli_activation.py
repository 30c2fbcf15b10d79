"""`personalake activation …`: what was sent, and what is to become of deliveries that nobody knows about."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from personalake.cli_options import ConfDir, Env, Region, Root, settings_for
from personalake.pipelines.command import existing_lake
from personalake.reports.words import plural

activation = typer.Typer(help="What leaves for vendors, and what became of it.", no_args_is_help=True)


class Verdict(StrEnum):
    """What is known of an unknown delivery."""

    TAKEN = "taken"
    SEND_AGAIN = "send_again"
    GIVEN_UP = "given_up"


@activation.command()
def status(env: Env = "local", conf_dir: ConfDir = Path("conf"), root: Root = None, region: Region = None) -> None:
    """Each plan and destination: planned, sent, confirmed, rejected and why, unknown, perhaps twice, how long it took."""
    from personalake.pipelines.activation_status import sent_so_far
    from personalake.pipelines.activation_totals import totals_so_far
    from personalake.pipelines.activation_view import status_view

    settings = settings_for(env, conf_dir, root, None, None, region=region)
    ledger = existing_lake(settings).ledger
    sent = sent_so_far(ledger)
    Console().print(status_view(sent, totals_so_far(ledger, sent)))


@activation.command()
def resolve(
    destination: Annotated[str, typer.Option("--destination", help="Name of the connection.")],
    verdict: Annotated[
        Verdict,
        typer.Option("--as", help="taken: it is there; send_again: perhaps twice; given_up: not there, and not sent again."),
    ],
    deliveries: Annotated[list[str] | None, typer.Option("--delivery", help="Only this delivery; repeatable.")] = None,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Settle deliveries that are unknown, after the destination was asked; all of a destination, or those that are named."""
    from personalake.pipelines.settle_unknown import settle_unknown
    from personalake.pipelines.system_clock import SystemClock

    settings = settings_for(env, conf_dir, root, None, None, region=region)
    lake = existing_lake(settings)
    count = settle_unknown(lake, settings, destination, verdict.value, SystemClock(), deliveries or ())
    Console().print(f"{plural(count, 'delivery', 'deliveries')} to {destination} settled: {verdict.value}")
    if count and verdict is Verdict.SEND_AGAIN:
        Console().print("send_activation sends what stands; what is of a plan that was replaced leaves with the next plan.")
