"""Scores pairs with the frozen model: new records among themselves and against existing ones, in DuckDB or in Spark."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from personalake.config.identity import MatchSettings
from personalake.errors import InputError
from personalake.identity.blocking import RulePairs, count_pairs, drop_oversized
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


def score(
    model: MatchModel,
    new: pa.Table,
    existing: pa.Table | None,
    settings: MatchSettings,
    spark: SparkSession | None = None,
) -> Scored:
    """The pairs of new records, among themselves and with existing ones, that are worth keeping.

    Args:
        model: The frozen model.
        new: Rows of `silver.match_record` that have not been compared yet.
        existing: Rows that share a blocking key with them, every record of each such key; None for a first run.
        settings: How many records may share a key, from which weight a pair is kept.
        spark: Compare by this session; by DuckDB if None. The pairs are the same.

    Raises:
        InputError: If the model compares other things than the settings ask for.
    """
    require_fit(model, settings)
    logging.getLogger("splink").setLevel(logging.ERROR)
    with database(settings) as opened:
        is_new = pa.array([True] * new.num_rows)
        everything = new.append_column("is_new", is_new)
        if existing is not None and existing.num_rows:
            old = existing.select(new.column_names).append_column("is_new", pa.array([False] * existing.num_rows))
            everything = pa.concat_tables([everything, old.cast(everything.schema)])
        lay_out(opened, "everything", without_crowds(everything, settings), settings)
        opened.register("marks", everything.select([RECORD, "is_new"]))
        rules = count_pairs(opened, "everything", settings.blocking, settings.max_key_rows)
        drop_oversized(opened, "everything", rules, settings.max_key_rows)
        parts = {
            name: f"SELECT e.* FROM everything AS e SEMI JOIN (FROM marks WHERE {condition}) USING ({RECORD})"
            for name, condition in (("new_records", "is_new"), ("old_records", "NOT is_new"))
        }
        has_old = existing is not None and existing.num_rows > 0
        if spark is not None:
            frames = {name: spark.createDataFrame(opened.sql(sql).to_arrow_table()) for name, sql in parts.items()}
            return Scored(_by_spark(model, frames, has_old, settings, spark), rules)
        for name, sql in parts.items():
            opened.execute(f"CREATE TABLE {name} AS {sql}")
        from splink.backends.duckdb import DuckDBAPI

        api = DuckDBAPI(opened)
        found = [_pairs_sql(each, model) for each in _predictions(model, api, has_old, settings)]
        return Scored(opened.sql(" UNION ALL ".join(found)).to_arrow_table().cast(PAIRS), rules)


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


def _predictions(model: MatchModel, api: Any, has_old: bool, settings: MatchSettings) -> list[Any]:
    """Names of the tables or views that hold the scored pairs."""
    from splink import Linker

    new = api.register("new_records")
    linker = Linker(new, dict(model.splink), log_level=logging.ERROR)
    for column, shares in model.frequencies.items():
        looked_up = api.register(frequency_table(column, shares))
        linker.table_management.register_term_frequency_lookup(looked_up, column)
    told: dict[str, Any] = {"threshold_match_weight": settings.keep_weight, "warning_mode": "never"}
    found = [linker.inference.predict_within(new, **told)]
    if has_old:
        found.append(linker.inference.predict_between(new, api.register("old_records"), **told))
    return [each.physical_name for each in found]


def _by_spark(
    model: MatchModel, frames: Mapping[str, DataFrame], has_old: bool, settings: MatchSettings, spark: SparkSession
) -> pa.Table:
    from splink.backends.spark import SparkAPI

    # Levenshtein's distance is Spark's own, so that no jar of Splink's is needed.
    api = SparkAPI(  # type: ignore[no-untyped-call]
        spark_session=spark, break_lineage_method="persist", register_udfs_automatically=False
    )
    for name, frame in frames.items():
        frame.createOrReplaceTempView(name)
    found = [spark.sql(_pairs_sql(each, model, "map")) for each in _predictions(model, api, has_old, settings)]
    try:
        return pa.concat_tables([frame.toArrow().cast(PAIRS) for frame in found])
    finally:
        for name in frames:
            spark.catalog.dropTempView(name)


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
