"""Executes streams: adapters say what to read (`ReadSpec`), pipelines say what to do with each micro-batch."""

import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame
from pyspark.sql.streaming.query import StreamingQuery

from personalake.common.read_spec import ReadSpec
from personalake.errors import InputError
from personalake.lake.direct import literally
from personalake.lake.lake import Lake
from personalake.tables import Table

logger = logging.getLogger(__name__)
_POLL_SECONDS = 1
_SELF_DESCRIBING = ("parquet",)
CAUGHT_UP = "caught_up_at"


@dataclass(frozen=True)
class Stream:
    """One stream of a job.

    Args:
        name: Name of the source.
        read: What to read: a `ReadSpec`, or a table of the lake.
        prepare: Applied to the stream before micro-batches are cut.
        handle: Called for each micro-batch with its rows, an application id for idempotent writes, and its number.
        checkpoint: Where progress is kept.
    """

    name: str
    read: ReadSpec | Table
    prepare: Callable[[DataFrame], DataFrame]
    handle: Callable[[DataFrame, str, int], None]
    checkpoint: Path


@dataclass
class _Running:
    """A stream at work, and what is known of how far it has read."""

    stream: Stream
    query: StreamingQuery
    first_batch: int | None = None


def run_streams(
    lake: Lake,
    streams: Sequence[Stream],
    trigger_seconds: int | None = None,
    further: Callable[[], Sequence[Stream]] | None = None,
) -> None:
    """Run streams side by side until they have read what is there, or for ever with a trigger interval.

    Args:
        lake: The lake.
        streams: The streams.
        trigger_seconds: Interval of micro-batches; None reads what is available and ends.
        further: With a trigger interval, called once in each: it may let in what has come, and returns streams to start now.

    Raises:
        InputError: If a stream failed; names the source and the cause. The other streams end cleanly first.
    """
    started_at = datetime.now(UTC)
    running = [_Running(stream, _start(lake, stream, trigger_seconds)) for stream in streams]
    failures: list[tuple[Stream, StreamingQueryException]] = []
    looked_at, waits = time.monotonic(), further is not None and trigger_seconds is not None
    try:
        while running or (waits and not failures):
            if not running:
                time.sleep(_POLL_SECONDS)
            for one in list(running):
                try:
                    ended = one.query.awaitTermination(_POLL_SECONDS)
                    _note_progress(one, started_at if ended and trigger_seconds is None else None)
                except StreamingQueryException as error:
                    failures.append((one.stream, error))
                    ended = True
                if ended:
                    running.remove(one)
            if failures and trigger_seconds is not None:
                _stop(running)
            elif further is not None and trigger_seconds is not None and time.monotonic() - looked_at >= trigger_seconds:
                running += [_Running(stream, _start(lake, stream, trigger_seconds)) for stream in further()]
                looked_at = time.monotonic()
    except Exception:
        _stop(running)
        raise
    if failures:
        failed, cause = failures[0]
        logger.error("stream %s failed", failed.name, exc_info=cause)
        raise _cause(failed, cause) from cause


def caught_up_at(checkpoint: Path) -> datetime | None:
    """Up to when a stream has read everything that was there; None if it never got to its end."""
    try:
        return datetime.fromisoformat((checkpoint / CAUGHT_UP).read_text())
    except (FileNotFoundError, ValueError):
        return None


def read_until(progress: Mapping[str, Any], first_batch: int, is_bounded: bool) -> datetime | None:
    """Up to when a stream that goes on had read all there was, as far as one sign of progress tells; None if it does not.

    A trigger lists what is there when it begins. One that finds nothing new tells that all before it has been read. One that
    reads something tells the same if it had no bound, and is not the first of the run, which may do an old batch once more.

    Args:
        progress: What Spark reports of a trigger: `timestamp`, `batchId` and `durationMs`.
        first_batch: Number of the first micro-batch that was seen in this run.
        is_bounded: Whether micro-batches have an upper bound, and may leave something for the next.
    """
    is_idle = "addBatch" not in progress["durationMs"]
    if not is_idle and (is_bounded or progress["batchId"] <= first_batch):
        return None
    return datetime.fromisoformat(progress["timestamp"])


def is_settled(checkpoint: Path) -> bool:
    """Whether the latest micro-batch that was begun has been finished."""
    begun, finished = (
        max((int(path.name) for path in (checkpoint / part).glob("*") if path.name.isdigit()), default=-1)
        for part in ("offsets", "commits")
    )
    return begun == finished


