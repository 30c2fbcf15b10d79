"""Claims and outcomes of sending, appended to `gold.activation_log`."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from personalake.activation.clock import Clock
from personalake.activation.delivery import Claimed, Outcome, State
from personalake.errors import LeaseHeldError
from personalake.lake import Lake, Ledger
from personalake.lake.declared import arrow_schema
from personalake.tables.gold import ACTIVATION_LOG

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)
# What a destination has taken stays so, whoever sends to it by now.
_TAKEN = (State.ACCEPTED, State.CONFIRMED)


class Stamps:
    """Times that only grow, also when the clock is set back: a delivery's state is its last row.

    Args:
        clock: Time.
        after: What the first stamp must be later than; null if nothing is written so far.
    """

    def __init__(self, clock: Clock, after: datetime | None) -> None:
        self._clock = clock
        self._last = after or _BEFORE_ALL
        self._lock = threading.Lock()

    @classmethod
    def after(cls, ledger: Ledger, clock: Clock, moments: Sequence[datetime]) -> "Stamps":
        """Stamps after everything that is in the log, and after some moments."""
        known = [*moments, ledger.latest(ACTIVATION_LOG, "logged_at")]
        return cls(clock, max((moment for moment in known if moment is not None), default=None))

    def next(self) -> datetime:
        """A time after all earlier ones."""
        with self._lock:
            self._last = max(self._clock.now(), self._last + _STEP)
            return self._last


class LakeJournal:
    """The journal of one destination; of two who claim from one state of the log, one is refused, in a lake of folders.

    Args:
        lake: The tables.
        destination: Its name.
        stamps: Times of the rows.
        require: Raises `LeaseHeldError` once somebody else sends there.
        folder: Where the files lie that it takes, which an erasure must find when the connection is gone; null of others.
    """

    def __init__(
        self,
        lake: Lake,
        destination: str,
        stamps: Stamps,
        require: Callable[[], None] = lambda: None,
        folder: Path | None = None,
    ) -> None:
        opened = lake.ledger.opened(ACTIVATION_LOG)
        self._claimer = f"send_activation.{destination}"
        self._claimed = (opened and opened.transaction_version(self._claimer)) or 0
        self._require = require
        self._lake = lake
        self._destination = destination
        self._stamps = stamps
        self._folder = folder
        self._turn = threading.Lock()

    def claim(self, claims: Sequence[Claimed]) -> None:
        """Written before anything of a chunk leaves, or of the parts of a request that was refused as a whole.

        Raises:
            LeaseHeldError: If somebody else sends there by now, or has claimed since this journal was opened.
        """
        self._require()
        # Parts of a request are claimed while the next chunk is: versions must come in order.
        with self._turn:
            self._claimed += 1
            written = self._append(
                [claim.delivery_ids for claim in claims],
                (self._claimer, self._claimed),
                state=[State.IN_FLIGHT.value] * len(claims),
                pack_id=[claim.pack_id for claim in claims],
            )
        if claims and not written:
            raise LeaseHeldError(
                f"Another run has claimed deliveries to {self._destination} meanwhile.",
                "Nothing is lost: what this run left open is sent by the next run of send_activation.",
            )

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Written after a chunk; of a lease that was lost only what was taken: the rest is another's to settle.

        Raises:
            LeaseHeldError: If somebody else sends there by now.
        """
        try:
            self._require()
        except LeaseHeldError:
            self._write([outcome for outcome in outcomes if outcome.state in _TAKEN])
            raise
        self._write(outcomes)

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        self._append(
            [outcome.delivery_ids for outcome in outcomes],
            None,
            state=[outcome.state.value for outcome in outcomes],
            reason=[outcome.reason for outcome in outcomes],
            pack_id=[outcome.pack_id for outcome in outcomes],
            reference=[outcome.reference for outcome in outcomes],
            file=[self._file_of(outcome) for outcome in outcomes],
            may_repeat=[outcome.may_repeat for outcome in outcomes],
            requests=[outcome.requests or None for outcome in outcomes],
        )

    def _file_of(self, outcome: Outcome) -> str | None:
        if self._folder is None or outcome.reference is None or outcome.state not in _TAKEN:
            return None
        return str(self._folder.resolve() / outcome.reference)

    def _append(self, delivery_ids: Sequence[Sequence[str]], txn: tuple[str, int] | None, **columns: list[Any]) -> int:
        """Column by column, what deliveries have in common said once: rows as dictionaries would keep the event loop from
        the interpreter for longer. Requests stand on the first row alone, so that they add up.
        """
        count = len(delivery_ids)
        told = {**columns, "destination": [self._destination] * count, "logged_at": [self._stamps.next()] * count}
        places = np.repeat(np.arange(count), list(map(len, delivery_ids)))
        arrays = [pa.array(told.get(field.name, [None] * count), field.type).take(pa.array(places)) for field in _SCHEMA]
        is_first = pa.array(np.diff(places, prepend=-1) > 0)
        arrays[_REQUESTS] = pc.if_else(is_first, arrays[_REQUESTS], pa.scalar(None, arrays[_REQUESTS].type))
        arrays[_ID] = pa.array(list(chain.from_iterable(delivery_ids)), pa.string())
        return self._lake.put(pa.table(arrays, schema=_SCHEMA), ACTIVATION_LOG, "append", txn=txn).rows


_SCHEMA = arrow_schema(ACTIVATION_LOG)
_ID, _REQUESTS = (_SCHEMA.get_field_index(name) for name in ("delivery_id", "requests"))
