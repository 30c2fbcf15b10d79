"""What a failed stream says about its cause, and one that goes on about how far it has read."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from personalake.common.read_spec import ReadSpec
from personalake.lake import Lake, Locations
from personalake.lake.streams import Stream, clear_unfinished, read_until, root_cause, run_streams

PROXY = (
    "[STREAM_FAILED] Query [id = 1] terminated with exception: x\n"
    "Caused by: py4j.Py4JException: An exception was raised by the Python Proxy. Return Message: "
    "Traceback (most recent call last):\n" + '  File "callback.py", line 617, in _call_proxy\n    return f()\n' * 20
)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (PROXY + "ValueError: the wheel came off\n\n\tat py4j.Protocol.getReturnValue\n", "ValueError: the wheel came off"),
        (PROXY + "personalake.errors.InputError: no such table\n", "InputError: no such table"),
        (
            PROXY + "KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n"
            "Traceback (most recent call last):\n  File x\nOSError: disk full\n",
            "OSError: disk full",
        ),
        (
            PROXY + "py4j.protocol.Py4JJavaError: An error occurred while calling o1.save.\n: Job aborted\n"
            "\tat a.b\nCaused by: java.io.IOException: No space left on device\n\tat c.d\n",
            "java.io.IOException: No space left on device",
        ),
        ("[STREAM_FAILED] x\nCaused by: A: outer\n\tat a\nCaused by: B: inner\n\tat b\n", "B: inner"),
        ("[STREAM_FAILED] x\nand y", "[STREAM_FAILED] x\nand y"),
    ],
)
def test_the_cause_is_the_last_exception_not_the_way_to_it(text: str, cause: str) -> None:
    assert root_cause(text) == cause


@pytest.mark.parametrize(
    ("work", "batch", "is_bounded", "is_known"),
    [
        ({"latestOffset": 3}, 4, False, True),  # nothing was new
        ({"latestOffset": 3}, 0, True, True),
        ({"latestOffset": 3, "addBatch": 90}, 5, False, True),  # all that was listed was read
        ({"addBatch": 90}, 4, False, False),  # it may have been planned before a kill
        ({"latestOffset": 3, "addBatch": 90}, 5, True, False),  # there may be more
    ],
)
def test_a_stream_that_goes_on_has_read_all_there_was_when_a_trigger_began_only_if_that_trigger_left_nothing(
    work: dict[str, int], batch: int, is_bounded: bool, is_known: bool
) -> None:
    progress = {"timestamp": "2026-03-01T10:00:00.500Z", "batchId": batch, "durationMs": work}

    found = read_until(progress, first_batch=0 if batch == 0 else 4, is_bounded=is_bounded)

    assert found == (datetime(2026, 3, 1, 10, 0, 0, 500_000, UTC) if is_known else None)


def test_a_stream_begins_where_a_kill_left_its_first_offsets_half_written(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(Locations(tmp_path), lambda: spark)
    checkpoint = lake.locations.checkpoint("ingest", "pages")
    seen: list[int] = []
    pages = Stream(
        name="pages",
        read=ReadSpec("text", path=str(tmp_path / "pages")),
        prepare=lambda rows: rows,
        handle=lambda batch, app_id, number: seen.append(batch.count()),
        checkpoint=checkpoint,
    )
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.txt").write_text("one\ntwo\n")
    for part in ("offsets", "commits"):
        (checkpoint / part).mkdir(parents=True)
        (checkpoint / part / ".0.2f6c1a52-9f0e-4a7b-9d57-3a3f3a1f0c11.tmp").write_text("v1\n{")
        (checkpoint / part / "..0.2f6c1a52-9f0e-4a7b-9d57-3a3f3a1f0c11.tmp.crc").write_bytes(b"crc\0")

    run_streams(lake, [pages])

    assert seen == [2]


def test_what_is_half_written_beside_a_recorded_batch_stays(tmp_path: Path) -> None:
    offsets = tmp_path / "offsets"
    offsets.mkdir()
    for name in ("0", ".1.2f6c1a52.tmp"):
        (offsets / name).write_text("v1\n")

    clear_unfinished(tmp_path)

    assert sorted(path.name for path in offsets.iterdir()) == [".1.2f6c1a52.tmp", "0"]
