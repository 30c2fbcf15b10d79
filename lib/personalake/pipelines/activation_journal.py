"""Claims and outcomes of sending, appended to `gold.activation_log`."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from personalake.activation.clock import Clock
from personalake.activation.delivery import Claimed, Outcome, State
from personalake.lake import Lake, Ledger
from personalake.lake.declared import arrow_schema
from personalake.tables.gold import ACTIVATION_LOG

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)
_STEP = timedelta(microseconds=1)


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
    """The journal of one destination.

    Args:
        lake: The tables.
        destination: Its name.
        stamps: Times of the rows.
    """

    def __init__(self, lake: Lake, destination: str, stamps: Stamps) -> None:
        self._lake = lake
        self._destination = destination
        self._stamps = stamps

    def claim(self, claims: Sequence[Claimed]) -> None:
        """Written before anything of a chunk leaves."""
        self._append(
            [claim.delivery_ids for claim in claims],
            state=[State.IN_FLIGHT.value] * len(claims),
            pack_id=[claim.pack_id for claim in claims],
        )

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Written after a chunk."""
        self._append(
            [outcome.delivery_ids for outcome in outcomes],
            state=[outcome.state.value for outcome in outcomes],
            reason=[outcome.reason for outcome in outcomes],
            pack_id=[outcome.pack_id for outcome in outcomes],
            reference=[outcome.reference for outcome in outcomes],
            may_repeat=[outcome.may_repeat for outcome in outcomes],
            requests=[outcome.requests or None for outcome in outcomes],
        )

    def _append(self, delivery_ids: Sequence[Sequence[str]], **columns: list[Any]) -> None:
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
        self._lake.put(pa.table(arrays, schema=_SCHEMA), ACTIVATION_LOG, "append")


_SCHEMA = arrow_schema(ACTIVATION_LOG)
_ID, _REQUESTS = (_SCHEMA.get_field_index(name) for name in ("delivery_id", "requests"))
