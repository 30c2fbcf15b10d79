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

from personalake.common.hashing import keyed_hash_of
from personalake.common.spellings import spellings
from personalake.config import Settings
from personalake.config.identity import FIELDS, IdentitySettings
from personalake.identity.blocking import RulePairs, comparable, sharing_keys
from personalake.identity.codes import codes_of, places_of
from personalake.identity.golden_record import WRITTEN, golden_of
from personalake.identity.guard_events import UNKNOWN, guard_events, merged_events
from personalake.identity.households import fitting_guards
from personalake.identity.increment import EDGE, PREVIOUS, Earlier, Grouped, group_all, group_touched, unowned
from personalake.identity.match_model import MatchModel
from personalake.identity.scoring import PAIRS, Plan, score
from personalake.identity.told_names import with_told_names
from personalake.identity.training import NothingToLearnError, fit_match_model
from personalake.lake import Lake
from personalake.pipelines.identity_ahead import Ahead
from personalake.pipelines.identity_arrivals import Arrivals, arrivals
from personalake.pipelines.identity_renewals import Renewals
from personalake.pipelines.job import JobContext
from personalake.pipelines.match_models import latest_model
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.suppression import ERASED
from personalake.tables.identity import IDENTITY_GUARD, MATCH_RECORD, PERSON, RESOLUTION
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK
from personalake.tables.touchpoints import INTERACTION

# Beyond so many, all rows are read rather than those that are named.
_NAMED_RECORDS = 20_000
_TEXTS = ("source", "record_id", *WRITTEN)


@dataclass(frozen=True)
class Resolved:
    """What the records came to; nothing of it has been written.

    Args:
        previous: Rows of `silver.person_link` before.
        renewals: Persons and links that stay, on their way into new files, where not all records were looked at.
        grouped: Who is who among the records that were looked at.
        is_full: True if those are all records; otherwise the links, persons and guards of the others stay.
        golden: Rows of `silver.person` of the persons that were looked at.
        guards: Rows of `silver.identity_guard`.
        new_records: Rows to add to `silver.match_record`.
        is_rebuilt: True if they take the place of all rows.
        gone: Keys of records that are no longer there.
        edges: Rows to add to `silver.match_edge`.
        is_rescored: True if they take the place of all rows.
        model: The match model, None where matching is off or could not learn.
        is_new_model: True if it has just been trained.
        everything: Rows of `silver.match_record` of all records.
        state: Which state of `silver.customer_record` was looked at; null if the next run has to look at all of it.
        is_idle: Whether nothing came, went or has to be grouped anew, so that every table stays as it is.
    """

    previous: Earlier
    renewals: Renewals
    grouped: Grouped
    is_full: bool
    golden: pa.Table
    guards: pa.Table
    new_records: pa.Table
    is_rebuilt: bool
    gone: Sequence[str]
    edges: pa.Table
    is_rescored: bool
    model: MatchModel | None
    is_new_model: bool
    everything: pa.Table
    state: str | None
    is_idle: bool

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


def resolve_records(context: JobContext, renewals: Renewals) -> Resolved:
    """Group the records by person, comparing only what has not been compared yet.

    Args:
        context: The run.
        renewals: Told who may change, so that the others are copied meanwhile.
    """
    settings, ledger = context.settings.identity, context.lake.ledger
    with ThreadPoolExecutor(3) as beside:
        # Links that are copied from file to file need not be here to be written.
        links = PREVIOUS if renewals.renews_links else PERSON_LINK.columns
        ahead = Ahead(ledger, settings.matching, _trained(context), beside, links)
        with context.progress.step("standardising new records"):
            come = arrivals(context, beside, ahead.begin)
        new = come.new
        # As a rule a new record touches three or four.
        reads_all = new.num_rows > _NAMED_RECORDS // 4 and not come.is_rebuilt
        texts = beside.submit(ledger.arrow, CUSTOMER_RECORD, _TEXTS) if reads_all else None
        model, is_new_model = _model(context, ahead.model, come)
        everything = pa.concat_tables([come.kept, new])
        # Pairs of another spelling, or of another model, say nothing about records as they are read now; a run that trained
        # one may have died before it was through.
        is_rescored = come.is_rebuilt or is_new_model or bool(model and ahead.scored_by() - {model.version})
        is_full = is_rescored or not _is_settled(context, model)
        with context.progress.step(f"comparing {new.num_rows:,} new records"):
            edges, rules = _edges(context, model, is_rescored, come, None if is_rescored else ahead.plan())
            seeds = pa.concat_arrays([new["record_key"].combine_chunks(), _unowned(context, come, is_full)])
            is_idle = not (is_full or len(seeds) or come.gone.num_rows)
            known, previous = ahead.before(not is_rescored, is_idle)
        with context.progress.step(f"grouping {everything.num_rows:,} records"):
            pairs = pa.concat_tables([known, edges.select(EDGE).cast(known.schema)])
            begin = None if is_idle else renewals.begin
            guarded = fitting_guards(settings, model.household_share if model else None)
            grouped = (
                group_all(everything, pairs, previous.links, guarded)
                if is_full
                else group_touched(everything, come.gone, pairs, seeds, previous, guarded, begin)
            )
        golden = beside.submit(_golden, context, grouped, texts.result() if texts else None)
        told = _without_erased(context, guard_events(grouped.resolution, rules))
        before, gone = [] if is_full else ledger.read(IDENTITY_GUARD), come.gone["record_key"].to_pylist()
        guards = told if is_full else merged_events(told, before, grouped.resolution, gone)
    return Resolved(
        previous=previous,
        grouped=grouped,
        is_full=is_full,
        golden=golden.result(),
        renewals=renewals,
        guards=guards,
        new_records=new,
        is_rebuilt=come.is_rebuilt,
        gone=gone,
        edges=edges,
        is_rescored=is_rescored,
        model=model,
        is_new_model=is_new_model,
        everything=everything,
        state=come.state,
        is_idle=is_idle,
    )


