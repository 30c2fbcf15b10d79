"""How fast a world is drawn: rows a second of its largest tables, at several sizes.

    .venv/bin/python -m benchmarks.world            # 10,000 and 100,000 people
    .venv/bin/python -m benchmarks.world 1000000    # a million

Rows go nowhere (Spark's `noop` sink): what is measured is drawing them, code generation included.
"""

import argparse
import time
from math import log

from pyspark.sql import DataFrame

from personalake.config.settings import SparkSettings
from personalake.session import get_session
from personalake.world import WorldSettings, record_truth, records, world
from personalake.world.everyone import everyone

TABLES = ("pos_sales", "web_orders", "web_events", "email_events")


def drawn(rows: DataFrame) -> tuple[int, float]:
    """How many rows there are, and the seconds in which they are drawn."""
    started = time.perf_counter()
    rows.write.format("noop").mode("overwrite").save()
    seconds = time.perf_counter() - started
    return rows.count(), seconds


def main() -> None:
    """Draw worlds of the given sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--days", type=int, default=90)
    chosen = parser.parse_args()
    spark = get_session(SparkSettings())
    surnames: dict[int, int] = {}
    for people in chosen.people:
        settings = WorldSettings(people=people, days=chosen.days)
        living = everyone(spark, settings).persist()
        count, seconds = drawn(living)
        print(f"{people:,} people, {chosen.days} days, {spark.sparkContext.defaultParallelism} cores")
        print(f"  {'people, habits, consents, arms':32s} {count:12,} rows {seconds:7.1f} s {count / seconds:12,.0f} rows/s")
        made = world(spark, settings, living)
        tables = {"customer records": records(spark, settings), "their truth": record_truth(spark, settings)}
        tables |= {name: made.sources[name] for name in TABLES}
        for name, rows in tables.items():
            count, seconds = drawn(rows)
            print(f"  {name:32s} {count:12,} rows {seconds:7.1f} s {count / seconds:12,.0f} rows/s")
        surnames[people] = living.select("last_name").distinct().count()
        living.unpersist()
    if len(surnames) > 1:
        (few, names), (many, more) = min(surnames.items()), max(surnames.items())
        print(f"surnames: {names:,} of {few:,} people, {more:,} of {many:,}: they grow like people^"
              f"{log(more / names) / log(many / few):.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
