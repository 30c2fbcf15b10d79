"""Writes a world to disk: the sources' files into a landing folder, the truth beside the lake."""

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql import functions as F

from personalake.errors import InputError
from personalake.world.dirt import lines_of, planted
from personalake.world.everyone import everyone
from personalake.world.feed import Feed
from personalake.world.life import as_drawn, kept
from personalake.world.settings import WorldSettings
from personalake.world.world import World, world

TRUTH, PLANTED, PLANTED_TRUTH = "truth", "_planted", "planted_line"
MOST_ROWS_A_FILE = 500_000
# Tables written at the same time: each is a few small Spark tasks with pauses between them.
WRITERS = 2
# Days of people up to which what tables are drawn from is held in memory: planning it anew for each would cost more.
FEW_DAYS = 100_000
Progress = Callable[[str], None]


@dataclass(frozen=True)
class WorldSummary:
    """What was written.

    Attributes:
        people: People of the world.
        files: Files by source.
        truth: Folder of the truth tables.
    """

    people: int
    files: Mapping[str, int]
    truth: Path


def emit_world(
    spark: SparkSession, settings: WorldSettings, landing: Path, root: Path, progress: Progress | None = None
) -> WorldSummary:
    """Write the sources of a world as files by landing day, and its truth as Parquet tables.

    A landing folder that holds this very world already is left as it is.

    Args:
        spark: The session.
        settings: The world.
        landing: The landing folder: files lie at `<landing>/<source>/<day>/`, the truth about dirt at `<landing>/_planted`.
        root: Folder of the lake: truth tables lie at `<root>/truth/<name>`.
        progress: Told in a sentence what is being done.

    Raises:
        InputError: When the landing folder holds another world.
    """
    report = progress or (lambda _: None)
    signature, signed = landing / "_world.json", settings.model_dump_json()
    truth = root / TRUTH
    if signature.exists() and signature.read_text(encoding="utf-8") != signed:
        raise InputError(
            f"The landing folder {landing} holds another world.",
            "Name an empty landing folder, or the settings that this one was made with.",
        )
    if not signature.exists():
        report(f"drawing {settings.people:,} people")
        everyone(spark, settings).write.mode("overwrite").parquet(str(truth / "_everyone"))
        hold = kept if settings.people * settings.days <= FEW_DAYS else as_drawn
        drawn = world(spark, settings, spark.read.parquet(str(truth / "_everyone")), hold)
        _write_all(drawn, landing, truth, report)
        signature.write_text(signed, encoding="utf-8")
    files = {path.name: len(list(path.rglob("*.*"))) for path in sorted(landing.glob("[!_]*")) if path.is_dir()}
    return WorldSummary(settings.people, files, truth)


def _write_all(drawn: World, landing: Path, truth: Path, report: Progress) -> None:
    """Sources and truths, two at a time; what a call that was cut short left behind is written again."""
    landing.mkdir(parents=True, exist_ok=True)

    def write_feed(name: str) -> None:
        report(f"writing {name}")
        _write_feed(drawn.feeds[name], drawn.settings, landing, truth / PLANTED_TRUTH)

    def write_truth(name: str) -> None:
        report(f"writing the truth about {name}")
        drawn.truth[name].write.mode("overwrite").parquet(str(truth / name))

    with ThreadPoolExecutor(WRITERS, thread_name_prefix="world") as pool:
        written = [pool.submit(write_feed, name) for name in drawn.feeds]
        written += [pool.submit(write_truth, name) for name in drawn.truth if name != PLANTED_TRUTH]
        for each in written:
            each.result()
    # The report compares what was planted with what was caught, where its settings name this folder.
    for part in (truth / PLANTED_TRUTH).glob("*.parquet"):
        target = landing / PLANTED / "planted_line.parquet" / part.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(part, target)


def _write_feed(feed: Feed, settings: WorldSettings, landing: Path, planted_truth: Path) -> None:
    """One folder for each landing day, one file in it unless it grows large; what was planted is written beside."""
    unfinished = landing / f"_{feed.name}"
    if feed.format in ("json", "csv"):
        lines = lines_of(feed, settings)
        _by_day(lines.select("landing_date", "line", F.sha2("line", 256).alias("place"))).text(str(unfinished))
        if feed.dirt:
            _write_planted(planted(lines, feed), planted_truth, feed.name)
    else:
        rows = feed.rows.withColumns({"landing_date": feed.landing_date, "place": feed.key})
        _by_day(rows).format(feed.format).save(str(unfinished))
    _settle(unfinished, landing / feed.name, feed.format, ",".join(feed.rows.columns) if feed.format == "csv" else None)


def _write_planted(rows: DataFrame, folder: Path, name: str) -> None:
    """One table of all feeds, of which each writes its parts."""
    unfinished = folder / f"_{name}"
    rows.coalesce(1).write.mode("overwrite").parquet(str(unfinished))
    for part in unfinished.glob("part-*.parquet"):
        part.replace(folder / f"{name}.parquet")
    shutil.rmtree(unfinished)


def _by_day(rows: DataFrame) -> DataFrameWriter:
    """A writer of one folder a day; rows are in an order that says nothing of whose they are."""
    ordered = rows.repartition("landing_date").sortWithinPartitions("landing_date", "place").drop("place")
    writer = ordered.write.mode("overwrite").partitionBy("landing_date")
    return writer.option("maxRecordsPerFile", MOST_ROWS_A_FILE)


def _settle(unfinished: Path, target: Path, suffix: str, header: str | None) -> None:
    """Give each file the name and place at which it lands, and its header if it has one."""
    for folder in sorted(unfinished.glob("landing_date=*")):
        day = folder.name.partition("=")[2]
        (target / day).mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(sorted(folder.glob("part-*")), start=1):
            if header is not None:
                part.write_text(f"{header}\n{part.read_text(encoding='utf-8')}", encoding="utf-8")
            part.replace(target / day / f"{target.name}_{day}_{number}.{suffix}")
    shutil.rmtree(unfinished)
