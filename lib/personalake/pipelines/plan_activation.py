"""`gold.decision` to files, audiences to plans, both by way of the outbox, after a last look at consent."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache, partial, reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.activation.file_drop import Item, Packed, drop, packed
from personalake.activation.plan import plan
from personalake.common.persons import with_person
from personalake.common.transformation import Transformation
from personalake.config.activation import Destination
from personalake.errors import LeaseHeldError
from personalake.lake import Lake
from personalake.pipelines.access import log_exports
from personalake.pipelines.due_syncs import due_syncs
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.plan_audiences import plan_audiences
from personalake.pipelines.plan_figures import equation, with_plans
from personalake.pipelines.privacy_key import erasure_key
from personalake.pipelines.reachability import reachable
from personalake.pipelines.undue_syncs import undue_syncs
from personalake.privacy.addresses import ADDRESSES, refused_addresses
from personalake.privacy.consent import granted_purposes, with_signals, without_refusals
from personalake.privacy.pseudonyms import key_ring, pseudonymous
from personalake.privacy.suppression import persons_asking, without_erased
from personalake.tables.erasure import ERASURE_ASKED
from personalake.tables.gold import ACTIVATION_LOG, ACTIVATION_OUTBOX, CUSTOMER_PROFILE, DATA_HEALTH, DECISION
from personalake.tables.identity import PERSON
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, PERSON_LINK

JOB = "plan_activation"
Rows = list[dict[str, Any]]


def run(context: JobContext) -> JobResult:
    """Write what each enabled destination would be sent, and plan what each sync's connection lacks.

    The outbox comes first, then the files, then the log: a run that dies in between is finished by the next one, since
    every step gives the same bytes and rows again. Items of files are brought to the driver, which writes the files.

    Raises:
        LeaseHeldError: If the destination of a sync is being sent to; the others are planned all the same.
    """
    settings = context.settings
    due = due_syncs(context)
    undue = undue_syncs(context, due)
    syncs = {**due, **undue}
    active = {name: it for name, it in sorted(settings.destinations.items()) if it.enabled}
    alone = context.options.get("sync") is not None
    if alone or (syncs and not active):
        files = JobResult(skipped=True, message="no file destination was asked for")
    else:
        files = _files_of_decisions(context, active)
    if not syncs:
        return files
    with context.progress.step(f"planning the audiences {', '.join(syncs)}"):
        planned, busy = plan_audiences(context, syncs, cache(partial(_consents, context)), _wanted(context), undue)
        if not context.dry_run:
            _to_health(context.lake, [equation(context, one) for one in planned])
    if busy:
        (why, *_) = busy.values()
        raise LeaseHeldError(
            f"Not planned, since somebody is at work on their destinations: {', '.join(busy)}. {why.what}",
            "Everything else was planned; run plan_activation again once sending is done.",
        )
    return with_plans(files, planned, context)


def _files_of_decisions(context: JobContext, active: dict[str, Destination]) -> JobResult:
    lake, settings = context.lake, context.settings
    decisions = lake.read(DECISION).where(F.col("as_of") == F.lit(context.as_of))
    if not active:
        return JobResult(skipped=True, message="no destination is enabled in conf/destinations.yml")
    if context.as_of not in lake.ledger.distinct(DECISION, "as_of"):
        return JobResult(skipped=True, message=f"nothing has been decided as of {context.as_of}")
    with context.progress.step(f"planning for {', '.join(active)}"):
        items = _items(context, decisions, active)
        leaving = [item for item in items if item["refusal"] is None]
        _to_outbox(lake, leaving)
        files = {name: _files(leaving, name, it) for name, it in active.items()}
        if not context.dry_run:
            due = Counter(item["destination"] for item in leaving)
            log_exports(lake, "plan_activation", due, context.run_id)
            for name, it in active.items():
                folder = settings.exports.expanduser().resolve() / name / context.as_of.isoformat()
                drop(files[name], folder, name, it, context.as_of)
        _to_log(context, files)
        equations = [_equation(context, name, items, files[name]) for name in active]
        if not context.dry_run:
            _to_health(lake, equations)
    return _told(equations, files)


def _consents(context: JobContext) -> DataFrame:
    """What each person says at this moment; of those who must not be reached, nothing."""
    lake, privacy = context.lake, context.settings.privacy
    told = lake.read(CONSENT).transform(with_signals(privacy.signals, privacy.purposes))
    code, now = context.settings.identity.calling_code, context.run_started_at
    answers = told.transform(with_person(lake.read(PERSON_LINK)))
    if lake.ledger.count(CONSENT, [("namespace", "in", list(ADDRESSES))]):
        answers = answers.unionByName(refused_addresses(told, lake.read(PERSON), code, now))
    allowed = lake.read(CONSENT_CURRENT).transform(without_refusals(answers, now))
    return allowed.transform(reachable(context))


def _items(context: JobContext, decisions: DataFrame, active: dict[str, Destination]) -> Rows:
    lake, privacy = context.lake, context.settings.privacy
    granted = _consents(context).transform(granted_purposes)
    profiles = lake.read(CUSTOMER_PROFILE)
    decisions = decisions.transform(_wanted(context))
    ring = key_ring(privacy.pseudonyms) if any(it.identifier == "pseudonym" for it in active.values()) else None
    planned = [
        plan(decisions, profiles.transform(pseudonymous(ring, name)), granted, name, it, context.as_of)
        for name, it in active.items()
    ]
    rows: Rows = reduce(DataFrame.unionByName, planned).toArrow().to_pylist()
    return sorted(rows, key=lambda row: (row["destination"], row["person_id"], row["decision_id"], row["place"]))


def _wanted(context: JobContext) -> Transformation:
    """Who was erased, or asks to be, is in no export from that moment on."""
    lake, settings = context.lake, context.settings
    if not lake.ledger.rows(SUPPRESSION) and not lake.ledger.rows(ERASURE_ASKED):
        return lambda rows: rows
    asking = persons_asking(lake.read(ERASURE_ASKED), lake.read(PERSON_LINK), settings.identity.calling_code)
    return without_erased(lake.read(SUPPRESSION), asking, erasure_key(settings, lake.locations))


def _to_outbox(lake: Lake, leaving: Rows) -> None:
    """Insert-only: an item that is there already is left as it is; the lease keeps other writers away."""
    as_ofs = {item["as_of"] for item in leaving}
    held = lake.ledger.read(ACTIVATION_OUTBOX, ("delivery_id",), [("as_of", "in", as_ofs)])
    known = {row["delivery_id"] for row in held}
    rows = [{name: item.get(name) for name in ACTIVATION_OUTBOX.columns} for item in leaving]
    lake.add([row for row in rows if row["delivery_id"] not in known], ACTIVATION_OUTBOX)


def _files(leaving: Rows, name: str, destination: Destination) -> list[Packed]:
    items = [
        Item(item["delivery_id"], item["operation"], item["payload"]) for item in leaving if item["destination"] == name
    ]
    return list(packed(items, name, destination))


def _to_log(context: JobContext, files: dict[str, list[Packed]]) -> None:
    """Append what changed: accepted with its file, or cancelled if an earlier run had planned it and this one does not."""
    lake = context.lake
    wanted = {
        item.delivery_id: {"destination": name, "state": "accepted", "reason": None, "file": file.name}
        for name, dropped in files.items()
        for file in dropped
        for item in file.items
    }
    known = _states(lake, context, list(files))
    gone = {
        delivery: {**row, "state": "cancelled", "reason": "no longer planned", "file": None}
        for delivery, row in known.items()
        if delivery not in wanted and row["state"] != "cancelled"
    }
    changed = [
        {"delivery_id": delivery, "logged_at": context.run_started_at, **row}
        for delivery, row in sorted((wanted | gone).items())
        if (row["state"], row["file"]) != (known.get(delivery, {}).get("state"), known.get(delivery, {}).get("file"))
    ]
    lake.add(changed, ACTIVATION_LOG)


def _states(lake: Lake, context: JobContext, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The state of every delivery of this as-of into files: the last row of the log.

    What syncs send is theirs, also through a connection that is called as a file destination is.
    """
    of_day = lake.ledger.read(ACTIVATION_OUTBOX, ("delivery_id", "sync"), [("as_of", "=", context.as_of)])
    known = {row["delivery_id"] for row in of_day if row["sync"] is None}
    columns = ("delivery_id", "destination", "state", "file", "logged_at")
    logged = lake.ledger.read(ACTIVATION_LOG, columns, [("destination", "in", names)])
    in_order = sorted((row for row in logged if row["delivery_id"] in known), key=lambda row: row["logged_at"])
    return {row["delivery_id"]: {name: row[name] for name in ("destination", "state", "file")} for row in in_order}


