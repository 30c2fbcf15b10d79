"""Scores pairs with the frozen model: new records among themselves and against existing ones, in DuckDB or in Spark."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from personalake.config.identity import MatchSettings
from personalake.errors import InputError
from personalake.identity.blocking import RulePairs, count_pairs, drop_oversized, key_column
from personalake.identity.duck import RECORD, database, frequency_table, lay_out, without_crowds
from personalake.identity.match_model import MatchModel

PAIRS = pa.schema(
    {
        "left_key": pa.string(),
        "right_key": pa.string(),
        "match_weight": pa.float64(),
        "weights": pa.map_(pa.string(), pa.float64()),
    }
)

_RECORDS = "records_to_score"
_MAKES_A_TABLE = "CREATE TABLE"


@dataclass(frozen=True)
class Scored:
    """What scoring came to.

    Args:
        pairs: `left_key`, `right_key` (the lesser key left), `match_weight` in bits, and `weights`: what each comparison
            added to it.
        rules: What each blocking rule compared, counted before.
    """

    pairs: pa.Table
    rules: list[RulePairs]


@dataclass(frozen=True)
class Plan:
    """How DuckDB scores pairs: Splink's own statements, which do not depend on the records.

    Args:
        statements: In order; each makes a table.
        table: The one that holds the scored pairs.
        lookups: Column: the table of its frequent values that the statements read.
    """

    statements: Sequence[str]
    table: str
    lookups: Mapping[str, str]

    def run(self, opened: duckdb.DuckDBPyConnection, model: MatchModel) -> str:
        """Score the records that are laid out in a database; the name of the table of pairs."""
        for column, name in self.lookups.items():
            opened.register(name, frequency_table(column, model.frequencies[column]))
        for statement in self.statements:
            opened.execute(statement)
        return self.table


def score(
    model: MatchModel,
    new: pa.Table,
    existing: pa.Table | None,
    settings: MatchSettings,
    spark: SparkSession | None = None,
    plan: Plan | None = None,
) -> Scored:
    """The pairs of new records, among themselves and with existing ones, that are worth keeping.

    Args:
        model: The frozen model.
        new: Rows of `silver.match_record` that have not been compared yet.
        existing: Rows that share a blocking key with them, every record of each such key; None for a first run.
        settings: How many records may share a key, from which weight a pair is kept.
        spark: Compare by this session; by DuckDB if None. The pairs are the same.
        plan: How DuckDB compares, if that has been worked out already, for a table of the same columns.

    Raises:
        InputError: If the model compares other things than the settings ask for.
    """
    require_fit(model, settings)
    with database(settings) as opened:
        is_new = pa.array([True] * new.num_rows)
        everything = new.append_column("is_new", is_new)
        has_old = existing is not None and existing.num_rows > 0
        if existing is not None and has_old:
            old = existing.select(new.column_names).append_column("is_new", pa.array([False] * existing.num_rows))
            everything = pa.concat_tables([everything, old.cast(everything.schema)])
        lay_out(opened, _RECORDS, without_crowds(everything, settings), settings, "is_new")
        rules = count_pairs(opened, _RECORDS, settings.blocking, settings.max_key_rows)
        drop_oversized(opened, _RECORDS, rules, settings.max_key_rows)
        if spark is not None:
            frame = spark.createDataFrame(opened.sql(f"FROM {_RECORDS}").to_arrow_table())
            return Scored(_by_spark(model, frame, _blocks(settings, has_old), settings, spark), rules)
        found = (plan or plan_of(model, new, settings, has_old)).run(opened, model)
        return Scored(opened.sql(_pairs_sql(found, model)).to_arrow_table().cast(PAIRS), rules)


def plan_of(model: MatchModel, like: pa.Table, settings: MatchSettings, has_old: bool) -> Plan:
    """Have Splink say how it would compare records, on a table without any.

    Args:
        model: The frozen model.
        like: Rows of `silver.match_record`, of which only the columns matter.
        settings: As for `score`.
        has_old: Whether there are records that have been compared before, and not only new ones.

    Raises:
        InputError: If the model compares other things than the settings ask for.
    """
    require_fit(model, settings)
    from splink.backends.duckdb import DuckDBAPI

    statements: list[str] = []

    class Recorder(DuckDBAPI):
        def _execute_sql_against_backend(self, final_sql: str) -> duckdb.DuckDBPyRelation:
            # What makes a table is only written down: what it would be made of is told by the tables that are there.
            made = final_sql.startswith(_MAKES_A_TABLE)
            if made:
                statements.append(final_sql)
            return super()._execute_sql_against_backend("SELECT NULL" if made else final_sql)

    nobody = like.slice(0, 0)
    with database(settings) as opened:
        lay_out(opened, _RECORDS, nobody.append_column("is_new", pa.array([], pa.bool_())), settings, "is_new")
        table, lookups = _prediction(model, Recorder(opened), _blocks(settings, has_old), settings)
    return Plan(statements, table, lookups)


def require_fit(model: MatchModel, settings: MatchSettings) -> None:
    """Check that a model compares what the settings say.

    Raises:
        InputError: If it does not; names both.
    """
    trained, wanted = list(model.levels), [each.name for each in settings.comparisons]
    rules = len(model.splink["blocking_rules_to_generate_predictions"])
    if trained != wanted or rules != len(settings.blocking):
        raise InputError(
            f"The match model {model.version} compares {', '.join(trained)} by {rules} blocking rules, the settings ask for "
            f"{', '.join(wanted)} by {len(settings.blocking)}.",
            "Train it again with --retrain, or take the settings back.",
        )


def _blocks(settings: MatchSettings, has_old: bool) -> list[str]:
    """Which pairs are compared: those that share a key, and of which one record at least is new."""
    is_due = " AND (l.is_new OR r.is_new)" if has_old else ""
    return [f"l.{key} = r.{key}{is_due}" for key in map(key_column, range(len(settings.blocking)))]


def _prediction(model: MatchModel, api: Any, blocks: Sequence[str], settings: MatchSettings) -> tuple[str, dict[str, str]]:
    """Name of the table or view that holds the scored pairs, and of the tables of frequent values by their columns."""
    from splink import Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    lookups = {}
    records = api.register(_RECORDS)
    # The settings are the model's own, written by Splink: checking their columns takes longer than scoring a few pairs.
    linker = Linker(records, dict(model.splink), log_level=logging.ERROR, validate_settings=False)
    for column, shares in model.frequencies.items():
        looked_up = api.register(frequency_table(column, shares))
        linker.table_management.register_term_frequency_lookup(looked_up, column)
        lookups[column] = str(looked_up.physical_name)
    found = linker.inference.predict_within(
        records,
        blocking_rules_to_generate_predictions=list(blocks),
        threshold_match_weight=settings.keep_weight,
        warning_mode="never",
    )
    return str(found.physical_name), lookups


def _by_spark(
    model: MatchModel, records: DataFrame, blocks: Sequence[str], settings: MatchSettings, spark: SparkSession
) -> pa.Table:
    from splink.backends.spark import SparkAPI

    # Levenshtein's distance is Spark's own, so that no jar of Splink's is needed.
    api = SparkAPI(  # type: ignore[no-untyped-call]
        spark_session=spark, break_lineage_method="persist", register_udfs_automatically=False
    )
    records.createOrReplaceTempView(_RECORDS)
    try:
        table, _ = _prediction(model, api, blocks, settings)
        return spark.sql(_pairs_sql(table, model, "map")).toArrow().cast(PAIRS)
    finally:
        spark.catalog.dropTempView(_RECORDS)


def _pairs_sql(table: str, model: MatchModel, map_function: str = "MAP") -> str:
    adjusted = {
        each["output_column_name"]
        for each in model.splink["comparisons"]
        if any("tf_adjustment_column" in level for level in each["comparison_levels"])
    }
    weights = {name: f"mw_{name}" + (f" + mw_tf_adj_{name}" if name in adjusted else "") for name in model.levels}
    if map_function == "MAP":
        names = ", ".join(f"'{name}'" for name in weights)
        built = f"MAP([{names}], [{', '.join(f'round({sql}, 3)' for sql in weights.values())}])"
    else:
        built = f"map({', '.join(f'''{name!r}, round({sql}, 3)''' for name, sql in weights.items())})"
    return (
        f"SELECT least({RECORD}_l, {RECORD}_r) AS left_key, greatest({RECORD}_l, {RECORD}_r) AS right_key, "
        f"round(match_weight, 3) AS match_weight, {built} AS weights FROM {table}"
    )