def clear_unfinished(checkpoint: Path) -> None:
    """Remove what a kill left half-written in a checkpoint before its first micro-batch was recorded.

    Spark (4.1) refuses to begin where the folder of offsets or commits holds anything, even a file that never got its name.
    Where a batch is recorded, it looks at the recorded ones alone, and nothing is touched.
    """
    folders = [checkpoint / part for part in ("offsets", "commits")]
    left = [path for folder in folders if folder.is_dir() for path in folder.iterdir()]
    if all(path.name.startswith(".") and path.is_file() for path in left):
        for path in left:
            path.unlink()


def _note_progress(one: _Running, ended_all_of: datetime | None) -> None:
    """Write down up to when the stream has read everything; whoever is killed in between has read more than it says."""
    until, last = ended_all_of, one.query.lastProgress
    if until is None and last is not None and one.query.isActive:
        one.first_batch = last["batchId"] if one.first_batch is None else one.first_batch
        until = read_until(last, one.first_batch, _is_bounded(one.stream.read))
    known = caught_up_at(one.stream.checkpoint)
    if until is not None and (known is None or until > known):
        unfinished = one.stream.checkpoint / f".{CAUGHT_UP}"
        unfinished.write_text(until.isoformat())
        os.replace(unfinished, one.stream.checkpoint / CAUGHT_UP)


def _is_bounded(read: ReadSpec | Table) -> bool:
    """A table's stream takes a thousand files at a time."""
    return isinstance(read, Table) or any(name.endswith("PerTrigger") for name in read.options)


def _stop(running: Sequence[_Running]) -> None:
    for one in running:
        one.query.stop()


def _start(lake: Lake, stream: Stream, trigger_seconds: int | None) -> StreamingQuery:
    clear_unfinished(stream.checkpoint)
    rows = stream.prepare(_opened(lake, stream.read))
    writer = rows.writeStream.queryName(f"{stream.checkpoint.parent.name}-{stream.name}")
    writer = writer.option("checkpointLocation", str(stream.checkpoint))
    if trigger_seconds is None:
        writer = writer.trigger(availableNow=True)
    else:
        writer = writer.trigger(processingTime=f"{trigger_seconds} seconds")
    return writer.foreachBatch(lambda batch, number: stream.handle(batch, _app_id(stream), number)).start()


def _opened(lake: Lake, read: ReadSpec | Table) -> DataFrame:
    if isinstance(read, Table):
        reader = lake.spark.readStream.format("delta").option("skipChangeCommits", "true")
        if lake.locations.catalog:
            return reader.table(lake.locations.identifier(read))
        return reader.load(lake.locations.table(read))
    reader = lake.spark.readStream.format(read.format).options(**dict(read.options))
    schema = read.schema
    if schema is None and read.format in _SELF_DESCRIBING:
        schema = lake.spark.read.format(read.format).load(_first_file(read.path)).schema
    if schema is not None:
        reader = reader.schema(schema)
    return reader.load(read.path) if read.path else reader.load()


def _first_file(folder: str | None) -> str | None:
    """The file by which later ones are judged: one schema for all, whichever of them Spark would look at."""
    files = sorted(path for path in Path(folder or "").rglob("*") if path.is_file() and not path.name.startswith("."))
    return literally(str(files[0])) if folder and files else folder


def _app_id(stream: Stream) -> str:
    """Job, source and the checkpoint's own id: a new checkpoint restarts its numbers at 0 and needs a new id."""
    identity = json.loads((stream.checkpoint / "metadata").read_text())["id"]
    return f"{stream.checkpoint.parent.name}/{stream.name}/{identity}"


def _cause(stream: Stream, error: StreamingQueryException) -> Exception:
    return InputError(
        f"Source {stream.name} stopped: {' '.join(root_cause(str(error)).split())[:400]}",
        "Nothing of the failed micro-batch counts; the next run goes on from there. The whole trace is in the log.",
    )


def root_cause(text: str) -> str:
    r"""The line of a trace that says what happened: the exception of its last Python part, else its last `Caused by`.

    >>> root_cause("Caused by: Proxy: Traceback (most recent call last):\n  File x\nValueError: no\n\tat y.z")
    'ValueError: no'
    """
    _, in_python, inner = text.rpartition("Traceback (most recent call last):")
    if in_python:
        text = "\n".join(line for line in inner.splitlines() if line[:1].strip()) or text
    _, in_java, deepest = text.rpartition("Caused by: ")
    found = (deepest if in_java else text).strip()
    return found.splitlines()[0].removeprefix("personalake.errors.") if in_python or in_java else found
