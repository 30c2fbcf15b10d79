"""`personalake receipts verify | settle`: whether receipts can be relied on, and a person's word on what no job can do."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from personalake.cli_options import ConfDir, Env, Region, Root, settings_for
from personalake.errors import UnhealthyError
from personalake.pipelines.command import existing_lake

receipts = typer.Typer(help="Receipts of what was erased, and of what went for its age.", no_args_is_help=True)


@receipts.command()
def verify(
    request: Annotated[
        str | None, typer.Option("--request", help="Only this request of gold.erasure_request, with its receipts as JSON.")
    ] = None,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Each receipt as it was written, none twice, none missing; exit code 6 if that is not so of any."""
    from personalake.pipelines.verify_receipts import request_verified, told, verify_receipts

    settings = settings_for(env, conf_dir, root, None, None, region=region)
    ledger = existing_lake(settings).ledger
    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
    if request is not None:
        one = request_verified(settings, ledger, request)
        console.print(one.as_json())
        is_sound = one.is_sound
    else:
        everything = verify_receipts(settings, ledger)
        console.print("\n".join(told(everything)))
        is_sound = everything.is_sound
    if not is_sound:
        sys.exit(UnhealthyError.exit_code)


@receipts.command()
def settle(
    place: Annotated[str, typer.Option("--place", help="As the receipt that failed calls it.")],
    why: Annotated[
        str, typer.Option("--why", help="What was done there, in a few words; it is kept and signed, so name nobody.")
    ],
    request: Annotated[
        str | None, typer.Option("--request", help="Only of this request of gold.erasure_request; of all by default.")
    ] = None,
    for_good: Annotated[
        bool, typer.Option("--for-good", help="Of later requests, too: for a place that can hold nobody's data any more.")
    ] = False,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    region: Region = None,
) -> None:
    """Say that you have seen to a place that no job can clean, e.g. a destination that refuses, or a lost folder."""
    from personalake.pipelines.settle_receipts import settle_receipts

    settings = settings_for(env, conf_dir, root, None, None, region=region)
    done = settle_receipts(settings, existing_lake(settings), place, why, request, for_good)
    told = f"{place} is settled for {len(done.requests):,} request{'s' if len(done.requests) > 1 else ''}"
    told += ", and for every later one." if for_good else "."
    if done.left:
        waiting = ", ".join(sorted({each for places in done.left.values() for each in places}))
        told += f" Of {len(done.left):,} of them other places wait for a person: {waiting}."
    Console(soft_wrap=True, highlight=False, markup=False, emoji=False).print(told)
