"""Identifiers of every source to `silver.person_link`; answers about purposes to `silver.consent_current`."""

from collections import Counter
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.persons import with_person
from personalake.common.time_cuts import known_before
from personalake.config import Settings
from personalake.identity.links import identifiers, joined_links, lone_links
from personalake.lake import Lake
from personalake.pipelines.identity_records import Resolved, knows_people, model_row, resolve_records
from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.consent import PERSONALISATION, assumed_consent, current_consent, with_signals
from personalake.tables.gold import RUN
from personalake.tables.identity import IDENTITY_GUARD, MATCH_EDGE, MATCH_MODEL, MATCH_RECORD, PERSON, PERSON_CHANGE
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import CAMPAIGN_RESPONSE, CONSENT, CONSENT_CURRENT, CUSTOMER_RECORD, EVENT, PERSON_LINK

_SIGHTED = (EVENT, CUSTOMER_RECORD, CONSENT, CAMPAIGN_RESPONSE, PREFERENCE)
_DELETED_AT_ONCE = 1_000


def run(context: JobContext) -> JobResult:
    """Link every identifier to a person, and derive the current consent of each person."""
    lake = context.lake
    if not any(lake.exists(table) for table in _SIGHTED):
        return JobResult(skipped=True, message="silver is empty: no identifier has been seen yet")
    resolved = resolve_records(context) if knows_people(context.settings, lake) else None
    links = _links(context, resolved)
    people = lake.overwrite(links, PERSON_LINK)
    links = lake.read(PERSON_LINK) if not context.dry_run else links
    message = f"{people.rows:,} identifiers linked"
    if resolved is not None:
        _write_records(context, resolved)
        message += f": {resolved.message}"
    told = lake.read(CONSENT).transform(with_signals(context.settings.privacy.signals)).transform(with_person(links))
    answers = told.transform(current_consent(context.as_of))
    assumed = assumed_consent(links, _assumed_purposes(context.settings)).transform(known_before(context.as_of))
    silent = assumed.join(answers, ["person_id", "purpose"], "left_anti")
    later = _later_as_of(context)
    if later:
        message += (
            f"; consent is as of {later} already, an older as-of ({context.as_of}) never brings withdrawn consent back"
        )
    else:
        consents = lake.overwrite(answers.unionByName(silent), CONSENT_CURRENT)
        message += f", {consents.rows:,} current consents"
    unknown = _unknown_purposes(context)
    if unknown:
        message += f"; {sum(unknown.values()):,} answers about purposes that privacy.purposes does not name"
    return JobResult(
        rows_read=sum(lake.ledger.rows(table) for table in (EVENT, CONSENT)),
        message=message,
        figures={**(_figures(resolved) if resolved is not None else {}), "unknown_purposes": unknown},
    )


def _links(context: JobContext, resolved: Resolved | None) -> DataFrame:
    """Links of every identifier; what records tell of their own keys need not be read from them once more."""
    lake = context.lake
    sighted = [table for table in _SIGHTED if lake.exists(table) and (resolved is None or table is not CUSTOMER_RECORD)]
    if resolved is None:
        _forget_records(lake)
        return lone_links(identifiers([lake.read(table) for table in sighted]))
    _write_changes(context, resolved)
    told = lake.spark.createDataFrame(resolved.assigned.links)
    if not sighted:
        return told
    found = identifiers([lake.read(table) for table in sighted])
    return joined_links(found, told, context.settings.identity.calling_code)


def _forget_records(lake: Lake) -> None:
    """Without a single record, nothing that was made of records stays."""
    for table in (MATCH_RECORD, MATCH_EDGE, PERSON, IDENTITY_GUARD):
        lake.delete(table, F.lit(True))


