"""`personalake receipts verify`: whether receipts of erasure and of retention can be relied on."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from personalake.cli_options import ConfDir, Env, Region, Root, settings_for
from personalake.errors import UnhealthyError
from personalake.pipelines.command import existing_lake

receipts = typer.Typer(help="Receipts of what was erased, and of what went for its age.", no_args_is_help=True)


@receipts.callback()
def _group() -> None:
    """Keeps the group a group although it has one command."""


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