def _equation(context: JobContext, name: str, items: Rows, files: list[Packed]) -> dict[str, Any]:
    """In = written + refused for one destination; what was written is counted in the files."""
    of_destination = [item for item in items if item["destination"] == name]
    refused = Counter(item["refusal"] for item in of_destination if item["refusal"] is not None)
    written = sum(len(file.items) for file in files)
    content = hashlib.sha256("".join(sorted(item["delivery_id"] or "" for item in of_destination)).encode()).hexdigest()
    return {
        "job": JOB,
        "source": name,
        "batch_id": f"{JOB}/{name}/{context.as_of}/{len(of_destination)}-{content[:12]}",
        "run_id": context.run_id,
        "rows_in": len(of_destination),
        "rows_accepted": written,
        "rows_quarantined": sum(refused.values()),
        "rows_duplicate": 0,
        "rows_late": 0,
        "balanced": len(of_destination) == written + sum(refused.values()),
        "reasons": dict(sorted(refused.items())),
        "warnings": {},
        "recorded_at": datetime.now(UTC),
    }


def _to_health(lake: Lake, equations: Rows) -> None:
    known = {row["batch_id"] for row in lake.ledger.read(DATA_HEALTH, ("batch_id",))}
    lake.ledger.append(DATA_HEALTH, [row for row in equations if row["batch_id"] not in known])


def _told(equations: Rows, files: dict[str, list[Packed]]) -> JobResult:
    told = [
        f"{row['source']}: {row['rows_in']:,} items = {row['rows_accepted']:,} in {len(files[row['source']])} files"
        f" + {row['rows_quarantined']:,} refused"
        for row in equations
    ]
    figures = {
        row["source"]: {
            "in": row["rows_in"],
            "written": row["rows_accepted"],
            "refused": row["reasons"],
            "files": len(files[row["source"]]),
        }
        for row in equations
    }
    return JobResult(
        rows_read=sum(row["rows_in"] for row in equations),
        rows_rejected=sum(row["rows_quarantined"] for row in equations),
        message="; ".join(told) + ("" if all(row["balanced"] for row in equations) else " DOES NOT ADD UP"),
        figures={"destinations": figures, "balanced": all(row["balanced"] for row in equations)},
    )
