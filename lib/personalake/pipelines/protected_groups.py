"""Who belongs to which group of a protected attribute, of those who let us see whether groups are treated alike."""

from collections.abc import Sequence

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from personalake.pipelines.consenting import consenting
from personalake.pipelines.job import JobContext
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK

PROTECTED = {field.name: field.purposes for field in CUSTOMER_RECORD.fields if field.pii == "protected"}


def protected_groups(context: JobContext, people: Sequence[str]) -> dict[str, npt.NDArray[np.bool_]]:
    """Whether each person belongs to each group, by `attribute=value`; what the person's newest record says counts.

    Args:
        context: What the job is given.
        people: Persons; whoever does not grant the purpose of an attribute is in none of its groups.
    """
    groups = {}
    for name, purposes in PROTECTED.items():
        values = _values(context, name, purposes, people)
        for value in sorted(set(values) - {None}, key=str):
            groups[f"{name}={value}"] = np.array([each == value for each in values], bool)
    return groups


def _values(context: JobContext, name: str, purposes: Sequence[str], people: Sequence[str]) -> list[str | None]:
    """The value of each person, in their order; spelled alike where only letters' case or blanks differ."""
    ledger = context.lake.ledger
    if not ledger.count(CUSTOMER_RECORD, [(name, "!=", None)]):
        return [None] * len(people)
    told = ledger.arrow(CUSTOMER_RECORD, ["namespace", "customer_id", "known_at", "record_id", name], [(name, "!=", None)])
    with duckdb.connect() as opened:
        opened.register("people", pa.table({"person_id": pa.array(people, pa.string()), "place": range(len(people))}))
        opened.register("allowed", consenting(context, purposes).people)
        opened.register("links", ledger.scan(PERSON_LINK, ()).reader(["namespace", "value", "person_id"]))
        opened.register("told", told)
        found = opened.execute(
            f"""
            WITH said AS (
                SELECT person_id, nullif(lower(trim({name})), '') AS value, known_at, record_id
                FROM told JOIN links ON told.namespace = links.namespace AND told.customer_id = links.value
                SEMI JOIN allowed USING (person_id)
            ),
            newest AS (SELECT person_id, arg_max(value, (known_at, record_id)) AS value FROM said GROUP BY person_id)
            SELECT value FROM people LEFT JOIN newest USING (person_id) ORDER BY place
            """
        )
        return [row[0] for row in found.fetchall()]
