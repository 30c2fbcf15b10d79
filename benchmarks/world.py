"""How fast a world is drawn: rows a second of its largest tables, at several sizes.

    .venv/bin/python -m benchmarks.world            # 10,000 and 100,000 people
    .venv/bin/python -m benchmarks.world 1000000    # a million

Rows go nowhere (Spark's `noop` sink): what is measured is drawing them, code generation included. No speed is
asked for; a larger world must have more names, since namesakes would be too many else, and a truth for each record.
"""

import argparse
import sys
import time
from math import log

from pyspark.sql import DataFrame

from personalake.config.settings import SparkSettings
from personalake.session import get_session
from personalake.world import WorldSettings, record_truth, records, world
from personalake.world.everyone import everyone
from personalake.world.names import SURNAME_GROWTH

# By so much the exponent may miss the declared one: not every name of a vocabulary is drawn.
_OFF = 0.1
TABLES = ("pos_sales", "web_orders", "web_events", "email_events")


def drawn(rows: DataFrame) -> tuple[int, float]:
    """How many rows there are, and the seconds in which they are drawn."""
    started = time.perf_counter()
    rows.write.format("noop").mode("overwrite").save()
    seconds = time.perf_counter() - started
    return rows.count(), seconds


def main() -> None:
    """Draw worlds of the given sizes, and fail if one is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("people", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--days", type=int, default=90)
    chosen = parser.parse_args()
    spark = get_session(SparkSettings())
    surnames, problems = dict[int, int](), list[str]()
    for people in chosen.people:
        settings = WorldSettings(people=people, days=chosen.days)
        living = everyone(spark, settings).persist()
        count, seconds = drawn(living)
        print(f"{people:,} people, {chosen.days} days, {spark.sparkContext.defaultParallelism} cores")
        print(f"  {'people, habits, consents, arms':32s} {count:12,} rows {seconds:7.1f} s {count / seconds:12,.0f} rows/s")
        made = world(spark, settings, living)
        tables = {"customer records": records(spark, settings), "their truth": record_truth(spark, settings)}
        tables |= {name: made.sources[name] for name in TABLES}
        counts: dict[str, int] = {}
        for name, rows in tables.items():
            count, seconds = drawn(rows)
            counts[name] = count
            print(f"  {name:32s} {count:12,} rows {seconds:7.1f} s {count / seconds:12,.0f} rows/s")
        if counts["their truth"] != counts["customer records"] or not all(counts.values()):
            problems.append(f"of {people:,} people: {counts}")
        surnames[people] = living.select("last_name").distinct().count()
        living.unpersist()
    if len(surnames) > 1:
        (few, names), (many, more) = min(surnames.items()), max(surnames.items())
        growth = log(more / names) / log(many / few)
        print(f"surnames: {names:,} of {few:,} people, {more:,} of {many:,}: they grow like people^{growth:.2f}")
        if abs(growth - SURNAME_GROWTH) > _OFF:
            problems.append(f"surnames grow like people^{growth:.2f}, {SURNAME_GROWTH} is declared")
    if problems:
        sys.exit("; ".join(problems))


if __name__ == "__main__":
    main()
