"""Customer records on their way to persons: what is new is standardised, compared with what it resembles, and grouped."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.config import Settings
from personalake.config.identity import FIELDS
from personalake.identity.blocking import RulePairs, comparable, sharing_keys
from personalake.identity.bridges import weakest_by_group
from personalake.identity.golden_record import golden_records
from personalake.identity.guard_events import guard_events
from personalake.identity.match_model import MatchModel
from personalake.identity.person_ids import Assigned, assign_ids, members, persons_of
from personalake.identity.records import match_records, seen_together, spelling
from personalake.identity.resolution import resolve
from personalake.identity.scoring import PAIRS, score
from personalake.identity.training import NothingToLearnError, fit_match_model
from personalake.lake import Lake
from personalake.pipelines.job import JobContext
from personalake.tables.identity import MATCH_EDGE, MATCH_MODEL, MATCH_RECORD
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK
from personalake.tables.touchpoints import INTERACTION


@dataclass(frozen=True)
class Resolved:
    """What the records came to; nothing of it has been written.

    Args:
        assigned: Identifiers with their persons, and moves between persons.
        golden: Rows of `silver.person`.
        guards: Rows of `silver.identity_guard`.
        new_records: Rows to add to `silver.match_record`.
        is_rebuilt: True if they take the place of all rows.
        gone: Keys of records that are no longer there.
        edges: Rows to add to `silver.match_edge`.
        is_rescored: True if they take the place of all rows.
        model: The match model, None where matching is off or could not learn.
        message: What happened, in a few words.
    """

    assigned: Assigned
    golden: pa.Table
    guards: pa.Table
    new_records: pa.Table
    is_rebuilt: bool
    gone: Sequence[str]
    edges: pa.Table
    is_rescored: bool
    model: MatchModel | None
    message: str


def knows_people(settings: Settings, lake: Lake) -> bool:
    """Whether anything says more of a customer than its own key: a source maps a field that tells people, or visits do."""
    if lake.ledger.rows(INTERACTION):
        return True
    if not lake.ledger.rows(CUSTOMER_RECORD):
        return False
    mapped = (set(source.columns) & set(FIELDS) for source in settings.active_sources("customer_record").values())
    return any(mapped) or lake.exists(MATCH_RECORD)


def resolve_records(context: JobContext) -> Resolved:
    """Group the records by person, comparing only what has not been compared yet."""
    settings, lake = context.settings.identity, context.lake
    with context.progress.step("standardising new records"):
        new, kept, is_rebuilt, gone = _records(context)
    model, is_new_model = _model(context, new, kept)
    with context.progress.step(f"comparing {new.num_rows:,} new records"):
        edges, rules = _edges(context, model, is_new_model, new, kept)
    known = lake.ledger.arrow(MATCH_EDGE) if not is_new_model else edges.slice(0, 0)
    everything = pa.concat_tables([kept, new]).to_pandas()
    with context.progress.step(f"grouping {len(everything):,} records"):
        links = pa.concat_tables([known.select(["left_key", "right_key", "match_weight"]), edges.select(
            ["left_key", "right_key", "match_weight"])]).to_pandas()  # fmt: skip
        resolution = resolve(everything, links.drop_duplicates(["left_key", "right_key"], keep="last"), settings)
        assigned = assign_ids(members(resolution), lake.ledger.arrow(PERSON_LINK))
    persons = persons_of(assigned.links, resolution)
    weakest = weakest_by_group(resolution.graph.size, resolution.group, resolution.links)
    return Resolved(
        assigned,
        golden_records(resolution.graph.records, persons, weakest, settings.survivorship),
        guard_events(resolution, rules),
        new,
        is_rebuilt,
        gone,
        edges,
        is_new_model,
        model,
        f"{len(everything):,} records of {persons.nunique():,} persons, {new.num_rows:,} of them new",
    )


def _records(context: JobContext) -> tuple[pa.Table, pa.Table, bool, list[str]]:
    """New rows of `silver.match_record`, those that stay, whether all are new (the spelling changed), and keys that left."""
    settings, lake = context.settings.identity, context.lake
    customers = lake.read(CUSTOMER_RECORD).withColumn("record_key", F.concat_ws(":", "source", "record_id"))
    visits = seen_together(lake.read(INTERACTION), settings) if lake.ledger.rows(INTERACTION) else None
    kept = lake.ledger.arrow(MATCH_RECORD)
    is_rebuilt = not kept.num_rows or lake.ledger.distinct(MATCH_RECORD, "spelling") != {spelling(settings)}
    if is_rebuilt:
        everything = match_records(customers, settings)
        return (
            _arrow(everything if visits is None else everything.unionByName(visits), kept.schema),
            kept.slice(0, 0),
            True,
            [],
        )
    present = customers.select("record_key")
    present = present if visits is None else present.unionByName(visits.select("record_key"))
    stays = pc.is_in(kept["record_key"], present.toArrow()["record_key"].combine_chunks())
    known = lake.read(MATCH_RECORD).select("record_key")
    new = match_records(customers.join(known, "record_key", "left_anti"), settings)
    if visits is not None:
        new = new.unionByName(visits.join(known, "record_key", "left_anti"))
    gone = kept.filter(pc.invert(stays))["record_key"].to_pylist()
    return _arrow(new, kept.schema), kept.filter(stays) if gone else kept, False, gone


def _arrow(rows: DataFrame, schema: pa.Schema) -> pa.Table:
    return rows.toArrow().cast(schema)


def _model(context: JobContext, new: pa.Table, kept: pa.Table) -> tuple[MatchModel | None, bool]:
    """The model that serves, and whether it has just been trained."""
    settings, lake = context.settings.identity.matching, context.lake
    if not settings.enabled:
        return None, False
    trained = sorted(lake.ledger.read(MATCH_MODEL), key=lambda row: row["trained_at"])
    if trained and not context.options.get("retrain"):
        return MatchModel.from_json(trained[-1]["model"]), False
    try:
        with context.progress.step("training the match model"):
            return fit_match_model(comparable(pa.concat_tables([kept, new])), settings), True
    except NothingToLearnError:
        return None, False


def _edges(
    context: JobContext, model: MatchModel | None, is_new_model: bool, new: pa.Table, kept: pa.Table
) -> tuple[pa.Table, list[RulePairs]]:
    settings = context.settings.identity.matching
    nothing = PAIRS.empty_table().append_column("model_version", pa.array([], pa.string()))
    if model is None or (not new.num_rows and not is_new_model):
        return nothing, []
    compared = comparable(pa.concat_tables([kept, new]) if is_new_model else new)
    existing = None if is_new_model else sharing_keys(compared, kept, settings)
    records = compared.num_rows + (existing.num_rows if existing is not None else 0)
    spark = context.lake.spark if records > settings.duckdb_rows else None
    scored = score(model, compared, existing, settings, spark)
    versions = pa.array([model.version] * scored.pairs.num_rows, pa.string())
    return scored.pairs.append_column("model_version", versions), scored.rules


def model_row(resolved: Resolved) -> Mapping[str, Any] | None:
    """The row of `silver.match_model` for a model that has just been trained; None for one that was there."""
    if resolved.model is None or not resolved.is_rescored:
        return None
    return {
        "model_version": resolved.model.version,
        "model": resolved.model.to_json(),
        "records": resolved.new_records.num_rows,
        "trained_at": datetime.now(UTC),
    }
