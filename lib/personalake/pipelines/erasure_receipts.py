"""Receipts of one run: one for each request and place, under a keyed MAC."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from personalake.activation.file_drop import ERASURE_LIST
from personalake.lake.erasing import Erased
from personalake.lake.notes import removed_with
from personalake.pipelines.erasure_cleaned import Cleaned
from personalake.pipelines.erasure_destinations import Answered
from personalake.pipelines.erasure_requests import Request
from personalake.pipelines.job import JobContext
from personalake.privacy.receipts import MAC, mac_of
from personalake.privacy.settled import SETTLED, settlements
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_RECEIPT
from personalake.tables.receipts import SUPPRESSION

INTENDED = "intended"
LOOK_INSIDE = (
    "open them and look for the person, or delete them, and say so by personalake receipts settle; "
    "with --for-good where files come that can hold nobody"
)
_SHOWN = 5
CLEANED = ("files", "store")
_NOT_ERASED, _SETTLED = "; not erased by request, see receipts: ", "; settled by hand: "
# What nothing here can erase, and a human must see to.
SETTLED_BY_HAND = ("destination", *CLEANED)


@dataclass(frozen=True)
class Found:
    """What the search after an erasure came to.

    Args:
        files: Files that were decoded.
        places: Those in which something of the person is left.
        needles: Ids and identifiers that were looked for.
        closed: Folder to what the files in it are that are not opened here, and how many they are.
    """

    files: int
    places: tuple[str, ...]
    needles: int
    closed: Mapping[str, Counter[str]] = field(default_factory=dict)


def told_of_places(waiting: Sequence[str], settled: Sequence[str]) -> str:
    """What the last state of a request says of places that a person must see to, or has seen to."""
    told = f"{_SETTLED}{', '.join(sorted(settled))}" if settled else ""
    return told + (f"{_NOT_ERASED}{', '.join(waiting)}" if waiting else "")


def without_places(reason: str) -> str:
    """The reason of a state, without that."""
    return reason.partition(_NOT_ERASED)[0].partition(_SETTLED)[0]


def note_of(run_id: str) -> str:
    """What the commits of a run bear."""
    return f"erasure {run_id}"


class Receipts:
    """Gathers receipts, and writes them down."""

    def __init__(self, context: JobContext, key: str, requests: Mapping[str, Request]) -> None:
        self._context, self._key, self._requests = context, key, requests
        self._waiting: list[dict[str, Any]] = []
        self._all: list[dict[str, Any]] = []

    def add_table(self, name: str, erased: Erased, counts: Mapping[str, int]) -> None:
        """What was done to one table."""
        for request_id, rows in counts.items():
            self._add(
                request_id, name, "table", "erased" if rows else "nothing_found", rows_erased=rows,
                rows_before=erased.rows_before, rows_after=erased.rows_after, version_before=erased.version_before,
                version_after=erased.version_after, purged_at=erased.purged_at, vacuumed_at=erased.vacuumed_at,
            )  # fmt: skip

    def add_intent(self, name: str, counts: Mapping[str, int], rows: int, version: int | None) -> None:
        """What is about to go from one table, as rows before and after; nothing is erased so far."""
        for request_id, count in counts.items():
            if count:
                self._add(
                    request_id, name, "table", INTENDED, rows_before=rows, rows_after=rows - count,
                    rows_erased=0, version_before=version,
                )  # fmt: skip

    def settle(self, table: Table, counts: Mapping[str, int]) -> None:
        """Find out what became of what killed runs were about to erase from a table: it goes in one commit, or not at all.

        That commit says how many rows they were. Where the log of the table does not reach back any more, what is still
        there tells.

        Args:
            table: The table.
            counts: Rows of each request that are there now.
        """
        open_ones = [row for row in self._open if row["place"] == table.full_name]
        for intent in open_ones:
            alone = sum(row["run_id"] == intent["run_id"] for row in open_ones) == 1
            intended = intent["rows_before"] - intent["rows_after"]
            removed = removed_with(self._context.lake, table, note_of(intent["run_id"]), intent["version_before"])
            if removed is None:
                removed = max(0, intended - counts.get(intent["request_id"], 0))
            self._add(
                intent["request_id"], intent["place"], "table", "erased" if removed else "nothing_found",
                receipt_id=_name(intent, intent["run_id"]), rows_erased=removed if alone else min(removed, intended),
                rows_before=intent["rows_before"], version_before=intent["version_before"],
                detail=f"told by run {intent['run_id']}, which ended before it could say what it did; found out afterwards",
            )  # fmt: skip

    @cached_property
    def _open(self) -> list[dict[str, Any]]:
        """What earlier runs were about to erase, and neither they nor later ones said what became of it."""
        of_requests = [("request_id", "in", sorted(self._requests)), ("kind", "=", "table")]
        rows = self._context.lake.ledger.read(ERASURE_RECEIPT, where=of_requests) if self._requests else []
        told = {row["receipt_id"] for row in rows}
        return [row for row in rows if row["outcome"] == INTENDED and _name(row, row["run_id"]) not in told]

    @cached_property
    def _settled(self) -> dict[tuple[str | None, str], str]:
        ledger = self._context.lake.ledger
        return settlements(self._key, ledger.read(ERASURE_RECEIPT, where=[("outcome", "=", SETTLED)]))

    def _settlement(self, request_id: str, place: str) -> str | None:
        """What a person said who has seen to a place, for this request or for every one."""
        return self._settled.get((request_id, place)) or self._settled.get((None, place))

    def add_files(self, cleaned: Cleaned, request_ids: Iterable[str] | None = None) -> None:
        """What was done in one place outside the tables, for all requests or some."""
        for request_id in self._requests if request_ids is None else request_ids:
            removed, unsettled = cleaned.erased.get(request_id, 0), cleaned.unsettled.get(request_id)
            settled = self._settlement(request_id, cleaned.place) if unsettled and not cleaned.problem else None
            if cleaned.problem:
                outcome = "pending"
            elif unsettled:
                outcome = SETTLED if settled else "failed"
            else:
                outcome = "erased" if removed else "nothing_found"
            detail = cleaned.problem or settled or unsettled or (cleaned.detail if removed else None)
            self._add(
                request_id, cleaned.place, cleaned.kind, outcome, rows_erased=removed, rows_before=cleaned.files,
                rows_after=cleaned.files, detail=detail, purged_at=datetime.now(UTC),
            )  # fmt: skip

    def add_answers(self, request_id: str, answers: list[Answered]) -> None:
        """What destinations said."""
        for answer in answers:
            settled = self._settlement(request_id, answer.destination) if answer.outcome == "failed" else None
            self._add(
                request_id, answer.destination, "destination", SETTLED if settled else answer.outcome,
                rows_erased=answer.people, reference=answer.reference, detail=settled or answer.detail,
            )  # fmt: skip

    def add_search(self, request_id: str, found: Found) -> None:
        """What the search has left."""
        detail = f"{found.needles} ids and identifiers looked for in {found.files} decoded files"
        if found.places:
            detail += f"; left in {', '.join(found.places[:_SHOWN])}"
        if closed := sum(files.total() for files in found.closed.values()):
            detail += f"; {closed} file{'s are' if closed > 1 else ' is'} not opened here and could not be searched"
        outcome = "failed" if found.places else "clean" if found.files else "pending"
        self._add(
            request_id, "every file", "search", outcome, rows_before=found.files, rows_after=len(found.places), detail=detail
        )
        for folder, files in sorted(found.closed.items()):
            told = ", ".join(f"{count} {what}" for what, count in sorted(files.items()))
            closed_here = Cleaned(f"not opened: {folder}", files.total(), unsettled={request_id: f"{told}; {LOOK_INSIDE}"})
            self.add_files(closed_here, [request_id])

    def write(self) -> None:
        """Append what has been gathered."""
        self._context.lake.add(self._waiting, ERASURE_RECEIPT)
        self._all += self._waiting
        self._waiting = []

    def problem(self, request_id: str) -> str | None:
        """Why a request is not done."""
        rows = [row for row in self._all if row["request_id"] == request_id]
        left = [row["detail"] for row in rows if row["kind"] == "search" and row["outcome"] == "failed"]
        pending = [row["place"] for row in rows if row["kind"] == "destination" and row["outcome"] == "pending"]
        stuck = [f"{row['place']} {row['detail']}" for row in rows if row["kind"] in CLEANED and row["outcome"] == "pending"]
        problems = [*stuck, *(f"search: {text}" for text in left), *(f"to be asked again: {name}" for name in pending)]
        return "; ".join(problems) or None

    def summary(self, request_id: str) -> str:
        """What a request that is done came to: what earlier runs removed, that were killed or got no answer, counts, too."""
        written = self._context.lake.ledger.read(ERASURE_RECEIPT, where=[("request_id", "=", request_id)])
        rows = [*written, *(row for row in self._waiting if row["request_id"] == request_id)]
        latest = [row for row in rows if row["run_id"] == self._context.run_id]
        own = ("destination", SUPPRESSION.full_name)  # what this very job put there does not count as found
        removed = sum(row["rows_erased"] or 0 for row in rows if row["kind"] not in own and row["place"] not in own)
        told = f"{removed} rows, lines and files erased" if removed else "nothing found"
        listed = dict.fromkeys(row["place"] for row in rows if (row["reference"] or "").startswith(ERASURE_LIST))
        unsearched = [row for row in latest if row["kind"] == "search" and row["outcome"] == "pending"]
        told += "; not searched, as erasure.search says" if unsearched else ""
        told += f"; lists of whom to forget, to be deleted once followed: {', '.join(listed)}" if listed else ""
        settled = [row["place"] for row in latest if row["outcome"] == SETTLED]
        return told + told_of_places([row["place"] for row in latest if _is_left(row)], settled)

    def is_left_to_people(self, request_id: str) -> bool:
        """Whether a place does not erase by request, and nobody has said that it was seen to."""
        return any(_is_left(row) for row in self._all if row["request_id"] == request_id)

    def count(self, request_id: str) -> int:
        """Receipts of a request, those of earlier runs included."""
        waiting = [row for row in self._waiting if row["request_id"] == request_id]
        return len(waiting) + self._context.lake.ledger.count(ERASURE_RECEIPT, [("request_id", "=", request_id)])

    def _add(self, request_id: str, place: str, kind: str, outcome: str, **facts: Any) -> None:
        run = f"{self._context.run_id}|{INTENDED}" if outcome == INTENDED else self._context.run_id
        row = dict.fromkeys(ERASURE_RECEIPT.columns) | {
            "receipt_id": _name({"request_id": request_id, "place": place}, run),
            "request_id": request_id,
            "subject": self._requests[request_id].facts["subject"],
            "place": place,
            "kind": kind,
            "outcome": outcome,
            "run_id": self._context.run_id,
            "recorded_at": datetime.now(UTC),
            **facts,
        }
        self._waiting.append({**row, MAC: mac_of(self._key, row)})


def _is_left(row: Mapping[str, Any]) -> bool:
    return row["kind"] in SETTLED_BY_HAND and row["outcome"] == "failed"


def _name(row: Mapping[str, Any], run: str) -> str:
    return hashlib.sha256(f"{row['request_id']}|{row['place']}|{run}".encode()).hexdigest()[:32]
