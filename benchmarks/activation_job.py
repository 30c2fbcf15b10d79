"""The job `send_activation` measured: a million rows from the outbox to a fake vendor, each claimed and logged in Delta.

The sender's tables lie in a folder of their own; the fake runs in a process of its own. What the job costs beside sending is
seen by sending the same rows without tables.
"""

import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import mean
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.lake import Lake, Locations
from personalake.lake.declared import arrow_schema
from personalake.pipelines import send_activation
from personalake.pipelines.activation_journal import LakeJournal
from personalake.pipelines.activation_status import sent_so_far
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.progress import Progress
from personalake.pipelines.system_clock import SystemClock
from personalake.tables import Table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, ACTIVATION_PLAN
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, PERSON_LINK
from tests.activation.matrix import Case
from tests.fakes import Fakes

GIB = 1 << 30
PURPOSE, AT = "email_marketing", datetime(2026, 1, 1, tzinfo=UTC)
_PIECE = 100_000
# Of so many people one has withdrawn consent since the plan.
_WITHDRAWN = 100


def no_session() -> SparkSession:
    raise SystemExit("the job started a session")


def a_lake(folder: Path, case: Case, count: int) -> Lake:
    """A plan of so many deliveries, one for each person, and what each person consents to."""
    lake = Lake(Locations(folder), no_session)
    lake.ledger.append(ACTIVATION_PLAN, [{"plan_id": "plan-1", "state": "ready", "logged_at": AT}])
    for start in range(0, count, _PIECE):
        numbers = range(start, min(start + _PIECE, count))
        people = [f"p_{number:024x}" for number in numbers]
        _add(lake, ACTIVATION_OUTBOX, _deliveries(case, numbers))
        _add(lake, CONSENT_CURRENT, ({"person_id": one, "purpose": PURPOSE, "status": "granted"} for one in people))
        _add(lake, PERSON_LINK, ({"namespace": "n", "value": one, "person_id": one} for one in people))
        _add(
            lake,
            CONSENT,
            (
                {"record_id": one, "namespace": "n", "customer_id": one, "purpose": PURPOSE, "occurred_at": AT,
                 "known_at": AT, "status": "withdrawn" if number % _WITHDRAWN == 0 else "granted"}
                for number, one in enumerate(people)
            ),
        )  # fmt: skip
    return lake


def _deliveries(case: Case, numbers: range) -> Iterator[dict[str, Any]]:
    for number in numbers:
        operation, payload = case.items(number * 2)
        yield {
            "delivery_id": f"{number:040x}", "person_id": f"p_{number:024x}", "destination": "there", "operation": operation,
            "payload": json.dumps(payload, separators=(",", ":")), "purpose": PURPOSE, "plan_id": "plan-1", "removal": False,
        }  # fmt: skip


def _add(lake: Lake, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    lake.ledger.append_arrow(table, pa.Table.from_pylist(list(rows), arrow_schema(table)))


def job(case: Case, fakes: Fakes, count: int) -> bool:
    """The job once, and once more with nothing left; says what it took, and whether memory and the count are right."""
    with tempfile.TemporaryDirectory(prefix="personalake-bench-") as folder:
        lake, seconds = a_lake(Path(folder), case, count), [0.0]
        before = _peak()

        class Timed(LakeJournal):
            def _append(self, *told: Any, **columns: Any) -> Any:
                started = time.perf_counter()
                try:
                    return super()._append(*told, **columns)
                finally:
                    seconds.append(time.perf_counter() - started)

        send_activation.LakeJournal = Timed  # type: ignore[misc]
        started, cpu = time.perf_counter(), time.process_time()
        first = _run(lake, case, fakes)
        took, used = time.perf_counter() - started, time.process_time() - cpu
        started = time.perf_counter()
        again = _run(lake, case, fakes)
        nothing, started = time.perf_counter() - started, time.perf_counter()
        (sent,) = sent_so_far(lake.ledger)
        status = time.perf_counter() - started
        there = first.figures["destinations"]["there"]
        log = lake.ledger.size(ACTIVATION_LOG) / 1e6
    print(
        f"job {case.kind}: {count:,} rows in {took:.1f} s, {count / took:,.0f}/s, CPU {used / took:.0%}; "
        f"{there['requests']:,} requests, {there['bytes'] / 1e6:,.0f} MB sent, {log:,.0f} MB of log; "
        f"{len(seconds) - 1} appends of {mean(seconds[1:]):.2f} s; peak {_peak() / GIB:.2f} GiB of 4 allowed "
        f"({before / GIB:.2f} before); nothing left: {nothing:.1f} s; status: {status:.1f} s",
        flush=True,
    )
    stopped = -(-count // _WITHDRAWN)
    is_right = (sent.taken, sent.cancelled, again.skipped) == (count - stopped, stopped, True)
    return is_right and _peak() < 4 * GIB


def _run(lake: Lake, case: Case, fakes: Fakes) -> JobResult:
    settings = Settings(root=lake.locations.root, connections={"there": case.connection(fakes)})
    context = JobContext(settings, lake, date(2026, 1, 1), date(2026, 1, 1), "run", {}, Progress())
    return send_activation.send_planned(context, SystemClock(), random.Random(1), case.resolve(fakes))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
