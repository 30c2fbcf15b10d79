from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NoReturn

import pytest

from personalake.config import Settings
from personalake.config.settings import ReportSettings
from personalake.config.sources import Source
from personalake.demo.planted import PlantedLine, part_bytes, part_path
from personalake.errors import EnvironmentProblem, SendingStoppedError
from personalake.lake import Lake, Locations
from personalake.pipelines import publish_report
from personalake.pipelines.graph import run_graph
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.pipelines.registry import BY_NAME
from personalake.pipelines.report_arrivals import arrivals_of
from personalake.pipelines.runner import run_job
from personalake.tables.gold import ACTIVATION_PLAN, RUN
from personalake.tables.silver import DUPLICATE, EVENT, ORDER_LINE
from tests.reports.gold_rows import AS_OF, fill

NOON = datetime(2017, 1, 1, 12, tzinfo=UTC)
ORDERS = Source(contract="order_line", path=Path("orders"), columns={"product_id": "product_id"})


def no_session() -> NoReturn:
    raise AssertionError("the report is made without a Spark session")


def context(root: Path, planted: Path | None = None, dry_run: bool = False) -> JobContext:
    report = ReportSettings(path=root / "report", planted=planted, title="A shop")
    settings = Settings(root=root / "lake", report=report, sources={"orders": ORDERS})
    lake = Lake(Locations(settings.root), no_session, dry_run)
    return JobContext(settings, lake, AS_OF, AS_OF, "run", {}, Progress())


def plant(root: Path, *lines: tuple[str, str, str, str]) -> Path:
    rows = [
        PlantedLine("orders", kind, sha, None, key, "f", date(2017, 1, 1), expected) for kind, expected, sha, key in lines
    ]
    part = root / part_path("orders", date(2017, 1, 1))
    part.parent.mkdir(parents=True)
    part.write_bytes(part_bytes(rows))
    return root / "_planted"


def test_one_page_is_written_twice_the_same_and_nothing_beside_it(tmp_path: Path) -> None:
    job = context(tmp_path)
    fill(job.lake.ledger)

    result = publish_report.run(job)
    first = (tmp_path / "report/index.html").read_bytes()
    publish_report.run(job)

    assert [path.name for path in (tmp_path / "report").iterdir()] == ["index.html"]
    assert (tmp_path / "report/index.html").read_bytes() == first
    assert b"<title>A shop, as of 2017-12-01</title>" in first
    assert result.figures["people"] == 12


def stopped_at(root: Path, **more: object) -> tuple[Settings, Lake]:
    """A lake in which the only plan of a sync was stopped by its bounds, and the settings of that sync."""
    sync = {"audience": {"where": "orders > 1"}, "destination": "there", "purposes": ["personalisation"], **more}
    there = {"kind": "csv_drop", "folder": str(root / "out"), "columns": ["id"]}
    settings = Settings.model_validate(
        {"root": root / "lake", "report": {"path": root / "report"}, "as_of": AS_OF, "audiences": {"vip": sync},
         "connections": {"there": there}}
    )  # fmt: skip
    lake = Lake(Locations(settings.root), no_session)
    if not lake.ledger.read(ACTIVATION_PLAN):
        row = {"plan_id": "plan-vip", "sync": "vip", "destination": "there", "state": "stopped", "logged_at": NOON,
               "reason": "3 of 4 would be removed, bounds.max_removed_share is 0.2"}  # fmt: skip
        lake.ledger.append(ACTIVATION_PLAN, [row])
    return settings, lake


def test_a_stopped_plan_is_drawn_in_the_same_run_of_the_graph_that_fails_with_it(tmp_path: Path) -> None:
    settings, lake = stopped_at(tmp_path)
    jobs = [BY_NAME["send_activation"], BY_NAME["publish_report"]]

    with pytest.raises(SendingStoppedError, match="vip to there: plan-vip is stopped, nothing of it is sent: 3 of 4"):
        run_graph(jobs, settings, lake)

    assert "vip to there: plan-vip is stopped" in (tmp_path / "report/index.html").read_text()
    assert {row["job"]: row["status"] for row in lake.ledger.read(RUN)} == {
        "send_activation": "failed", "publish_report": "done",
    }  # fmt: skip


def test_a_page_is_drawn_again_once_a_stopped_sync_is_turned_off(tmp_path: Path) -> None:
    run_job(BY_NAME["publish_report"], *stopped_at(tmp_path))
    again = run_job(BY_NAME["publish_report"], *stopped_at(tmp_path))
    off = run_job(BY_NAME["publish_report"], *stopped_at(tmp_path, enabled=False))

    assert (again.status, off.status) == ("skipped", "done")
    assert "plan-vip" not in (tmp_path / "report/index.html").read_text()


def test_a_dry_run_writes_no_page(tmp_path: Path) -> None:
    result = publish_report.run(context(tmp_path, dry_run=True))

    assert not (tmp_path / "report").exists()
    assert "would write" in result.message


def test_a_page_is_made_from_an_empty_lake_too(tmp_path: Path) -> None:
    publish_report.run(context(tmp_path))

    assert "Nothing to show yet." in (tmp_path / "report/index.html").read_text()


def test_a_folder_that_cannot_be_written_is_said_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("a file stands in the way")

    with pytest.raises(EnvironmentProblem, match=r"Cannot write .*index\.html.*set report\.path"):
        publish_report.run(context(tmp_path))


def test_planted_lines_are_found_by_id_and_the_data_s_own_dirt_stands_apart(tmp_path: Path) -> None:
    planted = plant(
        tmp_path,
        ("wrong_type", "quarantined", "b" * 64, "o-1"),
        ("exact_duplicate", "duplicate", "c" * 64, "o-2"),
        ("late", "late", "d" * 64, "o-3"),
        ("late", "late", "e" * 64, "o-4"),
        ("unknown_product", "warned", "f" * 64, "o-5"),
    )
    job = context(tmp_path, planted)
    ledger = job.lake.ledger
    fill(ledger)
    ledger.append(DUPLICATE, [{"source": "orders", "row_id": "o-2", "payload_hash": "c" * 64, "is_exact": True}])
    ledger.append(EVENT, [
        {"event_id": "o-3", "occurred_at": NOON, "known_at": NOON + timedelta(days=1)},
        {"event_id": "o-4", "occurred_at": NOON, "known_at": NOON + timedelta(hours=23)},
    ])  # fmt: skip
    ledger.append(ORDER_LINE, [{"event_id": "o-5", "known_at": NOON, "warnings": ["product_id: not in the catalog"]}])

    arrivals = arrivals_of(job.settings, ledger)

    assert {row["kind"]: (row["planted"], row["found"]) for row in arrivals.planted or ()} == {
        "wrong_type": (1, 1),
        "exact_duplicate": (1, 1),
        "late": (2, 1),
        "unknown_product": (1, 1),
    }
    assert [(row["what"].split(",")[0], row["rows"]) for row in arrivals.own_dirt] == [
        ("refused", 1),  # quantity: zero; the other refusal was planted
        ("accepted with a warning", 3),  # of 4, one was planted
        ("accepted a day or more after it happened", 1),  # of 2, one was planted and found
    ]
    assert arrivals.days == {date(2017, 1, 1): 1}
