"""Identifiers of every source to `silver.person_link`; answers about purposes to `silver.consent_current`."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.persons import by_caller, with_person
from personalake.common.purposes import declared_name
from personalake.common.time_cuts import known_by
from personalake.config.purposes import assumed_purposes
from personalake.identity.codes import without
from personalake.identity.links import identifiers, joined_links, lone_links
from personalake.identity.moves import CHANGES, links_that_may_move, moves
from personalake.identity.person_ids import links_of
from personalake.lake import Lake, WriteResult
from personalake.lake.direct import frame_of
from personalake.lake.erasing import remove_rows
from personalake.lake.renewal import Renewal
from personalake.pipelines.identity_records import Resolved, knows_people, model_row, resolution_row, resolve_records
from personalake.pipelines.identity_renewals import Renewals
from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.consent import assumed_consent, current_consent, with_signals
from personalake.tables import Table
from personalake.tables.identity import (
    IDENTITY_GUARD,
    MATCH_EDGE,
    MATCH_MODEL,
    MATCH_RECORD,
    PERSON,
    PERSON_CHANGE,
    RESOLUTION,
)
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import CAMPAIGN_RESPONSE, CONSENT, CONSENT_CURRENT, CUSTOMER_RECORD, EVENT, PERSON_LINK
from personalake.tables.touchpoints import SOCIAL_MENTION, SUPPORT_TICKET, SURVEY_ANSWER

# What is bought about people is not among them: whom only a data provider knows is nobody's customer.
_SIGHTED = (
    EVENT, CUSTOMER_RECORD, CONSENT, CAMPAIGN_RESPONSE, PREFERENCE, SUPPORT_TICKET, SURVEY_ANSWER, SOCIAL_MENTION,
)  # fmt: skip
_IDENTIFIER, _PAIR = ["namespace", "value"], ["left_key", "right_key"]
_LINK = [*_IDENTIFIER, "person_id"]


def run(context: JobContext) -> JobResult:
    """Link every identifier to a person, and derive the current consent of each person."""
    lake = context.lake
    if not any(lake.exists(table) for table in _SIGHTED):
        return JobResult(skipped=True, message="silver is empty: no identifier has been seen yet")
    with Renewals(lake, not (_sighted(lake) or context.dry_run)) as renewals:
        return _resolve(context, resolve_records(context, renewals) if knows_people(context.settings, lake) else None)


def _resolve(context: JobContext, resolved: Resolved | None) -> JobResult:
    lake = context.lake
    _write_model(lake, resolved)
    with ThreadPoolExecutor(1) as beside:
        pairs = beside.submit(_write_pairs, lake, resolved)
        identified, links = _write_links(context, resolved)
        pairs.result()
    message = f"{identified:,} identifiers linked"
    if resolved is not None:
        _write_records(context, resolved)
        message += f": {resolved.message}"
    message += _write_consents(context, links)
    unknown = _unknown_purposes(context)
    if unknown:
        message += f"; {sum(unknown.values()):,} answers about purposes that privacy.purposes does not name"
    return JobResult(
        rows_read=sum(lake.ledger.rows(table) for table in (EVENT, CONSENT)),
        message=message,
        figures={**(_figures(resolved) if resolved is not None else {}), "unknown_purposes": unknown},
    )


def _sighted(lake: Lake) -> list[Table]:
    """Tables that show identifiers of their own, beside the records."""
    return [table for table in _SIGHTED if table is not CUSTOMER_RECORD and lake.exists(table)]


def _write_links(context: JobContext, resolved: Resolved | None) -> tuple[int, DataFrame]:
    """Links of every identifier, and how many; what records tell of their own keys need not be read from them once more."""
    lake, sighted = context.lake, _sighted(context.lake)
    if resolved is None:
        records = [CUSTOMER_RECORD] if lake.exists(CUSTOMER_RECORD) else []
        found = lone_links(_seen(context, [*sighted, *records]), context.settings.identity.calling_code)
        before = lake.ledger.arrow(PERSON_LINK, _LINK)
        _write_changes(context, _moves(context, before, before.slice(0, 0), found, CHANGES.empty_table()))
        written = _written(context, found)
        # Without a single record, nothing that was made of records stays; last, so that a run that dies is gone on with.
        for table in (MATCH_RECORD, MATCH_EDGE, PERSON, IDENTITY_GUARD):
            lake.delete(table, F.lit(True))
        return written
    # What shows identifiers for the first time while this run works, the next one looks at.
    if sighted and not resolved.renewals.renews_links:
        return _write_sighted(context, resolved, sighted)
    _write_changes(context, resolved.grouped.assigned.changes)
    if resolved.is_idle:
        return lake.ledger.rows(PERSON_LINK), lake.read(PERSON_LINK)
    with ThreadPoolExecutor(1) as beside:
        persons = beside.submit(_write_persons, lake, resolved)
        renewal = resolved.renewals.of(PERSON_LINK)
        told = _resolved_links(resolved, renewal)
        # Before the links move: persons tell a run that comes after a killed one whose rows are over.
        persons.result()
    rows = (lake.put(told, PERSON_LINK) if renewal is None else renewal.finish(told)).rows
    return rows, frame_of(lake.spark, told) if context.dry_run else lake.read(PERSON_LINK)


def _write_sighted(context: JobContext, resolved: Resolved, sighted: Sequence[Table]) -> tuple[int, DataFrame]:
    """Links where identifiers that no record has are found anew in what shows them, and do not outlive it."""
    lake = context.lake
    before = lake.ledger.arrow(PERSON_LINK) if resolved.is_idle else resolved.previous.links
    told = links_of(resolved.everything, before if resolved.is_idle else _resolved_links(resolved, None))
    joined = joined_links(_seen(context, sighted), frame_of(lake.spark, told), context.settings.identity.calling_code)
    _write_changes(context, _moves(context, before, told, joined, resolved.grouped.assigned.changes))
    _write_persons(lake, resolved)
    return _written(context, joined)


def _moves(context: JobContext, before: pa.Table, told: pa.Table, links: DataFrame, changes: pa.Table) -> pa.Table:
    """Moves from one person to another, those of identifiers that no record holds included.

    Args:
        context: The run.
        before: Links before.
        told: Links of what records hold now.
        links: Links of everything now.
        changes: Moves of what records hold.
    """
    lake = context.lake
    theirs = links_that_may_move(before, told, changes, context.settings.identity.calling_code)
    if not theirs.num_rows:
        return changes
    named = F.broadcast(frame_of(lake.spark, theirs.select(_IDENTIFIER)))
    now = links.join(named, _IDENTIFIER, "left_semi").select(*_LINK).toArrow()
    return moves(before, told, changes, theirs, now)


def _seen(context: JobContext, tables: Sequence[Table]) -> DataFrame:
    """Identifiers that the rows of some tables have as their keys."""
    return identifiers(_sightings(context.lake, tables), context.settings.identity.guards.blocked_values)


def _sightings(lake: Lake, tables: Sequence[Table]) -> list[DataFrame]:
    """Rows that show identifiers; whoever only calls the help desk is known by the number."""
    return [lake.read(table).transform(by_caller) if table is SUPPORT_TICKET else lake.read(table) for table in tables]


def _written(context: JobContext, links: DataFrame) -> tuple[int, DataFrame]:
    rows = context.lake.overwrite(links, PERSON_LINK).rows
    return rows, links if context.dry_run else context.lake.read(PERSON_LINK)


def _resolved_links(resolved: Resolved, renewal: Renewal | None) -> pa.Table:
    """Links of what was looked at, and the others as they were; where they are renewed, those of persons who may change."""
    grouped = resolved.grouped
    if resolved.is_full:
        return grouped.assigned.links
    over = _joined(grouped.assigned.links.select(_IDENTIFIER), grouped.vanished.select(_IDENTIFIER))
    before = resolved.previous
    stays = without(before.links, over, before.keys) if renewal is None else without(renewal.aside, over)
    return _renewed(stays, grouped.assigned.links)


def _joined(*parts: pa.Table) -> pa.Table:
    """Both tables' rows; the columns of an empty one may have no type."""
    return pa.concat_tables(parts, promote_options="permissive")


