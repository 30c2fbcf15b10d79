"""`personalake activation …`: what was sent, and what is to become of deliveries that nobody knows about."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from personalake.cli_options import ConfDir, Env, Region, Root, settings_to_look
from personalake.pipelines.command import existing_lake
from personalake.reports.words import plural

Destination = Annotated[str, typer.Option("--destination", help="Name of the connection.")]
_SHOWN = 20
activation = typer.Typer(help="What leaves for vendors, and what became of it.", no_args_is_help=True)


class Verdict(StrEnum):
    """What is known of an unknown delivery."""

    TAKEN = "taken"
    SEND_AGAIN = "send_again"
    GIVEN_UP = "given_up"


@activation.command()
def status(env: Env = "local", conf_dir: ConfDir = Path("conf"), root: Root = None, region: Region = None) -> None:
    """Each plan and destination: planned, sent, confirmed, rejected and why, unknown, in flight, perhaps twice, how long."""
    from datetime import UTC, datetime

    from personalake.config.name_checks import syncs_left_off
    from personalake.pipelines.activation_plans import plans
    from personalake.pipelines.activation_status import sent_so_far
    from personalake.pipelines.activation_totals import totals_so_far
    from personalake.pipelines.activation_view import status_view
    from personalake.pipelines.held_up import held_up, too_small
    from personalake.pipelines.open_ends import left_waiting

    settings = settings_to_look(env, conf_dir, root, None, region)
    ledger = existing_lake(settings).ledger
    sent, known, syncs = sent_so_far(ledger), plans(ledger), settings.audiences
    waiting = [*held_up(known, syncs, datetime.now(UTC)), *left_waiting(ledger, known, settings.connections)]
    small = too_small(known, syncs)
    Console().print(status_view(sent, totals_so_far(ledger, sent), syncs_left_off(settings), waiting, small))


@activation.command()
def unknown(
    destination: Destination,
    sync: Annotated[str | None, typer.Option("--sync", help="Only those of this sync of conf/audiences.yml.")] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, help="So many at most; 20 on the console, all in a file.")
    ] = None,
    to: Annotated[Path | None, typer.Option("--to", help="Write them to this new CSV file instead.")] = None,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Deliveries that may have been taken or not: since when, why, and what to ask the destination for; persons unnamed."""
    from itertools import islice

    from personalake.pipelines.unknown_deliveries import unknown_deliveries
    from personalake.pipelines.unknown_files import unknown_view, write_unknown

    settings = settings_to_look(env, conf_dir, root, None, region)
    found = unknown_deliveries(existing_lake(settings).ledger, settings, destination, sync)
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    if to is not None:
        told = plural(write_unknown(to, islice(found, limit)), "delivery", "deliveries")
        console.print(f"{told} to {destination} that may have been taken or not: {to}")
        return
    shown = list(islice(found, limit or _SHOWN))
    Console().print(unknown_view(destination, shown, len(shown) + sum(1 for _ in found)))


@activation.command()
def resolve(
    destination: Destination,
    verdict: Annotated[
        Verdict,
        typer.Option("--as", help="taken: it is there; send_again: perhaps twice; given_up: not there, and not sent again."),
    ],
    deliveries: Annotated[list[str] | None, typer.Option("--delivery", help="Only this delivery; repeatable.")] = None,
    file: Annotated[
        Path | None, typer.Option("--deliveries", help="Only those in this file, as `activation unknown --to` writes it.")
    ] = None,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Settle deliveries that are unknown, after the destination was asked; all of a destination, or those that are named."""
    from personalake.pipelines.settle_unknown import settle_unknown
    from personalake.pipelines.system_clock import SystemClock
    from personalake.pipelines.unknown_files import ids_in

    settings = settings_to_look(env, conf_dir, root, None, region)
    lake = existing_lake(settings)
    chosen = [*(deliveries or ()), *(() if file is None else ids_in(file))]
    count = settle_unknown(lake, settings, destination, verdict.value, SystemClock(), chosen)
    Console().print(f"{plural(count, 'delivery', 'deliveries')} to {destination} settled: {verdict.value}")
    if count and verdict is Verdict.SEND_AGAIN:
        Console().print("send_activation sends what stands; what is of a plan that was replaced leaves with the next plan.")
