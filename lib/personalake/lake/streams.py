"""Executes streams: adapters say what to read (`ReadSpec`), pipelines say what to do with each micro-batch."""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

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


def run_streams(lake: Lake, streams: Sequence[Stream], trigger_seconds: int | None = None) -> None:
    """Run streams side by side until they have read what is there, or for ever with a trigger interval.

    Args:
        lake: The lake.
        streams: The streams.
        trigger_seconds: Interval of micro-batches; None reads what is available and ends.

    Raises:
        InputError: If a stream failed; names the source and the cause. The other streams end cleanly first.
    """
    started_at = datetime.now(UTC)
    queries = [(stream, _start(lake, stream, trigger_seconds)) for stream in streams]
    failures = []
    while queries:
        for stream, query in list(queries):
            try:
                ended = query.awaitTermination(_POLL_SECONDS)
                if ended and trigger_seconds is None:
                    (stream.checkpoint / CAUGHT_UP).write_text(started_at.isoformat())
            except StreamingQueryException as error:
                failures.append((stream, error))
                ended = True
            if ended:
                queries.remove((stream, query))
        if failures and trigger_seconds is not None:
            for _, query in queries:
                query.stop()
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


def is_settled(checkpoint: Path) -> bool:
    """Whether the latest micro-batch that was begun has been finished."""
    begun, finished = (
        max((int(path.name) for path in (checkpoint / part).glob("*") if path.name.isdigit()), default=-1)
        for part in ("offsets", "commits")
    )
    return begun == finished


def _start(lake: Lake, stream: Stream, trigger_seconds: int | None) -> StreamingQuery:
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