def _renewed(kept: pa.Table, rows: pa.Table) -> pa.Table:
    """The rows of before that stay, and new ones."""
    return pa.concat_tables([kept, rows.select(kept.column_names).cast(kept.schema)])


def _write_changes(context: JobContext, changes: pa.Table) -> None:
    """Merges and splits are logged before the links move: a run that dies between the two finds the same moves again."""
    lake, before = context.lake, context.lake.ledger.version(PERSON_LINK)
    stamp = {"as_of": context.as_of, "run_id": context.run_id, "changed_at": context.run_started_at, "links_version": before}
    found = [{**row, **stamp, "change_id": _change_id(row, before)} for row in changes.to_pylist()]
    ids = [row["change_id"] for row in found]
    if lake.ledger.count(PERSON_CHANGE, [("change_id", "in", ids)]):
        # By a run that died before the links moved: who looked meanwhile must see that they moved later.
        _remove(lake, PERSON_CHANGE, pa.table({"change_id": pa.array(ids, pa.string())}))
    lake.add(found, PERSON_CHANGE)


def _change_id(change: Mapping[str, Any], version: int | None) -> str:
    """The same for the same move from the same version of the links."""
    told = "|".join((change["old_person_id"], change["new_person_id"], str(version)))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _write_persons(lake: Lake, resolved: Resolved) -> None:
    """The persons that were looked at in the place of what they, and those whose records they have now, were before."""
    renewal = resolved.renewals.of(PERSON)
    if resolved.is_full:
        lake.put(resolved.golden, PERSON)
    elif renewal is not None:
        over = _joined(resolved.golden.select(["person_id"]), resolved.grouped.former)
        renewal.finish(_renewed(without(renewal.aside, over), resolved.golden))


