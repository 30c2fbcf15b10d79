from datetime import UTC, datetime

import pytest
from pyspark.sql import SparkSession

from personalake.common.hashing import person_hash_of
from personalake.config.identity import GuardSettings
from personalake.identity.links import identifiers, lone_links

SIGHTING = "namespace string, customer_id string, source string, known_at timestamp"


def at(day: int) -> datetime:
    return datetime(2017, 1, day, tzinfo=UTC).replace(tzinfo=None)


def test_an_identifier_seen_in_two_sources_has_one_link_with_both_and_the_earliest_time(spark: SparkSession) -> None:
    orders = spark.createDataFrame([("crm", "7", "orders", at(5)), ("crm", "7", "orders", at(4))], SIGHTING)
    customers = spark.createDataFrame([("crm", "7", "customers", at(2)), ("web", "7", "customers", at(3))], SIGHTING)
    pasted = spark.createDataFrame([("crm", "\xa07\t", "desk", at(6))], SIGHTING)

    links = lone_links(identifiers([orders, customers, pasted]), "1")

    rows = {(row["namespace"], row["value"]): row for row in links.collect()}
    assert set(rows) == {("crm", "7"), ("web", "7"), ("crm", "\xa07\t")}
    assert rows["crm", "7"]["sources"] == ["customers", "orders"]
    assert rows["crm", "7"]["first_known_at"] == at(2)
    assert rows["crm", "7"]["person_id"] == person_hash_of("crm", "7")
    assert rows["crm", "\xa07\t"]["person_id"] == rows["crm", "7"]["person_id"]
    assert rows["web", "7"]["person_id"] != rows["crm", "7"]["person_id"]


def test_rows_of_nobody_make_no_link(spark: SparkSession) -> None:
    told = [None, "Anonymous", "000", "N/A", "0x"]
    orders = spark.createDataFrame([("crm" if each else None, each, "orders", at(5)) for each in told], SIGHTING)

    found = identifiers([orders], GuardSettings().blocked_values).collect()

    assert [row["value"] for row in found] == ["0x"]


def test_no_frames_at_all_are_an_error() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        identifiers([])
