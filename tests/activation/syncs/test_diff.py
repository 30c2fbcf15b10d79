"""What is wanted against what is held: laws over any two sides, and what each mode sends."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.activation.syncs.acknowledged import HELD
from personalake.activation.syncs.diff import LEAVING, REMOVAL_HASH, plan
from personalake.activation.syncs.wanted import WANTED

KEYS = "abcdef"
Side = dict[str, str]


def wanted_of(spark: SparkSession, side: Side) -> DataFrame:
    rows = [(key, f"p{key}", None, "news", key, f'{{"v":"{value}"}}', None, value, None) for key, value in side.items()]
    return spark.createDataFrame(rows, ", ".join(f"{name} string" for name in WANTED))


def held_of(spark: SparkSession, side: Side, **more: dict[str, Any]) -> DataFrame:
    rows = [
        {"sync_key": key, "holder_id": f"p{key}", "held_hash": value, "stale": 0, **more.get(key, {})}
        for key, value in side.items()
    ]
    kinds = {"stale": "bigint"}
    schema = ", ".join(f"{name} {kinds.get(name, 'string')}" for name in HELD)
    return spark.createDataFrame([tuple(row.get(name) for name in HELD) for row in rows], schema)


def changes(planned: DataFrame) -> dict[str, str]:
    rows = planned.select("sync_key", "change").collect()
    assert len(rows) == len({row["sync_key"] for row in rows})
    return {row["sync_key"]: row["change"] for row in rows}


sides = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(("1", "2")), max_size=len(KEYS))


@settings(max_examples=5)
@given(cases=st.lists(st.tuples(sides, sides), min_size=8, max_size=8))
def test_a_mirrored_plan_makes_the_destination_what_is_wanted_and_planning_again_finds_nothing(
    spark: SparkSession, cases: list[tuple[Side, Side]]
) -> None:
    # Many small cases in one question to Spark: each has keys of its own.
    wanted = {f"{place}{key}": value for place, (side, _) in enumerate(cases) for key, value in side.items()}
    held = {f"{place}{key}": value for place, (_, side) in enumerate(cases) for key, value in side.items()}

    rows = plan(wanted_of(spark, wanted), held_of(spark, held), "mirror").collect()

    after = dict(held)
    for row in rows:
        if row["change"] in ("added", "changed"):
            after[row["sync_key"]] = row["payload_hash"]
        elif row["change"] == "removed":
            del after[row["sync_key"]]
    assert after == wanted
    assert {row["sync_key"] for row in rows} == wanted.keys() | held.keys()
    expected = {key: "added" for key in wanted.keys() - held.keys()} | {
        key: "removed" for key in held.keys() - wanted.keys()
    }
    expected |= {key: "unchanged" if wanted[key] == held[key] else "changed" for key in wanted.keys() & held.keys()}
    assert {row["sync_key"]: row["change"] for row in rows} == expected


@pytest.mark.parametrize(
    ("mode", "sent"),
    [
        ("insert", {"new"}),
        ("update", {"new", "other"}),
        ("upsert", {"new", "other"}),
        ("mirror", {"new", "other", "left"}),
        ("archive", {"new", "other", "left"}),
    ],
)
def test_each_mode_sends_its_changes_and_leaves_the_rest_as_it_is(spark: SparkSession, mode: Any, sent: set[str]) -> None:
    wanted = wanted_of(spark, {"new": "1", "other": "2", "same": "1"})
    held = held_of(spark, {"other": "1", "same": "1", "left": "1"})

    found = changes(plan(wanted, held, mode))

    assert {key for key, change in found.items() if change in LEAVING[mode]} == sent
    assert {change for key, change in found.items() if key not in sent} == {"unchanged"}


def test_what_is_in_doubt_is_said_again_and_what_was_refused_is_not(spark: SparkSession) -> None:
    removal = spark.range(1).select(F.sha2(F.lit(REMOVAL_HASH), 256)).first()
    assert removal is not None
    wanted = wanted_of(spark, {"doubt": "1", "refused": "1", "mended": "2"})
    held = held_of(
        spark,
        {"doubt": None, "refused": None, "mended": None, "kept": "1"},  # type: ignore[dict-item]
        refused={"holder_id": None, "rejected_hash": "1"},
        mended={"holder_id": None, "rejected_hash": "1"},
        kept={"rejected_hash": removal[0]},
    )

    assert changes(plan(wanted, held, "mirror")) == {
        "doubt": "changed", "refused": "refused", "mended": "added", "kept": "refused",
    }  # fmt: skip
    assert changes(plan(wanted, held, "mirror", resend_rejected=True))["refused"] == "added"


def test_who_has_read_a_message_under_another_key_does_not_get_it_again(spark: SparkSession) -> None:
    wanted = wanted_of(spark, {"new": "1", "other": "1", "a": "1", "own": "1", "passed": "1"})
    # The key of `passed` was that of the person who has one of their own by now.
    held = held_of(spark, {"old": "1", "gone": None, "a": "1", "passed": "1"},  # type: ignore[dict-item]
                   old={"holder_id": "pnew"}, gone={"holder_id": None, "rejected_hash": "1"},
                   passed={"holder_id": "pown"})  # fmt: skip

    rows = {row["sync_key"]: row for row in plan(wanted, held, "insert", is_once=True).collect()}

    assert {key: row["change"] for key, row in rows.items()} == {
        "new": "refused", "other": "added", "a": "unchanged", "old": "unchanged", "own": "refused", "passed": "unchanged",
    }  # fmt: skip
    assert rows["new"]["refusal"] == "has had it under another key"
    assert changes(plan(wanted, held, "insert"))["new"] == "added"


def test_who_has_had_enough_is_not_known_there_or_has_gone_is_refused_and_stays_where_they_are(spark: SparkSession) -> None:
    wanted = (
        wanted_of(spark, {"a": "1", "b": "1", "c": "2", "d": "1"})
        .withColumn("is_capped", F.col("sync_key") == "c")
        .withColumn("is_there", F.col("sync_key") != "a")
        .withColumn("is_gone", F.when(F.col("sync_key") == "d", True))
    )

    rows = {row["sync_key"]: row for row in plan(wanted, held_of(spark, {"c": "1"}), "mirror").collect()}

    assert {key: (row["change"], row["refusal"]) for key, row in rows.items()} == {
        "a": ("refused", "not known at the destination"),
        "b": ("added", None),
        "c": ("refused", "capped"),
        "d": ("refused", "nobody has this device, or this name, there any more"),
    }


def test_who_cannot_be_said_stays_as_they_are_and_who_must_not_be_there_is_taken_away(spark: SparkSession) -> None:
    refusals = {
        "a": "a null in a row that cannot leave a value out", "b": "oversize", "c": "no identifier",
        "d": "no consent at this moment", "e": "holdout",
    }  # fmt: skip
    nowhere = [(f"\0p{key}", f"p{key}", None, "news", None, "{}", None, "1", refusal) for key, refusal in refusals.items()]
    # Of whom one row can be said under a new key, the old key is taken away, whatever became of another row.
    moved = [
        ("new", "pf", None, "news", "new", "{}", None, "1", None),
        ("new", "pf", None, "news", "new", "{}", None, "1", "same key"),
    ]
    wanted = spark.createDataFrame([*nowhere, *moved], ", ".join(f"{name} string" for name in WANTED))

    rows = plan(wanted, held_of(spark, dict.fromkeys("abcdefg", "1")), "mirror").where("is_held").collect()

    assert {row["sync_key"]: row["change"] for row in rows} == {
        **dict.fromkeys("abc", "unchanged"), **dict.fromkeys("defg", "removed"),
    }  # fmt: skip