def _write_model(lake: Lake, resolved: Resolved | None) -> None:
    """Before anything follows from it: a run that dies leaves pairs of another model, which the next one weighs anew."""
    model = None if resolved is None else model_row(resolved)
    if model is not None:
        lake.add([model], MATCH_MODEL)


def _write_pairs(lake: Lake, resolved: Resolved | None) -> None:
    """What was refused and what is alike: a run that dies before records are remembered finds the same once more."""
    if resolved is None or resolved.is_idle:
        return
    lake.put(resolved.guards, IDENTITY_GUARD)
    if resolved.is_rescored:
        lake.put(resolved.edges, MATCH_EDGE)
    elif resolved.edges.num_rows:
        keys = pc.unique(resolved.edges["left_key"]).to_pylist()
        known = lake.ledger.arrow(MATCH_EDGE, _PAIR, [("left_key", "in", keys)])
        lake.put(without(resolved.edges, known), MATCH_EDGE, "append")


def _write_records(context: JobContext, resolved: Resolved) -> None:
    """What was compared is remembered last: a run that dies before compares the same records again."""
    lake = context.lake
    for table, column in ((MATCH_EDGE, "left_key"), (MATCH_EDGE, "right_key"), (MATCH_RECORD, "record_key")):
        _remove(lake, table, pa.table({column: pa.array(resolved.gone, pa.string())}))
    lake.put(resolved.new_records, MATCH_RECORD, "overwrite" if resolved.is_rebuilt else "append")
    lake.add([resolution_row(context, resolved)], RESOLUTION)


def _remove(lake: Lake, table: Table, keys: pa.Table) -> None:
    """Remove rows by their keys, of which none stands in the log of the table."""
    before = lake.ledger.version(table)
    remove_rows(lake, table, keys)
    after = lake.ledger.version(table)
    if after is not None and after != before:
        lake.writes.append(WriteResult(table.full_name, 0, after))


def _figures(resolved: Resolved) -> dict[str, object]:
    refused = Counter[str]()
    for guard, links in zip(resolved.guards["guard"].to_pylist(), resolved.guards["links"].to_pylist(), strict=True):
        refused[guard] += links
    moves = Counter(resolved.grouped.assigned.changes["kind"].to_pylist())
    return {
        "records_compared": resolved.new_records.num_rows,
        "records_looked_at": resolved.looked_at,
        "pairs_kept": resolved.edges.num_rows,
        "guards": dict(refused),
        "changes": dict(moves),
        "model_version": resolved.model.version if resolved.model else None,
    }


def _write_consents(context: JobContext, links: DataFrame) -> str:
    """What each person says about each purpose at this moment, whatever the as-of; in words, what came of it."""
    lake, settings, now = context.lake, context.settings, context.run_started_at
    purposes = assumed_purposes(settings)
    if not (purposes or lake.ledger.rows(CONSENT) or lake.ledger.rows(CONSENT_CURRENT)):
        lake.create(CONSENT_CURRENT)
        return ", nobody has been asked for consent"
    meant = with_signals(settings.privacy.signals, settings.privacy.purposes)
    told = lake.read(CONSENT).transform(meant).transform(with_person(links))
    answers = told.transform(current_consent(now))
    assumed = assumed_consent(links, purposes).transform(known_by(now))
    silent = assumed.join(answers, ["person_id", "purpose"], "left_anti")
    consents = lake.overwrite(answers.unionByName(silent), CONSENT_CURRENT)
    return f", {consents.rows:,} current consents{context.of_today}"


def _unknown_purposes(context: JobContext) -> dict[str, int]:
    """Answers about purposes that nobody declared, by purpose; they are kept, and allow nothing."""
    privacy = context.settings.privacy
    if not privacy.purposes:
        return {}
    ledger = context.lake.ledger
    declared = {*privacy.purposes, *privacy.signals}
    told = {str(purpose) for purpose in ledger.distinct(CONSENT, "purpose")}
    unknown = {purpose for purpose in told if declared_name(purpose, declared) not in declared}
    return {purpose: ledger.count(CONSENT, [("purpose", "=", purpose)]) for purpose in sorted(unknown)}
