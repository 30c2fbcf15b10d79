"""The console: `personalake demo | run | explain | tables | query | check-source | doctor`, and groups of commands."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from personalake.cli_activation import activation
from personalake.cli_options import AsOf, ConfDir, DemoEnv, Env, Region, Root, Sets, settings_for, settings_to_look
from personalake.cli_plans import add_plan_commands
from personalake.cli_receipts import receipts
from personalake.config.nearest import nearest
from personalake.errors import InputError, PersonalakeError
from personalake.pipelines.command import EXIT_CODES, existing_lake, fail, open_lake
from personalake.pipelines.progress import Progress

app = typer.Typer(
    help="Know your customers and treat each one well: Spark jobs over Delta tables.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
templates = typer.Typer(help="Templates in conf/templates/.", no_args_is_help=True)
app.add_typer(templates, name="template")
add_plan_commands(activation)
app.add_typer(activation, name="activation")
app.add_typer(receipts, name="receipts")

# Days of the made-up customer base; conf/environments/world.yml has its end as its as-of.
WORLD_DAYS = 120
# Late enough that the newest days still differ from the month before.
WORLD_DRIFTS_AT = 0.9


def main() -> None:
    """Run the console script; errors become two lines and an exit code."""
    try:
        app(standalone_mode=False)
    except PersonalakeError as error:
        sys.exit(fail("personalake", error))
    except KeyboardInterrupt:
        sys.exit(fail("personalake", PersonalakeError("Stopped by the keyboard.", "Run it again; it goes on from there.")))
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):  # a wrong word on the command line
            error.show()
            sys.exit(error.exit_code)
        sys.exit(fail("personalake", error))


@app.command()
def run(
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    as_of: AsOf = None,
    training_cut: Annotated[str | None, typer.Option(help="As-of whose past models learn from.")] = None,
    sets: Sets = None,
    first: Annotated[str | None, typer.Option("--from", help="First job of the graph to run.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last job of the graph to run.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Run only this job; repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read and written; change nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Run jobs even if nothing is new.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Jobs at work at the same time.")] = 2,
    region: Region = None,
) -> None:
    """Run the whole graph in one warm session; a graph that failed goes on where it stopped."""
    from personalake.pipelines.graph import run_graph, select_jobs

    settings = settings_for(env, conf_dir, root, as_of, sets, training_cut=training_cut, region=region)
    lake, progress = open_lake(settings, dry_run), Progress()
    if root:
        progress.say(f"What landed in {settings.landing}, in the lake {settings.root}; exports to {settings.exports}")
    result = run_graph(select_jobs(first, last, only or ()), settings, lake, {"force": force}, progress, workers)
    print(json.dumps([outcome.as_json() for outcome in result.outcomes], default=str))


@app.command()
def demo(
    env: DemoEnv = "demo",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    share: Annotated[float, typer.Option(min=0.005, max=1.0, help="Share of the households to use, 0..1.")] = 1.0,
    world: Annotated[
        bool, typer.Option("--world", help="A made-up customer base with clicks, mails and identities.")
    ] = False,
    people: Annotated[int, typer.Option(min=100, help="People of the made-up customer base.")] = 2_000,
) -> None:
    """Run the suite on real retail data (the dunnhumby Complete Journey), and show what came of it."""
    from personalake.demo import emit_shop
    from personalake.pipelines.graph import run_graph, select_jobs
    from personalake.pipelines.tour import tour

    if world:
        _world_demo("world" if env == "demo" else env, conf_dir, root, people)
        return
    progress = Progress()
    settings = settings_for(env, conf_dir, root, None, None)
    lake = open_lake(settings)
    progress.say(f"Landing files of a shop, from the Complete Journey, in {settings.landing}")
    with progress.step("writing landing files"):
        shop = emit_shop(settings.landing, households_share=share, progress=lambda text: progress.say(f"       {text}"))
    progress.say(f"       {shop.order_lines:,} order lines of {shop.households:,} households, {shop.files:,} files")
    progress.say(f"The suite, on the lake in {settings.root}")
    result = run_graph(select_jobs(), settings, lake, {}, progress)
    console = Console()
    for part in tour(lake.ledger, settings):
        console.print(part)
    verb = "nothing was new" if result.all_skipped else f"{result.seconds:.0f} s of work"
    report = (settings.report.path / "index.html").resolve()
    console.print(f"\nThe report: [bold]{report}[/]   ({verb})", highlight=False, soft_wrap=True)
    console.print("Look at one person: [bold].venv/bin/personalake explain --env demo --person 1[/]", highlight=False)


def _world_demo(env: str, conf_dir: Path, root: str | None, people: int) -> None:
    """The shorter tour: the known world's sources, through the same graph."""
    from personalake.pipelines.graph import run_graph, select_jobs
    from personalake.pipelines.tour_touchpoints import tour_touchpoints
    from personalake.world import WorldSettings, emit_world

    progress = Progress()
    settings = settings_for(env, conf_dir, root, None, None)
    lake = open_lake(settings)
    drawn = WorldSettings(people=people, days=WORLD_DAYS, drift_at=WORLD_DRIFTS_AT)
    progress.say(f"Landing files of a made-up shop with {people:,} people and {drawn.days} days, in {settings.landing}")
    with progress.step("writing landing files, and the truth behind them"):
        emitted = emit_world(lake.spark, drawn, settings.landing, lake.locations.root)
    progress.say(f"       {sum(emitted.files.values()):,} files of {len(emitted.files)} sources")
    progress.say(f"The suite, on the lake in {settings.root}")
    result = run_graph(select_jobs(), settings, lake, {}, progress)
    console = Console()
    for part in tour_touchpoints(lake.ledger, settings):
        console.print(part)
    verb = "nothing was new" if result.all_skipped else f"{result.seconds:.0f} s of work"
    report = (settings.report.path / "index.html").resolve()
    console.print(f"\nThe report: [bold]{report}[/]   ({verb})", highlight=False, soft_wrap=True)
    console.print(f"What is true of these people: [bold]{emitted.truth}[/]", highlight=False, soft_wrap=True)


