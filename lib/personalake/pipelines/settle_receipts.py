"""Receipts of what no job can erase, settled by a person who has seen to it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from personalake.config import Settings
from personalake.errors import InputError
from personalake.lake import Lake
from personalake.lake.lease import lease
from personalake.pipelines.access import account
from personalake.pipelines.erasure_receipts import CLEANED, SETTLED_BY_HAND, told_of_places, without_places
from personalake.pipelines.erasure_requests import JOB, last_states
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.receipt_check import CHANGED
from personalake.privacy.receipts import MAC, mac_of, verifies
from personalake.privacy.settled import FAILED, FOR_GOOD, LONGEST, SETTLED, newest_of_places, why_problem
from personalake.tables.erasure import ERASURE_RECEIPT, ERASURE_REQUEST

Row = dict[str, Any]
_NAMED = 10


@dataclass(frozen=True)
class Settled:
    """What was settled.

    Args:
        requests: Requests of which the place is settled now.
        left: Request to the places of it that still wait for a person.
    """

    requests: Sequence[str]
    left: dict[str, list[str]]


def settle_receipts(
    settings: Settings, lake: Lake, place: str, why: str, request_id: str | None = None, is_for_good: bool = False
) -> Settled:
    """Write down that a person has seen to a place that no job could clean, and what follows for the requests.

    Args:
        settings: The configuration.
        lake: The tables.
        place: As the receipts call it.
        why: What was done there, without anything personal.
        request_id: Only of this request; of all by default.
        is_for_good: Later requests find the place settled, too.

    Returns:
        What was settled.

    Raises:
        InputError: If no receipt of the place waits, or the reason cannot be kept.
        ConfigError: If the erasure key is not there.
        LeaseHeldError: If erase_customers is at work.
    """
    if problem := why_problem(why):  # what was written may be personal: it is not repeated
        raise InputError(
            f"The reason cannot be kept: {problem}.",
            f"Say in 3 words or more, on one line of {LONGEST} characters, what was done there, and name nobody.",
        )
    key, run_id = erasure_key(settings, lake.locations, may_make=False), f"settle-{uuid.uuid4().hex[:8]}"
    kept = settings.lease
    with lease(lake.locations.lease(JOB), run_id, kept.heartbeat_seconds, kept.stale_after_seconds):
        rows = lake.ledger.read(ERASURE_RECEIPT)
        newest = [dict(row) for row in newest_of_places(rows)]
        chosen = _chosen(newest, key, place, request_id)
        if is_for_good and any(row["kind"] not in CLEANED for row in chosen):
            raise InputError(
                f"{place} is a destination: each person is to be asked for there anew.", "Settle it without --for-good."
            )
        detail = f"settled by {account()}: {why}"
        reference = FOR_GOOD if is_for_good else None
        told = [_settlement(row, key, run_id, detail, reference) for row in chosen]
        lake.add(told, ERASURE_RECEIPT)
        settled = [row["request_id"] for row in chosen]
        left = {
            request: [row["place"] for row in newest if row["request_id"] == request and _waits(row) and row not in chosen]
            for request in settled
        }
        _follow(lake, key, run_id, left, [*rows, *told])
    return Settled(settled, {request: places for request, places in left.items() if places})


def _waits(row: Row) -> bool:
    return row["outcome"] == FAILED and row["kind"] in SETTLED_BY_HAND


def _chosen(newest: Sequence[Row], key: str, place: str, request_id: str | None) -> list[Row]:
    waiting = [row for row in newest if _waits(row)]
    chosen = [row for row in waiting if row["place"] == place and request_id in (None, row["request_id"])]
    if not chosen:
        places = sorted({row["place"] for row in waiting if request_id in (None, row["request_id"])})
        more = f", and {len(places) - _NAMED:,} more" if len(places) > _NAMED else ""
        raise InputError(
            f"No receipt of {place} waits for a person.", f"Waiting are: {', '.join(places[:_NAMED]) or 'none'}{more}."
        )
    if not all(verifies(key, row) for row in chosen):
        raise InputError(f"A receipt of {place} {CHANGED}.", "Run personalake receipts verify first: it tells what to do.")
    return chosen


def _settlement(row: Row, key: str, run_id: str, detail: str, reference: str | None) -> Row:
    told = dict.fromkeys(ERASURE_RECEIPT.columns) | {
        "receipt_id": uuid.uuid4().hex,
        **{name: row[name] for name in ("request_id", "subject", "place", "kind")},
        "outcome": SETTLED,
        "reference": reference,
        "detail": detail,
        "run_id": run_id,
        "recorded_at": datetime.now(UTC),
    }
    return {**told, MAC: mac_of(key, told)}


def _follow(lake: Lake, key: str, run_id: str, left: dict[str, list[str]], receipts: Sequence[Row]) -> None:
    """A request that is done says what of it still waits for a person; one that is open is told by its next run."""
    states, rows = last_states(lake), []
    by_hand = [(row["request_id"], row["place"]) for row in newest_of_places(receipts) if row["outcome"] == SETTLED]
    for request_id, places in sorted(left.items()):
        last = states.get(request_id)
        if last is None or last["state"] != "done":
            continue
        own = [place for request, place in by_hand if request == request_id]
        changed = {
            "reason": without_places(last["reason"] or "") + told_of_places(places, own),
            "receipts": sum(row["request_id"] == request_id for row in receipts),
            "run_id": run_id,
            "changed_at": datetime.now(UTC),
        }
        row = {name: last[name] for name in ERASURE_REQUEST.columns} | changed
        rows.append({**row, MAC: mac_of(key, row)})
    lake.add(rows, ERASURE_REQUEST)
