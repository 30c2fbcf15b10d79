"""Who a person is by now: ledgers keep the ids of their day, and are read through the log of changes."""

from collections.abc import Collection

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation


def survivors(changes: pa.Table, alive: Collection[str] = ()) -> dict[str, str]:
    """The person whom each merged person has become, over any number of merges.

    Args:
        changes: Rows of `silver.person_change`.
        alive: Persons whom links name today: an id that lives again is nobody else's.

    Returns:
        Old person id to the present one; persons who only met each other in a circle of merges are not in it.
    """
    newest = sorted(changes.select(["kind", "changed_at", "old_person_id", "new_person_id"]).to_pylist(), key=_moment)
    became = {row["old_person_id"]: row["new_person_id"] for row in newest if row["kind"] == "merged"}
    became = {old: new for old, new in became.items() if old not in alive}
    found = {}
    for old in became:
        person, steps = old, 0
        while person in became and steps <= len(became):
            person, steps = became[person], steps + 1
        if person not in became:
            found[old] = person
    return found


def _moment(row: dict[str, object]) -> tuple[object, ...]:
    return (row["changed_at"], row["old_person_id"], row["new_person_id"])


def as_persons_now(became: dict[str, str]) -> Transformation:
    """Put the present person in the place of each who was merged into another; rows of the others stay as they are.

    Args:
        became: The result of `survivors`.
    """
    if not became:
        return lambda rows: rows
    ids = pa.table({"old_person_id": list(became), "new_person_id": list(became.values())})

    def renamed(rows: DataFrame) -> DataFrame:
        names = rows.columns
        moved = F.broadcast(rows.sparkSession.createDataFrame(ids))
        joined = rows.join(moved, rows["person_id"] == moved["old_person_id"], "left")
        return joined.withColumn("person_id", F.coalesce("new_person_id", "person_id")).select(*names)

    return renamed
