"""Which records are compared at all: those that agree in a blocking key; keys of too many records are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.config.identity import MatchSettings
from personalake.config.sql import columns_of
from personalake.identity.codes import NOTHING, Codes, places_of
from personalake.identity.scratch import scratch

KEYS = "blocking_keys"


@dataclass(frozen=True)
class RulePairs:
    """What one blocking rule would compare.

    Args:
        rule: The rule.
        pairs: Pairs within keys that are used, Σ n(n − 1)/2.
        oversized_keys: Keys of more records than allowed.
        oversized_rows: Records with such a key.
        pairs_avoided: Pairs that these keys would have made.
    """

    rule: str
    pairs: int
    oversized_keys: int
    oversized_rows: int
    pairs_avoided: int


def blocking_keys(rules: Sequence[str]) -> Column:
    """One 64-bit key per rule, null where a part is missing. Equal hashes of unlike values cost a comparison, no more."""
    return F.array(*(_key(rule) for rule in rules))


def _key(rule: str) -> Column:
    is_whole = F.lit(True)
    for name in columns_of(rule):
        is_whole = is_whole & F.col(name).isNotNull()
    return F.when(is_whole, F.xxhash64(F.expr(rule)))


def key_column(place: int) -> str:
    """Name of the column that holds the key of the rule at a place."""
    return f"key_{place}"


def key_columns(count: int) -> str:
    """SQL that spreads the keys over columns of their own; DuckDB's lists begin at 1."""
    return ", ".join(f"{KEYS}[{place + 1}] AS {key_column(place)}" for place in range(count))


def comparable(records: pa.Table) -> pa.Table:
    """The records that have any blocking key: the others say too little to be compared."""
    with scratch() as database:
        database.register("records", records)
        found = database.sql(f"FROM records WHERE len(list_filter({KEYS}, lambda key: key IS NOT NULL)) > 0")
        return found.to_arrow_table().cast(records.schema)


def sharing_keys(new: pa.Table, existing: pa.Table, settings: MatchSettings) -> pa.Table:
    """The existing records that share a blocking key with new ones, and all others of each such key.

    Args:
        new: Rows of `silver.match_record`.
        existing: Rows of `silver.match_record`.
        settings: The blocking rules.
    """
    wanted, held = _flat_keys(new), _flat_keys(existing)
    sharing = np.unique(places_of(held, wanted) // len(settings.blocking))
    return existing.take(pa.array(sharing))


def _flat_keys(records: pa.Table) -> Codes:
    """The keys of one record after the other, one for each rule; `NOTHING` where it has none.

    A key that is this number, once in 2^64 values, is shared with nobody. Where keys of two rules are the same, a record is
    looked at that will be compared with nobody.
    """
    keys = pc.fill_null(pc.list_flatten(records[KEYS]), NOTHING)
    return np.asarray(keys, np.int64).view(np.uint64)


def count_pairs(database: duckdb.DuckDBPyConnection, table: str, rules: Sequence[str], max_key_rows: int) -> list[RulePairs]:
    """What each rule would compare, counted before anything is.

    Args:
        database: Where the table is.
        table: Records with one column per key.
        rules: The rules, in the order of their columns.
        max_key_rows: Records that may share a key.
    """
    counted = []
    for place, rule in enumerate(rules):
        rows = database.execute(
            f"""
            SELECT coalesce(sum(n * (n - 1) // 2) FILTER (n <= $most), 0)::BIGINT, count(*) FILTER (n > $most),
                coalesce(sum(n) FILTER (n > $most), 0)::BIGINT,
                coalesce(sum(n * (n - 1) // 2) FILTER (n > $most), 0)::BIGINT
            FROM (SELECT count(*) AS n FROM {table} WHERE {key_column(place)} IS NOT NULL GROUP BY {key_column(place)})
            """,
            {"most": max_key_rows},
        ).fetchall()
        counted.append(RulePairs(rule, *rows[0]))
    return counted


def drop_oversized(database: duckdb.DuckDBPyConnection, table: str, counted: Sequence[RulePairs], max_key_rows: int) -> None:
    """Empty the keys that more records share than allowed, in place."""
    for place, rule in enumerate(counted):
        if rule.oversized_keys:
            key = key_column(place)
            database.execute(
                f"""
                UPDATE {table} SET {key} = NULL WHERE {key} IN (
                    SELECT {key} FROM {table} WHERE {key} IS NOT NULL GROUP BY {key} HAVING count(*) > {max_key_rows:d})
                """
            )
