"""The profile and its history follow one set of rules, told twice: by Spark for now, by pandas through time."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from pyspark.sql import SparkSession

from personalake.config.identity import Survivorship
from personalake.profiles.history import timelines
from personalake.profiles.statements import survivors_over_time
from personalake.profiles.survivorship import attributes_of
from personalake.tables.silver import CUSTOMER_RECORD, DEMOGRAPHICS

START = datetime(2025, 1, 1, tzinfo=UTC)
RULES = Survivorship(
    default="most_recent",
    fields={"income_band": "most_trusted", "kids_count": "most_frequent", "household_type": "most_complete"},
    trusted_sources=("b", "a"),
    partial_sources=("c",),
)


def drawn(seed: int, persons: int) -> list[dict[str, Any]]:
    """Records of a few customers of four sources each, half of what they could tell left blank, often at the same time."""
    dice = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(persons * 7):
        person, source = dice.randrange(persons), dice.choice("abcd")
        told = {name: dice.choice([None, None, "x", "y", "z"]) for name in DEMOGRAPHICS}
        rows.append({"person_id": f"p{person}", "namespace": "n", "customer_id": f"{person}-{dice.randrange(2)}",
                     "source": source, "known_at": START + timedelta(days=dice.randrange(9)), "record_id": f"{number:04d}",
                     **told})  # fmt: skip
    return rows


def test_what_holds_at_the_end_of_the_history_is_what_the_profile_says(spark: SparkSession) -> None:
    drawn_rows = drawn(5, 60)
    records = pd.DataFrame(drawn_rows)
    kinds = {field.name: field.type for field in CUSTOMER_RECORD.fields}
    schema = ", ".join(f"{name} {kinds.get(name, 'string')}" for name in records)
    rows = spark.createDataFrame([tuple(row.values()) for row in drawn_rows], schema)

    now = {row["person_id"]: row.asDict() for row in attributes_of(rows, RULES).collect()}
    told = timelines(survivors_over_time(records, DEMOGRAPHICS, RULES).assign(place=0))

    open_rows = told[told["valid_to"].isna()]
    ends = {(row.person_id, row.attribute): row.value for row in open_rows.itertuples()}
    said = {(person, name): row[name] for person, row in now.items() for name in DEMOGRAPHICS if row[name] is not None}
    assert len(said) > 200
    assert len({value for value in said.values()}) == 3
    assert ends == said
