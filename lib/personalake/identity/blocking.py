"""Which records are compared at all: those that agree in a blocking key; keys of too many records are left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.config.identity import MatchSettings
from personalake.config.sql import columns_of

KEYS = "blocking_keys"
# A hash is this number once in 2^64 values; a record whose key it is shares it with nobody, as one without a key.
_NO_KEY, _BITS = 0, 18


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
    with duckdb.connect(":memory:") as database:
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
    wanted, held = (_keys_by_rule(rows, len(settings.blocking)) for rows in (new, existing))
    shares = np.zeros(existing.num_rows, bool)
    for place in range(len(settings.blocking)):
        keys = np.unique(wanted[:, place])
        shares |= _is_among(held[:, place], keys[keys != _NO_KEY])
    return existing.take(pa.array(np.flatnonzero(shares)))


def _keys_by_rule(records: pa.Table, rules: int) -> NDArray[np.int64]:
    """A row per record and a column per rule; where a record has no key, `_NO_KEY`."""
    lists = records[KEYS].combine_chunks()
    return np.asarray(pc.fill_null(lists.flatten(), _NO_KEY), np.int64).reshape(-1, rules)


def _is_among(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of many keys are among a few: most are ruled out by their last bits, which are as good as random."""
    could_be = np.zeros(1 << _BITS, bool)
    could_be[wanted & (len(could_be) - 1)] = True
    found: NDArray[np.bool_] = could_be[keys & (len(could_be) - 1)]
    candidates = np.flatnonzero(found)
    found[candidates] = np.isin(keys[candidates], wanted)
    return found


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
