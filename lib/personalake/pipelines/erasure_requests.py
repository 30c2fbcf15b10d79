"""Requests to be forgotten: which there are, in what state, and what a run must remember of each until it is done."""

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from personalake.common.hashing import keyed_hash_of
from personalake.common.spellings import spelled
from personalake.config.nearest import closest
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.lake.disk import writing
from personalake.pipelines.job import JobContext
from personalake.privacy.receipts import MAC, due_at, mac_of, pseudonym
from personalake.privacy.subject import NAMESPACES, Identifier, Subject
from personalake.privacy.suppression import REQUEST_DIGITS, request_name
from personalake.reports.words import plural
from personalake.tables.erasure import ERASURE_ASKED, ERASURE_REQUEST
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK

JOB = "erase_customers"
OPEN = ("received", "verified", "running", "partial")
# Between identifiers that a person names; twice it stands for itself, as part of one.
_BESIDES = ";"
_MOST_FAULTS = 20
_TOKENS = re.compile(f"{_BESIDES * 2}|{_BESIDES}|[^{_BESIDES}]+")


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        request_id: Its id.
        asked: The identifier by which the person asks; None if nobody remembers it.
        is_verified: Whether it is known that the person asks.
        facts: `subject`, `regulation`, `requested_at`, `due_at` and `source`.
        state: Its last state; None if it is new.
        further: Other identifiers that the person says are theirs.
    """

    request_id: str
    asked: Identifier | None
    is_verified: bool
    facts: dict[str, Any]
    state: str | None = None
    further: tuple[Identifier, ...] = ()


def identifiers_named(context: JobContext) -> dict[Identifier, tuple[Identifier, ...]]:
    """What the command line asks for, by itself or in a file, each with what the same person names besides.

    Who is named in two spellings is named once, by the first of them.

    Raises:
        InputError: If any is not written as `namespace=value`, nothing here knows such a namespace, or the file cannot be
            read; all that is wrong is told at once.
    """
    named: dict[Identifier, tuple[Identifier, ...]] = {}
    written: dict[Identifier, Identifier] = {}
    for first, *further in _sound(context, [(place, _parts(line)) for place, line in _lines_named(context)]):
        first = written.setdefault(_alike(context, first), first)
        named[first] = named.get(first, ()) + tuple(further)
    return named


def _sound(context: JobContext, lines: Sequence[tuple[str, Sequence[str]]]) -> list[list[Identifier]]:
    """The identifiers of each line; none at all if one cannot be used: a file that is half done is hard to do again.

    What was written may be personal, so that a fault is told by its place, and does not repeat it.
    """
    read = [(place, list(map(_identifier, parts))) for place, parts in lines]
    sound = [[one for one in line if one is not None] for _, line in read]
    known = _namespaces(context, {kind for line in sound for kind, _ in line})
    faults = [f"{place}: an identifier {why}" for place, line in read for one in line if (why := _fault(one, known))]
    if faults:
        more = [f"and {len(faults) - _MOST_FAULTS:,} more"] if len(faults) > _MOST_FAULTS else []
        listed = "".join(f"\n  - {fault}" for fault in (*faults[:_MOST_FAULTS], *more))
        raise InputError(
            f"Nothing was done for anybody: {plural(len(faults), 'identifier')} cannot be used.{listed}",
            f"Mend or remove {'that' if len(faults) == 1 else 'those'}, and ask again. An identifier is written as "
            "namespace=value, e.g. email=ann@example.com or loyalty_id=4711, with ; twice where that is part of the value; "
            f"namespaces are: {', '.join(sorted(known))}.",
        )
    return sound


def _fault(one: Identifier | None, known: Collection[str]) -> str | None:
    """Nobody is found under a misspelt namespace, and a request that found nobody would be done."""
    if one is None:
        return "is not written as namespace=value"
    if one[0] in known:
        return None
    meant = closest(one[0], sorted(known))
    return f"has a namespace that nothing here knows{f'; did you mean {meant}=?' if meant else ''}"


def _namespaces(context: JobContext, asked: Collection[str]) -> set[str]:
    """Those that there are; what the tables have besides is looked up only if something else is asked for."""
    known = {*NAMESPACES, *(source.namespace for source in context.settings.sources.values())}
    for table in (PERSON_LINK, CUSTOMER_RECORD) if not known.issuperset(asked) else ():
        known.update(filter(None, pc.unique(context.lake.ledger.arrow(table, ("namespace",))["namespace"]).to_pylist()))
    return known


def told_as(context: JobContext, key: str, asked: Identifier) -> str:
    """The pseudonym of an identifier in receipts and in the access log, the same in whatever spelling somebody asks."""
    return pseudonym(key, *_alike(context, asked))


def _alike(context: JobContext, asked: Identifier) -> Identifier:
    return asked[0], spelled(*asked, context.settings.identity.calling_code)


def _lines_named(context: JobContext) -> list[tuple[str, str]]:
    """Each line that says something, and where it stands."""
    lines = []
    if context.options.get("identifier"):
        said = _BESIDES.join(filter(None, (context.options["identifier"], context.options.get("also"))))
        lines = [("--identifier or --also" if context.options.get("also") else "--identifier", said)]
    if context.options.get("request-file"):
        try:
            text = Path(str(context.options["request-file"])).read_text(encoding="utf-8-sig")
            lines += [(f"line {number}", line) for number, line in enumerate(text.splitlines(), 1)]
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(
                "The request file cannot be read.", "It is a text file with one namespace=value a line."
            ) from error
    return [(place, line) for place, line in lines if line.strip()]


def _parts(line: str) -> list[str]:
    """The identifiers of a line, not yet told from their values.

    >>> _parts("login=a;;b; crm=77")
    ['login=a;b', ' crm=77']
    """
    parts = [""]
    for token in _TOKENS.findall(line):
        if token == _BESIDES:
            parts.append("")
        else:
            parts[-1] += _BESIDES if token == _BESIDES * 2 else token
    return parts


def _identifier(text: str) -> Identifier | None:
    kind, _, value = map(str.strip, text.partition("="))
    return (kind, value) if kind and value else None


def requests(context: JobContext, key: str) -> list[Request]:
    """Every request that is not done or refused: those told now, and those that earlier runs left open."""
    states = last_states(context.lake)
    found = {request.request_id: request for request in _told(context, key, states)}
    for request_id, row in states.items():
        if row["state"] in OPEN:
            known = found.get(request_id)
            asked = known.asked if known else None
            facts = {name: row[name] for name in ("subject", "regulation", "requested_at", "due_at", "source")}
            is_verified = row["state"] != "received" or (known is not None and known.is_verified)
            further = known.further if known else ()
            found[request_id] = Request(request_id, asked, is_verified, facts, row["state"], further)
    return [request for request in found.values() if request.state in (None, *OPEN)]


def last_states(lake: Lake) -> dict[str, dict[str, Any]]:
    """The last row of each request."""
    rows = sorted(lake.ledger.read(ERASURE_REQUEST), key=lambda row: row["changed_at"])
    return {row["request_id"]: row for row in rows}


def to_state(
    context: JobContext, key: str, request: Request, state: str, reason: str | None = None, receipts: int | None = None
) -> Request:
    """Write down a new state."""
    row: dict[str, Any] = {
        "request_id": request.request_id,
        "state": state,
        **request.facts,
        "reason": reason,
        "receipts": receipts,
        "run_id": context.run_id,
        "changed_at": datetime.now(UTC),
    }
    context.lake.add([{**row, MAC: mac_of(key, row)}], ERASURE_REQUEST)
    return replace(request, state=state)


def _told(context: JobContext, key: str, states: dict[str, dict[str, Any]]) -> Iterator[Request]:
    for row in context.lake.ledger.read(ERASURE_ASKED):
        request_id = keyed_hash_of(key, request_name(row["source"], row["record_id"]))[:REQUEST_DIGITS]
        asked = (row["namespace"], row["customer_id"])
        state = states.get(request_id, {}).get("state")
        facts = _facts(told_as(context, key, asked), row["regulation"], row["occurred_at"], row["source"])
        yield Request(request_id, asked, bool(row["is_verified"]), facts, state)
    for asked, further in identifiers_named(context).items():
        facts = _facts(told_as(context, key, asked), "GDPR", context.run_started_at, JOB)
        earlier = [row for row in states.values() if row["subject"] == facts["subject"] and row["source"] == JOB]
        waiting = next((row for row in earlier if row["state"] in OPEN), None)
        number = len(earlier) + 1
        request_id = keyed_hash_of(key, f"request|{JOB}|{facts['subject']}|{number}")[:32]
        if waiting is not None:
            yield Request(waiting["request_id"], asked, True, facts, waiting["state"], further)
        else:
            yield Request(request_id, asked, True, facts, further=further)


def _facts(subject: str, regulation: str, requested_at: datetime, source: str) -> dict[str, Any]:
    return {
        "subject": subject,
        "regulation": regulation,
        "requested_at": requested_at,
        "due_at": due_at(regulation, requested_at),
        "source": source,
    }


def remember(lake: Lake, request_id: str, subject: Subject) -> None:
    """Keep what a run found out, until the request is done: half-way through, tables no longer know it.

    Raises:
        EnvironmentProblem: If the disk is full, or the folder cannot be written.
    """
    path = _memory(lake, request_id)
    beside = path.with_name(f".{path.name}.tmp")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside.touch(0o600)
        beside.write_text(subject.as_json(), encoding="utf-8")
        os.replace(beside, path)


def remembered(lake: Lake, request_id: str) -> Subject | None:
    """What an earlier run kept."""
    path = _memory(lake, request_id)
    return Subject.from_json(path.read_text(encoding="utf-8")) if path.exists() else None


def forget(lake: Lake, request_id: str) -> None:
    """Remove what was kept."""
    _memory(lake, request_id).unlink(missing_ok=True)


def forget_closed(lake: Lake) -> None:
    """Remove what was kept of requests that need it no more: a run was killed after it wrote their last state."""
    paths = list((lake.locations.root / "_erasure").glob("*.json"))
    states = last_states(lake) if paths else {}
    for path in paths:
        if states.get(path.stem, {}).get("state") not in (None, *OPEN):
            forget(lake, path.stem)
            path.with_name(f".{path.name}.tmp").unlink(missing_ok=True)


def _memory(lake: Lake, request_id: str) -> Path:
    return lake.locations.root / "_erasure" / f"{request_id}.json"
