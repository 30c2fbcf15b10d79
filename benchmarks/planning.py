"""Planning measured: a first sync, and the same again after one per cent of the people have changed.

The lake is made up: so many profiles, each with consent. The sender is stood in for by rows of the log, a claim and an
acceptance for each delivery, as it would have written them.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.config import Settings
from personalake.config.settings import SparkSettings
from personalake.lake import Lake, Locations
from personalake.pipelines.job import JobContext
from personalake.pipelines.plan_activation import run
from personalake.pipelines.progress import Progress
from personalake.session import get_session
from personalake.tables import Table
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, CUSTOMER_PROFILE
from personalake.tables.silver import CONSENT_CURRENT

DAY = date(2026, 11, 25)
_MOST_AGAIN, _MOST_PLANNING = 0.015, 0.30
# Of fewer people most of a plan is what any run of the job costs, however little there is to plan; that is told, not judged.
_MANY = 1_000_000
SYNC: Mapping[str, Any] = {
    "audience": {"where": "orders >= 1"},
    "destination": "crm",
    "mode": "mirror",
    "purposes": ["personalisation"],
    "fields": {
        "category": "favourite_category",
        "orders": "orders",
        "spend": "spend",
        "last_order_date": "last_order_date",
        "discount_share": "round(discount_share, 2)",
    },
    "membership": "is_member",
    "holdout": False,
    "approve_above": None,
}


@dataclass(frozen=True)
class Figures:
    """One plan: its seconds, and what it would send."""

    seconds: float
    deliveries: int
    calls: int
    bytes: int

    def __str__(self) -> str:
        return f"{self.seconds:6.1f} s, {self.deliveries:>9,} deliveries, {self.calls:>7,} calls, {self.bytes:>12,} bytes"


def profiles(lake: Lake, people: int, day: date, changed: int) -> None:
    """Profiles of a day; the first ones have another favourite than the day before."""
    number = F.col("id")
    category = F.when(number < changed, F.lit("soup")).otherwise(F.concat(F.lit("category "), number % 40))
    made = lake.spark.range(people).select(
        F.concat(F.lit("p_"), F.substring(F.sha2(number.cast("string"), 256), 1, 24)).alias("person_id"),
        F.concat(F.lit("c"), number).alias("customer_id"),
        F.date_sub(F.lit(DAY), (number % 300).cast("int")).alias("last_order_date"),
        (number % 50 + 1).alias("orders"),
        (number * 7 % 100_000 / 100).cast("decimal(18,2)").alias("spend"),
        category.alias("favourite_category"),
        (number % 97 / 97.0).alias("discount_share"),
        F.lit(day).alias("as_of"),
    )
    lake.overwrite(complete(made, CUSTOMER_PROFILE), CUSTOMER_PROFILE)
    if not lake.exists(CONSENT_CURRENT):
        said = {"purpose": F.lit("personalisation"), "status": F.lit("granted")}
        lake.overwrite(complete(made.select("person_id").withColumns(said), CONSENT_CURRENT), CONSENT_CURRENT)


def complete(rows: DataFrame, table: Table) -> DataFrame:
    """Rows with all columns of a table, null where there is nothing."""
    given = set(rows.columns)
    columns = [
        (F.col(field.name) if field.name in given else F.lit(None)).cast(field.data_type).alias(field.name)
        for field in table.fields
    ]
    return rows.select(*columns)


def accept_everything(lake: Lake) -> None:
    """What the sender would have logged: each delivery claimed, then accepted."""
    sent = lake.read(ACTIVATION_OUTBOX).join(lake.read(ACTIVATION_LOG), "delivery_id", "left_anti")
    for state, minutes in (("in_flight", 1), ("accepted", 2)):
        at = F.lit(datetime.now(UTC) + timedelta(minutes=minutes))
        rows = sent.select(
            "delivery_id", F.lit("crm").alias("destination"), F.lit(state).alias("state"), at.alias("logged_at")
        )
        lake.append(complete(rows, ACTIVATION_LOG), ACTIVATION_LOG)


def planned(lake: Lake, day: date) -> Figures:
    """One run of plan_activation."""
    settings = Settings.model_validate(
        {
            "root": lake.locations.root,
            "connections": {"crm": {"kind": "braze_track", "instance": "rest.fra-01.braze.eu", "api_key": "secret://b/k"}},
            "audiences": {"everyone": SYNC},
        }
    )
    context = JobContext(settings, lake, day, day, "bench", {}, Progress(), datetime.now(UTC))
    started = time.perf_counter()
    found = run(context).figures["audiences"]["everyone"]
    seconds = time.perf_counter() - started
    if found["state"] != "ready":
        raise SystemExit(f"the plan is {found['state']}: {found['reason']}")
    return Figures(seconds, found["added"] + found["changed"] + found["removed"], found["calls"], found["bytes"])


def measure(people: int) -> bool:
    """First plan, the same again, and after a change of one per cent; whether the bounds are kept."""
    with tempfile.TemporaryDirectory(prefix="personalake-planning-") as folder:
        spark = get_session(SparkSettings(master="local[2]", driver_memory="2g", shuffle_partitions=4))
        warm = Lake(Locations(Path(folder) / "warm"), lambda: spark)
        profiles(warm, 1_000, DAY, 0)
        planned(warm, DAY)
        accept_everything(warm)
        profiles(warm, 1_000, DAY + timedelta(1), 10)
        planned(warm, DAY + timedelta(1))
        lake = Lake(Locations(Path(folder) / "lake"), lambda: spark)
        profiles(lake, people, DAY, 0)
        first = planned(lake, DAY)
        accept_everything(lake)
        profiles(lake, people, DAY + timedelta(1), people // 100)
        again = planned(lake, DAY + timedelta(1))
    shares = [again.calls / first.calls, again.bytes / first.bytes, again.seconds / first.seconds]
    print(f"people {people:,}, one per cent of them changed\nfirst  {first}\nagain  {again}")
    print(f"again by first: calls {shares[0]:.2%}, bytes {shares[1]:.2%} (1.5 % at most), planning {shares[2]:.0%} (30 %)")
    return max(shares[:2]) <= _MOST_AGAIN and (shares[2] <= _MOST_PLANNING or people < _MANY)


def main() -> None:
    """Measure, and fail if a bound is not kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="*", default=[100_000, 1_000_000])
    if not all([measure(people) for people in parser.parse_args().people]):
        sys.exit("a bound is not kept, see above")


if __name__ == "__main__":
    main()