def _unowned(context: JobContext, come: Arrivals, is_full: bool) -> pa.Array:
    """Keys of records that share an identifier with somebody who has been erased since: they may be its owners now."""
    ledger = context.lake.ledger
    runs = sorted(ledger.read(RESOLUTION, ("records", "resolved_at")), key=lambda row: row["resolved_at"])
    if is_full or not runs or runs[-1]["records"] == come.kept.num_rows + come.gone.num_rows:
        return pa.array([], pa.string())
    return unowned(come.kept, ledger.arrow(PERSON_LINK, ("namespace", "value")))


def _without_erased(context: JobContext, told: pa.Table) -> pa.Table:
    """Decisions about somebody whom nobody knows any more are told, but for those about who was erased."""
    unknown = {value: value.partition(":") for value in told.filter(pc.equal(told["guard"], UNKNOWN))["value"].to_pylist()}
    if not unknown or not context.lake.ledger.rows(SUPPRESSION):
        return told
    key, code = erasure_key(context.settings, context.lake.locations), context.settings.identity.calling_code
    rows = context.lake.ledger.read(SUPPRESSION, ("identifier_hash",), [("reason", "=", ERASED)])
    erased = {row["identifier_hash"] for row in rows}
    theirs = [
        value
        for value, (kind, _, name) in unknown.items()
        if any(keyed_hash_of(key, f"{kind}|{form}") in erased for form in spellings(kind, name, code))
    ]
    is_theirs = pc.and_(pc.equal(told["guard"], UNKNOWN), pc.is_in(told["value"], pa.array(theirs, pa.string())))
    return told.filter(pc.invert(pc.fill_null(is_theirs, False)))


def _golden(context: JobContext, grouped: Grouped, texts: pa.Table | None) -> pa.Table:
    """The golden records of the persons that were looked at; of the texts of sources those that are needed are used."""
    found = grouped.resolution
    looked_at = found.graph.records.loc[~found.is_settled, ["source", "record_key"]]
    ids = [key[len(source) + 1 :] for source, key in looked_at.itertuples(index=False)]
    if texts is None:
        named = [("record_id", "in", ids)] if len(ids) <= _NAMED_RECORDS else []
        texts = context.lake.ledger.arrow(CUSTOMER_RECORD, _TEXTS, named)
    if texts.num_rows > _NAMED_RECORDS:
        (held,), (wanted,) = codes_of(texts, ("record_id",)), codes_of(pa.table({"record_id": ids}), ("record_id",))
        texts = texts.take(pa.array(places_of(held, wanted)))
    return golden_of(grouped, context.settings.identity.survivorship, texts)


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
        "records_state": resolved.state,
        "looked_at": resolved.looked_at,
        "is_full": resolved.is_full,
        "resolved_at": datetime.now(UTC),
    }


def _trained(context: JobContext) -> MatchModel | None:
    """The model that an earlier run has trained, unless another is asked for."""
    return None if context.options.get("retrain") else latest_model(context.lake.ledger, context.settings.identity)


def _model(context: JobContext, trained: MatchModel | None, come: Arrivals) -> tuple[MatchModel | None, bool]:
    """The model that serves, and whether it has just been trained."""
    settings = context.settings.identity
    if trained is not None or not settings.matching.enabled:
        return trained, False
    try:
        with context.progress.step("training the match model"):
            records = comparable(pa.concat_tables([come.kept, come.new]))
            return fit_match_model(with_told_names(records, settings.nicknames), settings.matching), True
    except NothingToLearnError:
        return None, False


def _edges(
    context: JobContext, model: MatchModel | None, is_rescored: bool, come: Arrivals, plan: Plan | None
) -> tuple[pa.Table, list[RulePairs]]:
    settings, new = context.settings.identity.matching, come.new
    nothing = PAIRS.empty_table().append_column("model_version", pa.array([], pa.string()))
    if model is None or (not new.num_rows and not is_rescored):
        return nothing, []
    compared = comparable(pa.concat_tables([come.kept, new]) if is_rescored else new)
    existing = None if is_rescored else sharing_keys(compared, come.kept, settings)
    has_old = existing is not None and existing.num_rows > 0
    records = compared.num_rows + (existing.num_rows if existing is not None else 0)
    spark = context.lake.spark if settings.scored_by_spark(records) else None
    nicknames = context.settings.identity.nicknames
    compared = with_told_names(compared, nicknames)
    existing = with_told_names(existing, nicknames) if existing is not None else None
    scored = score(model, compared, existing, settings, spark, plan if has_old else None)
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
