"""Fitting the match model: chance agreement from random pairs, agreement of matches by expectation maximisation."""

import logging
from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow as pa

from personalake.config.identity import MatchSettings
from personalake.errors import InputError
from personalake.identity.blocking import key_column
from personalake.identity.comparisons import frequency_columns, splink_comparison
from personalake.identity.duck import RECORD, database, frequency_table, frequent_values, lay_out, without_crowds
from personalake.identity.households import household_share
from personalake.identity.match_model import MatchModel, settled

_TABLE, _EM_PAIRS = "records", 2_000_000
_FEWEST_PAIRS = 10


class NothingToLearnError(InputError):
    """Raised when hardly any two records agree in a training block, so that no match model can be fitted."""


def splink_settings(settings: MatchSettings) -> dict[str, Any]:
    """The settings that Splink is given before training."""
    rules = [f"l.{key_column(place)} = r.{key_column(place)}" for place in range(len(settings.blocking))]
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": RECORD,
        "comparisons": [splink_comparison(each) for each in settings.comparisons],
        "blocking_rules_to_generate_predictions": [{"blocking_rule": rule} for rule in rules],
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
    }


def fit_match_model(records: pa.Table, settings: MatchSettings) -> MatchModel:
    """Train on a sample of records, the same for the same records; no labels are needed.

    Args:
        records: Rows of `silver.match_record`.
        settings: What is compared, and from which pairs training learns.

    Raises:
        NothingToLearnError: If hardly any two records agree in any training block.
    """
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    _hush()
    records = without_crowds(records, settings)
    with database(settings) as opened:
        lay_out(opened, "everything", records, settings)
        columns = frequency_columns(settings.comparisons)
        frequencies = frequent_values(opened, "everything", columns, settings.frequent_from)
        lay_out(opened, _TABLE, _sample(opened, records, settings.training_rows), settings)
        learnt = [block for block in settings.training_blocks if _pairs(opened, block) >= _FEWEST_PAIRS]
        if not learnt:
            blocks = ", ".join("+".join(block) for block in settings.training_blocks)
            raise NothingToLearnError(
                f"No match model can be trained: hardly any two of {records.num_rows:,} records agree in {blocks}.",
                "Name fields that your records share in identity.matching.training_blocks, or set "
                "identity.matching.enabled to false.",
            )
        api = DuckDBAPI(opened)
        linker = Linker(api.register(_TABLE), splink_settings(settings), log_level=logging.ERROR)
        for column, shares in frequencies.items():
            looked_up = api.register(frequency_table(column, shares))
            linker.table_management.register_term_frequency_lookup(looked_up, column)
        training = linker.training
        certain: list[Any] = [_rule(block) for block in settings.certain_blocks if _pairs(opened, block)]
        if certain:
            training.estimate_probability_two_random_records_match(certain, recall=settings.certain_recall)
        training.estimate_u_using_random_sampling(settings.random_pairs, seed=settings.seed, min_count_per_level=None)
        for block in learnt:
            training.estimate_parameters_using_expectation_maximisation(_rule(block), max_pairs=_EM_PAIRS)
        return MatchModel(
            settled(linker.misc.save_model_to_json(), settings.random_pairs, _coincidences(opened, settings)),
            frequencies,
            household_share(records),
        )


def _sample(opened: duckdb.DuckDBPyConnection, records: pa.Table, rows: int) -> pa.Table:
    if records.num_rows <= rows:
        return records
    opened.register("all_records", records)
    return opened.sql(f"SELECT * FROM all_records ORDER BY md5({RECORD}) LIMIT {rows:d}").to_arrow_table()


def _rule(block: Sequence[str]) -> str:
    return " AND ".join(f"l.{name} = r.{name}" for name in block)


def _coincidences(opened: duckdb.DuckDBPyConnection, settings: MatchSettings) -> dict[str, float]:
    """How often two different people hold the same value of a thing that one person has.

    Nearly all pairs that agree in such a value are matches, so that random pairs tell the share of matches and little else.
    Instead all agreeing pairs are counted, and the set share of them is taken for coincidence.
    """
    found = {}
    for each in settings.comparisons:
        if each.coincidence is None:
            continue
        column = each.column
        rows = opened.execute(
            f"SELECT coalesce(sum(n * (n - 1)) / nullif(sum(n) * (sum(n) - 1), 0), 0)::DOUBLE FROM "
            f"(SELECT count(*) AS n FROM {_TABLE} WHERE {column} IS NOT NULL GROUP BY {column})"
        ).fetchall()
        found[each.name] = each.coincidence * float(rows[0][0])
    return found


def _pairs(opened: duckdb.DuckDBPyConnection, block: Sequence[str]) -> int:
    """Pairs of the sample that agree in all fields of a block."""
    names = ", ".join(block)
    whole = " AND ".join(f"{name} IS NOT NULL" for name in block)
    rows = opened.execute(
        f"SELECT coalesce(sum(n * (n - 1) // 2), 0)::BIGINT FROM "
        f"(SELECT count(*) AS n FROM {_TABLE} WHERE {whole} GROUP BY {names})"
    ).fetchall()
    return int(rows[0][0])


def _hush() -> None:
    """Splink tells of each step at level INFO, and of harmless things as warnings, on the terminal."""
    logging.getLogger("splink").setLevel(logging.ERROR)
