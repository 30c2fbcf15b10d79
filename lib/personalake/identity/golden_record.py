"""The golden record: of several values that a person's records hold, the one that survives, and where it is from.

Records agree by their standardised values; what the golden record shows of names and addresses is the source's own text.
"""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from personalake.common.standardise import ADDRESS_LENGTH
from personalake.config.identity import DETAILS, Survivorship
from personalake.identity.bridges import weakest_by_group
from personalake.identity.increment import Grouped
from personalake.identity.person_ids import persons_of
from personalake.identity.scratch import scratch
from personalake.tables.identity import PERSON

# A device and a cookie say nothing about the person as such.
SURVIVING = (*DETAILS, "email", "phone", "login", "loyalty_id")
# What people read: `Bob O'Neill`, not `robert oneill`. Days, addresses of mail and numbers have one spelling that all use.
WRITTEN = ("first_name", "last_name", "street", "postcode", "city")
_UNTRUSTED = 1_000


def golden_of(grouped: Grouped, settings: Survivorship, texts: pa.Table) -> pa.Table:
    """The golden records of the persons whose records were looked at."""
    found = grouped.resolution
    persons = persons_of(grouped.assigned.links, found)
    weakest = weakest_by_group(found.graph.size, found.group, found.links)
    moving = ~found.is_settled
    return golden_records(found.graph.records[moving], persons[moving], weakest[moving], settings, texts)


def golden_records(
    records: pd.DataFrame,
    persons: "pd.Series[Any]",
    weakest: NDArray[np.float64],
    settings: Survivorship,
    texts: pa.Table,
) -> pa.Table:
    """One row per person of whom anything is known, with the value that survives in each field.

    Args:
        records: Rows of `silver.match_record`.
        persons: The person of each, in the same order.
        weakest: The match weight of the weakest bridge of each one's person, bits; NaN where there is none.
        settings: The rule of each field; ties go to the most recent value, then to the greater record key.
        texts: What the sources wrote: `source`, `record_id` and the columns `WRITTEN`; a record that has none, or a value
            without a text, shows the standardised value.

    Returns:
        Rows of `silver.person`.
    """
    with scratch() as opened:
        columns = ["record_key", "source", "known_at", *SURVIVING]
        opened.register("records", records[columns].assign(person_id=persons.to_numpy(), weakest=weakest))
        opened.register("rules", _rules(settings))
        opened.register("trust", _trust(settings))
        opened.register("texts", texts)
        return opened.sql(_golden(_survivors())).to_arrow_table()


def _survivors() -> str:
    """One row per person and field: the value that survives, and the record that it is from."""
    filled = " + ".join(f"({name} IS NOT NULL)::INT" for name in SURVIVING)
    return f"""
        WITH told AS (
            UNPIVOT (
                SELECT person_id, record_key, source, known_at, {filled} AS filled, {", ".join(SURVIVING)} FROM records
            )
            ON {", ".join(SURVIVING)} INTO NAME field VALUE value
        ),
        judged AS (
            SELECT told.*, rule, coalesce(rank, {_UNTRUSTED}) AS rank,
                count(*) OVER (PARTITION BY person_id, field, value) AS times
            FROM told JOIN rules USING (field) LEFT JOIN trust USING (source)
        )
        FROM judged QUALIFY row_number() OVER (PARTITION BY person_id, field ORDER BY
            CASE rule WHEN 'most_frequent' THEN times WHEN 'most_trusted' THEN -rank WHEN 'most_complete' THEN filled
                ELSE 0 END DESC,
            known_at DESC, record_key DESC) = 1
    """


def _golden(survivors: str) -> str:
    """Rows of `silver.person`, with the source's text in the place of what was compared."""
    fields = ", ".join(f"any_value(coalesce(written, value)) FILTER (field = '{name}') AS {name}" for name in SURVIVING)
    known_at = "strftime(make_timestamp(epoch_us(known_at)), '%Y-%m-%dT%H:%M:%SZ')"
    tidy = f"nullif(trim(left(regexp_replace(written, '\\s+', ' ', 'g'), {ADDRESS_LENGTH})), '')"
    return f"""
        WITH survivor AS ({survivors}),
        spoken AS (
            UNPIVOT (SELECT source || ':' || record_id AS record_key, {", ".join(WRITTEN)} FROM texts)
            ON {", ".join(WRITTEN)} INTO NAME field VALUE written
        ),
        shown AS (
            SELECT survivor.*, {tidy} AS written FROM survivor LEFT JOIN spoken USING (record_key, field)
        ),
        surviving AS (
            SELECT person_id, {fields},
                map(list(field ORDER BY field),
                    list(record_key || ' at ' || {known_at} || ' (' || rule || ')' ORDER BY field)) AS provenance
            FROM shown GROUP BY person_id
        ),
        counted AS (
            SELECT person_id, count(*) AS records, list_sort(list_distinct(list(source))) AS sources,
                min(weakest) FILTER (NOT isnan(weakest)) AS weakest_link,
                min(known_at) AS first_known_at, max(known_at) AS last_known_at
            FROM records GROUP BY person_id
        )
        SELECT {", ".join(PERSON.columns)} FROM counted JOIN surviving USING (person_id)
    """


def _rules(settings: Survivorship) -> pa.Table:
    rules = [settings.rule(name) for name in SURVIVING]
    return pa.table({"field": pa.array(SURVIVING), "rule": pa.array(rules)})


def _trust(settings: Survivorship) -> pa.Table:
    sources = settings.trusted_sources
    return pa.table({"source": pa.array(sources, pa.string()), "rank": pa.array(range(len(sources)), pa.int64())})