@app.command()
def explain(
    person: Annotated[str | None, typer.Option("--person", help="A person id, or a customer's key in some source.")] = None,
    pair: Annotated[tuple[str, str] | None, typer.Option("--pair", help="Two records, each as source:record_id.")] = None,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    as_of: AsOf = None,
    region: Region = None,
) -> None:
    """Everything about one person, from records to what would be sent; or why two records are one person's, or not."""
    from personalake.pipelines.access import log_look, log_pair
    from personalake.pipelines.look import explain as explain_person
    from personalake.pipelines.look_pair import explain_records
    from personalake.pipelines.look_view import explanation_view, pair_view

    if (person is None) == (pair is None):
        raise typer.BadParameter("name a person (--person ID) or a pair of records (--pair crm:17 web:4), one of the two")
    settings = settings_to_look(env, conf_dir, root, as_of, region)
    day = None if settings.as_of == "latest" else settings.as_of
    ledger = existing_lake(settings).ledger
    if pair is not None:
        two = explain_records(ledger, *pair, settings.identity)
        log_pair(settings, ledger, pair)
        Console().print(pair_view(two))
    elif person is not None:
        found = explain_person(ledger, person, day, settings.identity)
        log_look(settings, ledger, "explain", found)
        Console().print(explanation_view(found))


@templates.command("preview")
def template_preview(
    person: Annotated[str, typer.Option("--person", help="A person id, or a customer's key in some source.")],
    template: Annotated[str | None, typer.Option("--template", help="A template; the decision's own by default.")] = None,
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    as_of: AsOf = None,
    region: Region = None,
) -> None:
    """What a person would read, before anything is sent."""
    from personalake.pipelines.access import log_look
    from personalake.pipelines.look import explain as explain_person
    from personalake.pipelines.look_view import previews_view
    from personalake.pipelines.template_preview import previews

    settings = settings_to_look(env, conf_dir, root, as_of, region)
    day = None if settings.as_of == "latest" else settings.as_of
    ledger = existing_lake(settings).ledger
    found = previews(settings, ledger, person, template, day)
    log_look(settings, ledger, "template preview", explain_person(ledger, person, day))
    Console().print(previews_view([preview.as_row() for preview in found]))


@app.command()
def tables(env: Env = "local", conf_dir: ConfDir = Path("conf"), root: Root = None, region: Region = None) -> None:
    """Every table: rows, version, freshness."""
    from personalake.pipelines.look import table_facts
    from personalake.pipelines.look_view import tables_view

    settings = settings_to_look(env, conf_dir, root, None, region)
    console = Console()
    console.print(tables_view(table_facts(existing_lake(settings).ledger), datetime.now(UTC), console.width))


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over tables of silver and gold, e.g. FROM gold.customer_profile.")],
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    root: Root = None,
    rows: Annotated[int, typer.Option(min=1, help="Rows to show.")] = 50,
    region: Region = None,
) -> None:
    """Ask the tables in SQL, with personal columns masked as analysts see them."""
    from personalake.pipelines.masked_query import logged_query

    print(logged_query(existing_lake(settings_to_look(env, conf_dir, root, None, region)).ledger, sql, rows))


@app.command("check-source")
def check_source(
    name: Annotated[str, typer.Argument(help="A source in conf/sources/.")],
    env: Env = "local",
    conf_dir: ConfDir = Path("conf"),
    rows: Annotated[int, typer.Option(min=1, help="Rows to look at.")] = 1_000,
    region: Region = None,
) -> None:
    """Look at a source's landing files for personal data and columns that are not there, before anything is read."""
    from personalake.pipelines.look_view import source_view
    from personalake.pipelines.source_check import check_source as look_at
    from personalake.pipelines.source_check import unseen_columns

    settings = settings_for(env, conf_dir, None, None, None, region=region)
    if name not in settings.sources:
        raise InputError(f"No source is called {name!r}; {nearest(name, sorted(settings.sources))}")
    seen = look_at(settings.sources[name], rows)
    Console().print(source_view(name, seen))
    for column, readers in unseen_columns(settings.sources[name], rows).items():
        told = f"no row has the column {column}, which {', '.join(readers)} would read"
        Console().print(told, style="bold red", highlight=False, markup=False)
    if any(column.untagged for column in seen):
        sys.exit(InputError.exit_code)


@app.command()
def doctor() -> None:
    """Say what this machine has, and what it lacks."""
    from personalake.doctor import checks, exit_code, table

    found = checks()
    print(table(found))
    sys.exit(exit_code(found))


if __name__ == "__main__":
    main()