def _write_changes(context: JobContext, resolved: Resolved) -> None:
    """Merges and splits are logged before the links move: a run that dies between the two finds the same moves again."""
    lake, changes = context.lake, resolved.assigned.changes
    if not changes.num_rows:
        return
    before = str(lake.ledger.version(PERSON_LINK))
    stamped = lake.spark.createDataFrame(changes).withColumns(
        {
            "change_id": F.substring(F.sha2(F.concat_ws("|", "old_person_id", "new_person_id", F.lit(before)), 256), 1, 32),
            "as_of": F.lit(context.as_of),
            "run_id": F.lit(context.run_id),
            "changed_at": F.lit(context.run_started_at.replace(tzinfo=None).isoformat()).cast("timestamp"),
        }
    )
    lake.merge_new(stamped.select(*PERSON_CHANGE.columns), PERSON_CHANGE)


def _write_records(context: JobContext, resolved: Resolved) -> None:
    """What was compared is remembered last: a run that dies before compares the same records again."""
    lake, spark = context.lake, context.lake.spark
    lake.overwrite(spark.createDataFrame(resolved.golden), PERSON)
    lake.overwrite(spark.createDataFrame(resolved.guards), IDENTITY_GUARD)
    model = model_row(resolved)
    if resolved.is_rescored:
        lake.overwrite(spark.createDataFrame(resolved.edges), MATCH_EDGE)
        if model is not None and not context.dry_run:
            lake.ledger.append(MATCH_MODEL, [model])
    elif resolved.edges.num_rows:
        lake.merge_new(spark.createDataFrame(resolved.edges), MATCH_EDGE)
    for place in range(0, len(resolved.gone), _DELETED_AT_ONCE):
        gone = list(resolved.gone[place : place + _DELETED_AT_ONCE])
        lake.delete(MATCH_EDGE, F.col("left_key").isin(gone) | F.col("right_key").isin(gone))
        lake.delete(MATCH_RECORD, F.col("record_key").isin(gone))
    if resolved.is_rebuilt:
        lake.overwrite(spark.createDataFrame(resolved.new_records), MATCH_RECORD)
    elif resolved.new_records.num_rows:
        lake.append(spark.createDataFrame(resolved.new_records), MATCH_RECORD)


def _figures(resolved: Resolved) -> dict[str, object]:
    refused = Counter[str]()
    for guard, links in zip(resolved.guards["guard"].to_pylist(), resolved.guards["links"].to_pylist(), strict=True):
        refused[guard] += links
    moves = Counter(resolved.assigned.changes["kind"].to_pylist())
    return {
        "records_compared": resolved.new_records.num_rows,
        "pairs_kept": resolved.edges.num_rows,
        "guards": dict(refused),
        "changes": dict(moves),
        "model_version": resolved.model.version if resolved.model else None,
    }


def _later_as_of(context: JobContext) -> date | None:
    """The latest as-of for which consent has been derived, if it lies after this run's."""
    if not context.lake.exists(CONSENT_CURRENT):
        return None
    done = [
        row["as_of"]
        for row in context.lake.ledger.read(RUN, ("job", "status", "as_of"))
        if row["job"] == "resolve_identities" and row["status"] == "done" and row["as_of"] is not None
    ]
    return max((as_of for as_of in done if as_of > context.as_of), default=None)


def _unknown_purposes(context: JobContext) -> dict[str, int]:
    """Answers about purposes that nobody declared, by purpose; they are kept, and allow nothing."""
    privacy = context.settings.privacy
    if not privacy.purposes:
        return {}
    ledger = context.lake.ledger
    unknown = ledger.distinct(CONSENT, "purpose") - {*privacy.purposes, *privacy.signals}
    return {purpose: ledger.count(CONSENT, [("purpose", "=", purpose)]) for purpose in sorted(unknown)}


def _assumed_purposes(settings: Settings) -> dict[str, tuple[str, ...]]:
    purposes = {PERSONALISATION} | {rule.purpose for rule in settings.decisions.rules}
    purposes |= {purpose for destination in settings.destinations.values() for purpose in destination.purposes}
    return {
        name: tuple(sorted(purposes))
        for name, source in settings.active_sources().items()
        if source.consent == "assume_granted"
    }
