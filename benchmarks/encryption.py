"""What encrypted payloads cost: order lines from landing files to silver, in clear text and under a key for each customer.

    .venv/bin/python -m benchmarks.encryption                      # 200,000 lines of 20,000 customers
    .venv/bin/python -m benchmarks.encryption 50000 --customers 5000

Each way is taken twice, after a small round that warms the session up. Fails if a line is lost, if a customer has no key, or
if what is encrypted takes more than so many times the seconds of clear text: docs/privacy.md tells users what it costs.
"""

import argparse
import json
import os
import random
import secrets
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from pyspark.sql import SparkSession

from personalake.config import Settings
from personalake.config.settings import SparkSettings
from personalake.lake import Lake, Locations
from personalake.pipelines import ingest_events, refine_events
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.session import get_session
from personalake.tables.bronze import DATA_KEY, EVENT
from personalake.tables.silver import ORDER_LINE

_MOST_TIMES = 2.5
_DAY = date(2026, 1, 1)
_COLUMNS = {
    "event_id": "id", "order_id": "id", "customer_id": "who", "product_id": "item", "quantity": "n", "amount": "paid",
    "occurred_at": "at",
}  # fmt: skip


def landed(folder: Path, lines: int, customers: int) -> int:
    """Order lines as a shop drops them, in files of 50,000; how many customers they are of."""
    dice, seen = random.Random(7), set[str]()
    for start in range(0, lines, 50_000):
        rows = [
            {"id": f"o{number}", "who": f"c{dice.randrange(customers)}", "item": f"i{dice.randrange(500)}", "n": 1,
             "paid": dice.randrange(99_99) / 100, "at": "2025-03-01T10:00:00Z", "note": "left at the door, as always"}
            for number in range(start, min(start + 50_000, lines))
        ]  # fmt: skip
        seen.update(str(row["who"]) for row in rows)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{start:09d}.json").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return len(seen)


def taken_in(spark: SparkSession, lines: int, customers: int, is_encrypted: bool) -> dict[str, float]:
    """Seconds of each job, and what lies there afterwards."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        seen = landed(folder / "landing", lines, customers)
        source = {"contract": "order_line", "currency": "EUR", "path": folder / "landing", "columns": _COLUMNS}
        encryption = {"keys": {"m1": "secret://benchmark/m1"}, "current": "m1"} if is_encrypted else {}
        settings = Settings.model_validate(
            {"root": folder / "lake", "sources": {"orders": source}, "privacy": {"encryption": encryption}}
        )
        lake = Lake(Locations.of(settings), lambda: spark)
        context = JobContext(settings, lake, _DAY, _DAY, "benchmark", {}, Progress())
        seconds = {}
        for job in (ingest_events, refine_events):
            started = time.perf_counter()
            job.run(context)
            seconds[job.__name__.rpartition(".")[2]] = time.perf_counter() - started
        accepted = lake.ledger.rows(ORDER_LINE)
        if accepted != lines:
            raise SystemExit(f"{accepted:,} of {lines:,} lines are in silver")
        keys = lake.ledger.rows(DATA_KEY)
        if (keys < seen) if is_encrypted else keys:
            raise SystemExit(f"{keys:,} keys for {seen:,} customers, encrypted: {is_encrypted}")
        return {**seconds, "bronze_bytes": lake.ledger.size(EVENT), "data_keys": keys}


def main() -> None:
    """Take the same lines in, encrypted and not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", nargs="?", type=int, default=200_000)
    parser.add_argument("--customers", type=int, default=20_000)
    chosen = parser.parse_args()
    os.environ["PERSONALAKE_SECRET_BENCHMARK_M1"] = secrets.token_hex(32)
    spark = get_session(SparkSettings(driver_memory="2g"))
    for is_encrypted in (False, True):
        taken_in(spark, 2_000, 200, is_encrypted)
    seconds = {False: 0.0, True: 0.0}
    for is_encrypted in (False, True, False, True):
        told = taken_in(spark, chosen.lines, chosen.customers, is_encrypted)
        seconds[is_encrypted] += told["ingest_events"] + told["refine_events"]
        print(json.dumps({"encrypted": is_encrypted, "lines": chosen.lines, **{k: round(v, 2) for k, v in told.items()}}))
    times = seconds[True] / seconds[False]
    print(f"encrypted by clear text: {times:.2f} times the seconds ({_MOST_TIMES} at most)")
    if times > _MOST_TIMES:
        sys.exit("encryption costs more than is told")


if __name__ == "__main__":
    main()
