"""Landed files that are old go from landing folder and inbox; what bronze has not read never does."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from personalake.config import Settings
from personalake.config.sources import Source
from personalake.lake import Lake, Locations
from personalake.lake.landing import admit, files_of
from personalake.lake.streams import CAUGHT_UP
from personalake.pipelines.job import JobContext
from personalake.pipelines.maintain_tables import run
from personalake.pipelines.progress import Progress
from personalake.pipelines.verify_receipts import verify_receipts
from personalake.tables.bronze import LANDING_FILE
from personalake.tables.erasure import RETENTION_RECEIPT

AS_OF = date(2017, 12, 1)
JANUARY, MARCH, OCTOBER = (datetime(2017, month, 1, tzinfo=UTC) for month in (1, 3, 10))


def no_session() -> Any:
    raise AssertionError("files are deleted without Spark")


@pytest.fixture
def context(tmp_path: Path) -> JobContext:
    """Files of one source that came in January, March and October; bronze has read those of before February."""
    orders = Source.model_validate({"contract": "order_line", "path": str(tmp_path / "landing" / "orders"), "columns": {}})
    settings = Settings(root=tmp_path / "lake", sources={"orders": orders}, maintenance={"landed_days": 90})
    lake = Lake(Locations.of(settings), no_session)
    folder = tmp_path / "landing" / "orders"
    came = {"read.csv": JANUARY, "unread.csv": MARCH, "young.csv": OCTOBER, "changed.csv": JANUARY, "new.csv": None}
    for name in (*came, "_rejected/bad.csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name}\n")
        os.utime(folder / name, (JANUARY.timestamp(), JANUARY.timestamp()))
    files = {file.relative: file for file in files_of(orders) if came[file.relative]}
    for file in files.values():
        admit(file, lake.locations.inbox("orders"), orders)
    lake.ledger.append(
        LANDING_FILE,
        [
            {"source": "orders", "path": name, "bytes": file.size, "modified_at": file.modified_at, "status": "admitted",
             "checked_at": came[name]}
            for name, file in files.items()
        ],
    )  # fmt: skip
    bad = {"source": "orders", "path": "bad.csv", "status": "rejected", "checked_at": JANUARY}
    lake.ledger.append(LANDING_FILE, [bad, {**bad, "path": "mended.csv"}])
    (folder / "changed.csv").unlink()
    (folder / "changed.csv").write_text("written anew under its old name\n")
    checkpoint = lake.locations.checkpoint("ingest_events", "orders")
    checkpoint.mkdir(parents=True)
    (checkpoint / CAUGHT_UP).write_text(datetime(2017, 2, 1, tzinfo=UTC).isoformat())
    return JobContext(settings, lake, AS_OF, AS_OF, "one", {}, Progress())


def there(context: JobContext) -> set[str]:
    """Files of landing folder and inbox, by the name under which they landed."""
    folder, inbox = context.settings.root.parent / "landing" / "orders", context.lake.locations.inbox("orders")
    landed = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return landed | {f"inbox/{path.parent.name}" for path in inbox.rglob("*") if path.is_file()}


def test_a_file_goes_once_it_is_old_and_read_and_what_is_not_read_stays_however_old(context: JobContext) -> None:
    before = there(context)

    foretold = run(replace(context, lake=Lake(context.lake.locations, no_session, dry_run=True)))
    untouched = there(context)
    done = run(context)

    assert untouched == before
    assert before - there(context) == {"read.csv", "inbox/read.csv", "inbox/changed.csv"}
    assert foretold.figures["landed_files"] == done.figures["landed_files"] == 3
    assert "3 landed files as well; 1 rejected files are as old" in str(done.message)
    receipts = sorted(context.lake.ledger.read(RETENTION_RECEIPT), key=lambda row: row["recorded_at"])
    told = [(row["table"], row["rows"], row["rows_removed"]) for row in receipts]
    assert told == [("landing/orders", 3, None), ("landing/orders", 3, 3)]
    assert verify_receipts(context.settings, context.lake.ledger).is_sound
    assert run(replace(context, run_id="two")).figures["landed_files"] == 0


def test_of_a_source_that_no_stream_has_read_to_its_end_nothing_goes(context: JobContext) -> None:
    (context.lake.locations.checkpoint("ingest_events", "orders") / CAUGHT_UP).unlink()
    before = there(context)

    run(context)

    assert there(context) == before


def test_how_many_files_a_run_deleted_before_it_died_is_found_out_by_the_next(
    context: JobContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink = Path.unlink

    def dies_at_the_second(path: Path, missing_ok: bool = False) -> None:
        if path.is_relative_to(context.lake.locations.inbox("orders")):
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", dies_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            run(context)

    run(replace(context, run_id="two"))

    told = {(row["run_id"], row["rows_removed"]) for row in context.lake.ledger.read(RETENTION_RECEIPT)}
    assert told == {("one", None), ("one", 1), ("two", None), ("two", 2)}


def test_what_a_source_brought_that_is_not_configured_any_more_goes_from_its_inbox_as_it_did(context: JobContext) -> None:
    before = there(context)
    settings = Settings(root=context.settings.root, maintenance={"landed_days": 90})

    done = run(replace(context, settings=settings))

    assert before - there(context) == {"inbox/read.csv", "inbox/changed.csv"}
    assert done.figures["landed_files"] == 2
