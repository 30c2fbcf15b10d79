"""Customer records on their way to persons: what is new is standardised, compared with what it resembles, and grouped."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from personalake.config import Settings
from personalake.config.identity import FIELDS, IdentitySettings
from personalake.identity.blocking import RulePairs, comparable, sharing_keys
from personalake.identity.golden_record import WRITTEN, golden_of
from personalake.identity.guard_events import guard_events, merged_events
from personalake.identity.increment import EDGE, Grouped, former_persons, group_all, group_touched
from personalake.identity.match_model import MatchModel
from personalake.identity.records import match_records, seen_together, spelling
from personalake.identity.scoring import PAIRS, score
from personalake.identity.training import NothingToLearnError, fit_match_model
from personalake.lake import Lake, Ledger
from personalake.lake.declared import arrow_schema
from personalake.lake.direct import frame_of
from personalake.pipelines.job import JobContext
from personalake.tables.identity import IDENTITY_GUARD, MATCH_EDGE, MATCH_MODEL, MATCH_RECORD, PERSON, RESOLUTION
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK
from personalake.tables.touchpoints import INTERACTION

# Beyond so many, all rows are read rather than those that are named.
_NAMED_RECORDS = 20_000
# What a record is made of; read of new records only.
_TOLD = ("source", "record_id", "namespace", "customer_id", "known_at", *FIELDS)
_WHOLE_FILE = 1 << 20


@dataclass(frozen=True)
class Resolved:
    """What the records came to; nothing of it has been written.

    Args:
        previous: Rows of `silver.person_link` before.
        grouped: Who is who among the records that were looked at.
        is_full: True if those are all records; otherwise the links, persons and guards of the others stay.
        golden: Rows of `silver.person` of the persons that were looked at.
        former: The persons whom the records that were looked at belonged to before.
        guards: Rows of `silver.identity_guard`.
        new_records: Rows to add to `silver.match_record`.
        is_rebuilt: True if they take the place of all rows.
        gone: Keys of records that are no longer there.
        edges: Rows to add to `silver.match_edge`.
        is_rescored: True if they take the place of all rows.
        model: The match model, None where matching is off or could not learn.
        is_new_model: True if it has just been trained.
        everything: Rows of `silver.match_record` of all records.
    """

    previous: pa.Table
    grouped: Grouped
    is_full: bool
    golden: pa.Table
    former: pa.Table
    guards: pa.Table
    new_records: pa.Table
    is_rebuilt: bool
    gone: Sequence[str]
    edges: pa.Table
    is_rescored: bool
    model: MatchModel | None
    is_new_model: bool
    everything: pa.Table

    @property
    def is_idle(self) -> bool:
        """Whether nothing came, went or has to be grouped anew, so that every table stays as it is."""
        return not (self.is_full or self.new_records.num_rows or self.gone)

    @property
    def looked_at(self) -> int:
        """Number of records that were looked at."""
        return int((~self.grouped.resolution.is_settled).sum())

    @property
    def message(self) -> str:
        """What happened, in a few words."""
        new = self.new_records.num_rows
        return f"{self.everything.num_rows:,} records, {new:,} of them new, {self.looked_at:,} grouped anew"


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
    settings, ledger = context.settings.identity, context.lake.ledger
    with context.progress.step("standardising new records"):
        new, kept, is_rebuilt, gone = _records(context)
    model, is_new_model = _model(context, new, kept)
    everything = pa.concat_tables([kept, new])
    # Pairs of another spelling, or of another model, say nothing about records as they are read now.
    is_rescored = is_rebuilt or is_new_model or _holds_pairs_of_others(ledger, model)
    is_full = is_rescored or not _is_settled(context, model)
    is_idle = not (is_full or new.num_rows or gone.num_rows)
    with context.progress.step(f"comparing {new.num_rows:,} new records"), ThreadPoolExecutor(1) as beside:
        # Read while pairs are scored, which leaves a core to spare.
        reading = beside.submit(_before, ledger, not is_rescored, is_idle)
        edges, rules = _edges(context, model, is_rescored, new, kept)
        known, previous = reading.result()
    with context.progress.step(f"grouping {everything.num_rows:,} records"):
        pairs = pa.concat_tables([known, edges.select(EDGE).cast(known.schema)])
        grouped = (
            group_all(everything, pairs, previous, settings)
            if is_full
            else group_touched(everything, gone, pairs, new["record_key"], previous, settings)
        )
    told = guard_events(grouped.resolution, rules)
    before = [] if is_full else ledger.read(IDENTITY_GUARD)
    return Resolved(
        previous=previous,
        grouped=grouped,
        is_full=is_full,
        golden=golden_of(grouped, settings.survivorship, _texts(context.lake, grouped)),
        former=former_persons(grouped, gone, previous),
        guards=told if is_full else merged_events(told, before, grouped.resolution, gone["record_key"].to_pylist()),
        new_records=new,
        is_rebuilt=is_rebuilt,
        gone=gone["record_key"].to_pylist(),
        edges=edges,
        is_rescored=is_rescored,
        model=model,
        is_new_model=is_new_model,
        everything=everything,
    )


def _texts(lake: Lake, grouped: Grouped) -> pa.Table:
    """What the sources wrote in the records that were looked at."""
    found = grouped.resolution
    looked_at = found.graph.records.loc[~found.is_settled, ["source", "record_key"]]
    columns = ("source", "record_id", *WRITTEN)
    if len(looked_at) > _NAMED_RECORDS:
        return lake.ledger.arrow(CUSTOMER_RECORD, columns)
    ids = [key[len(source) + 1 :] for source, key in looked_at.itertuples(index=False)]
    return lake.ledger.arrow(CUSTOMER_RECORD, columns, [("record_id", "in", ids)])


def _before(ledger: Ledger, keeps_pairs: bool, is_idle: bool) -> tuple[pa.Table, pa.Table]:
    """Pairs and links of earlier runs; none are needed by one that has nothing to do."""
    pairs, links = arrow_schema(MATCH_EDGE, EDGE).empty_table(), arrow_schema(PERSON_LINK).empty_table()
    if is_idle:
        return pairs, links
    return ledger.arrow(MATCH_EDGE, EDGE) if keeps_pairs else pairs, ledger.arrow(PERSON_LINK)


def _holds_pairs_of_others(ledger: Ledger, model: MatchModel | None) -> bool:
    """Whether pairs were weighed by another model: a run that trained one died before it was through."""
    return model is not None and bool(ledger.distinct(MATCH_EDGE, "model_version") - {model.version})


def _is_settled(context: JobContext, model: MatchModel | None) -> bool:
    """Whether a run with the same settings and the same model has grouped what is there, and its persons still are."""
    lake = context.lake
    runs = sorted(lake.ledger.read(RESOLUTION), key=lambda row: row["resolved_at"])
    if not runs or context.options.get("full") or not (lake.exists(PERSON_LINK) and lake.exists(PERSON)):
        return False
    marks = (runs[-1]["settings_version"], runs[-1]["model_version"])
    return marks == (settings_version(context.settings.identity), model.version if model else None)


def settings_version(settings: IdentitySettings) -> str:
    """Twelve hex digits of a hash over all settings of identity."""
    return hashlib.sha256(json.dumps(settings.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()[:12]


def resolution_row(context: JobContext, resolved: Resolved) -> Mapping[str, Any]:
    """The row of `silver.resolution` for a run that has written everything."""
    return {
        "run_id": context.run_id,
        "settings_version": settings_version(context.settings.identity),
        "model_version": resolved.model.version if resolved.model else None,
        "records": resolved.everything.num_rows,
        "looked_at": resolved.looked_at,
        "is_full": resolved.is_full,
        "resolved_at": datetime.now(UTC),
    }


def _records(context: JobContext) -> tuple[pa.Table, pa.Table, bool, pa.Table]:
    """New rows of `silver.match_record`, those that stay, whether all are new (a new spelling), and those that left."""
    settings, lake = context.settings.identity, context.lake
    visits = seen_together(lake.read(INTERACTION), settings) if lake.ledger.rows(INTERACTION) else None
    kept = lake.ledger.arrow(MATCH_RECORD)
    is_rebuilt = not kept.num_rows or pc.unique(kept["spelling"]).to_pylist() != [spelling(settings)]
    if is_rebuilt:
        told, nothing = match_records(lake.read(CUSTOMER_RECORD), settings), kept.slice(0, 0)
        told = told if visits is None else told.unionByName(visits)
        return _arrow(told, kept.schema), nothing, True, nothing
    known = kept["record_key"].combine_chunks()
    present, unseen = _unseen(lake, known)
    new = kept.slice(0, 0)
    if unseen.num_rows:
        new = _arrow(match_records(frame_of(lake.spark, unseen), settings), kept.schema)
    if visits is not None:
        seen = _arrow(visits, kept.schema)
        present = pa.concat_arrays([present, seen["record_key"].combine_chunks()])
        new = pa.concat_tables([new, seen.filter(pc.invert(pc.is_in(seen["record_key"], known)))])
    stays = pc.is_in(known, present)
    gone = kept.filter(pc.invert(stays))
    return new, kept.filter(stays) if gone.num_rows else kept, False, gone


def _unseen(lake: Lake, known: pa.Array) -> tuple[pa.Array, pa.Table]:
    """Keys of all customer records that are there, and those records whose keys are not known yet.

    What came lately lies in files of its own, and of all others no more than the keys are read.
    """
    parts = list(lake.ledger.scan(CUSTOMER_RECORD).parts())
    own = [part.reader(("source", "record_id"), _WHOLE_FILE).read_all() for part in parts]
    everyone = pa.concat_tables([arrow_schema(CUSTOMER_RECORD, ("source", "record_id")).empty_table(), *own])
    keys = pc.binary_join_element_wise(everyone["source"], everyone["record_id"], ":").combine_chunks()
    is_new = pc.invert(pc.is_in(keys, known))
    rows, start = [arrow_schema(CUSTOMER_RECORD, _TOLD).empty_table()], 0
    for part, held in zip(parts, own, strict=True):
        chosen = is_new.slice(start, held.num_rows)
        start += held.num_rows
        if pc.any(chosen).as_py():
            rows.append(part.reader(_TOLD, _WHOLE_FILE).read_all().filter(chosen))
    return keys, pa.concat_tables(rows)


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
    context: JobContext, model: MatchModel | None, is_rescored: bool, new: pa.Table, kept: pa.Table
) -> tuple[pa.Table, list[RulePairs]]:
    settings = context.settings.identity.matching
    nothing = PAIRS.empty_table().append_column("model_version", pa.array([], pa.string()))
    if model is None or (not new.num_rows and not is_rescored):
        return nothing, []
    compared = comparable(pa.concat_tables([kept, new]) if is_rescored else new)
    existing = None if is_rescored else sharing_keys(compared, kept, settings)
    records = compared.num_rows + (existing.num_rows if existing is not None else 0)
    spark = context.lake.spark if settings.scored_by_spark(records) else None
    scored = score(model, compared, existing, settings, spark)
    versions = pa.array([model.version] * scored.pairs.num_rows, pa.string())
    return scored.pairs.append_column("model_version", versions), scored.rules


def model_row(resolved: Resolved) -> Mapping[str, Any] | None:
    """The row of `silver.match_model` for a model that has just been trained; None for one that was there."""
    if resolved.model is None or not resolved.is_new_model:
        return None
    return {
        "model_version": resolved.model.version,
        "model": resolved.model.to_json(),
        "records": resolved.new_records.num_rows,
        "trained_at": datetime.now(UTC),
    }
