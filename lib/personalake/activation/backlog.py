"""What is left to send: the outbox beside the log, read in pieces, in the order in which it may leave.

The last row of the log is a delivery's state. None and `pending` may be sent; `in_flight` and `unknown` may have left
before, and come first, request by request.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Protocol, Self

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from personalake.activation.breaker import Volume
from personalake.activation.delivery import Claim, Delivery
from personalake.activation.last_state import KEY, OF_PLANNED, last_states

_SENT = ("delivery_id", "person_id", "operation", "payload", "removal", "purpose", "decision_id", "plan_id")
_LOGGED = ("delivery_id", "state", "logged_at")
_CLAIMS = (*_LOGGED, "pack_id", "reason")
_DONE, _FRESH, _CLAIMED, _UNKNOWN = range(4)
_MARKS = f"""
SELECT n, (CASE
    WHEN state = 'pending' OR (state = 'cancelled' AND logged_at < stands_since) THEN {_FRESH}
    WHEN state = 'in_flight' THEN {_CLAIMED} WHEN state = 'unknown' THEN {_UNKNOWN} ELSE {_DONE} END)::UTINYINT AS mark
FROM planned JOIN told USING (delivery_id) JOIN plan USING (plan_id)
"""
# Since when a delivery is in doubt: after the last row that left nothing open.
_CALM = f"coalesce(max({KEY}) FILTER (log.state NOT IN ('in_flight', 'unknown')), 0) AS calm"
_TOLD = f"CREATE TABLE told AS {last_states(OF_PLANNED, 'max(log.logged_at) AS logged_at', _CALM)}"
_MEMORY = "1GB"
_ROWS = 4_096
Mask = npt.NDArray[np.bool_]


class Rows(Protocol):
    """Rows of a table, the same ones in the same order each time they are read."""

    def reader(self, columns: Sequence[str]) -> pa.RecordBatchReader:
        """The rows, piece by piece."""
        ...


@dataclass(frozen=True)
class Part:
    """One plan's rows of `gold.activation_outbox` for one destination.

    Args:
        plan_id: The plan.
        rows: The rows; the deliveries of a person stand in the order in which they are to leave.
        stands_since: What was cancelled before is open again: the plan had been replaced, and is wanted after all. Null if
            the plan does not stand.
    """

    plan_id: str
    rows: Rows
    stands_since: datetime | None = None


class Backlog:
    """The open deliveries of some plans to one destination; a context, since large ones are laid aside on disk.

    Args:
        plans: One entry for each plan, earlier plans first.
        log: Rows of `gold.activation_log`, all that there are about those plans.
    """

    def __init__(self, plans: Sequence[Part], log: Rows) -> None:
        self._plans = plans
        self._log = log
        self._folder = TemporaryDirectory(prefix="personalake-backlog-")
        self._opened = duckdb.connect(":memory:")
        self._marks = np.empty(0, np.uint8)

    def __enter__(self) -> Self:
        self._opened.execute("SET threads = 1")
        self._opened.execute("SET memory_limit = $1", [_MEMORY])
        self._opened.execute("SET temp_directory = $1", [self._folder.name])
        self._opened.execute("SET enable_progress_bar = false")
        self._opened.execute("SET TimeZone = 'UTC'")
        self._lay_out()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._opened.close()
        self._folder.cleanup()

    def volume(self, is_held: Callable[[Delivery], bool]) -> Volume:
        """How much is about to leave; `is_held` as for `deliveries`."""
        fresh = self._marks == _FRESH
        removals, start = 0, 0
        for batch in self._batches(("removal",)):
            removals += sum(map(bool, batch.filter(pa.array(fresh[start : start + len(batch)])).column(0).to_pylist()))
            start += len(batch)
        claimed, held = 0, 0
        for delivery in self._claimed(is_held):
            claimed += 1
            stays = is_held(delivery)
            held += stays
            removals += delivery.removal and not stays
        return Volume(int(fresh.sum()) + claimed, removals, held=held)

    @property
    def planned(self) -> int:
        """Deliveries of these plans, whatever their state."""
        return len(self._marks)

    def deliveries(self, is_held: Callable[[Delivery], bool]) -> Iterator[Delivery]:
        """What is to be sent, or said to be unknown, in order.

        Args:
            is_held: Whether a delivery that is known to be unknown stays so; then nothing more is said of it.
        """
        return chain(self._claimed(is_held), self._fresh())

    def doubtful(self) -> Iterator[Delivery]:
        """What may have left, request by request."""
        return self._claimed(lambda delivery: False)

    def _fresh(self) -> Iterator[Delivery]:
        start = 0
        for batch in self._batches(_SENT):
            fresh = pa.array(self._marks[start : start + len(batch)] == _FRESH)
            start += len(batch)
            yield from (_delivery(*row) for row in _rows(batch.filter(fresh)))

    def _claimed(self, is_held: Callable[[Delivery], bool]) -> Iterator[Delivery]:
        reader = self._opened.cursor().sql("SELECT * FROM doubtful ORDER BY pack_id, n").to_arrow_reader(_ROWS)
        for batch in reader:
            for *row, _, state, pack_id, claimed_at, doubt in _rows(batch):
                delivery = replace(_delivery(*row), claim=Claim(pack_id or "", claimed_at.astimezone(UTC), doubt))
                if state == "in_flight" or not is_held(delivery):
                    yield delivery

    def _lay_out(self) -> None:
        """Mark each row of the outbox, and put aside those that may have left before."""
        run = self._opened
        self._take("planned", _schema(("delivery_id", "plan_id", "n")), self._numbered(("delivery_id", "plan_id")))
        self._marks = np.full(run.execute("SELECT count(*) FROM planned").fetchall()[0][0], _FRESH, np.uint8)
        self._read_log(_LOGGED)
        run.execute("CREATE TABLE plan (plan_id VARCHAR, stands_since TIMESTAMPTZ)")
        run.executemany("INSERT INTO plan VALUES ($1, $2)", [[plan.plan_id, plan.stands_since] for plan in self._plans])
        run.execute(_TOLD)
        for batch in run.sql(_MARKS).to_arrow_reader(1 << 16):
            self._marks[batch.column(0).to_numpy()] = batch.column(1).to_numpy()
        run.execute("DROP TABLE planned")
        self._put_aside()

    def _put_aside(self) -> None:
        """What may have left, with its last claim, and since when it is in doubt: since it last was certainly not there."""
        run = self._opened
        self._take("aside", _schema((*_SENT, "n")), self._numbered(_SENT, self._marks >= _CLAIMED))
        self._read_log(_CLAIMS)
        run.execute(
            f"""
            CREATE TABLE doubtful AS SELECT aside.*, claim.* EXCLUDE (delivery_id) FROM aside JOIN (
                SELECT delivery_id, any_value(told.state) AS state,
                    arg_max(log.pack_id, {KEY}) AS pack_id, min(log.logged_at) AS claimed_at,
                    arg_max_null(log.reason, {KEY}) AS doubt
                FROM log JOIN told USING (delivery_id)
                WHERE told.state IN ('in_flight', 'unknown') AND {KEY} > calm
                GROUP BY delivery_id
            ) AS claim USING (delivery_id)
            """
        )
        run.execute("DROP TABLE aside")
        run.execute("DROP TABLE told")

    def _numbered(self, columns: Sequence[str], chosen: Mask | None = None) -> Iterator[pa.RecordBatch]:
        """Rows of the outbox with their numbers, all or the chosen ones."""
        start = 0
        for batch in self._batches(columns):
            numbers = np.arange(start, start + len(batch))
            start += len(batch)
            if chosen is None or chosen[numbers].any():
                numbered = batch.append_column("n", pa.array(numbers))
                yield numbered if chosen is None else numbered.filter(pa.array(chosen[numbers]))

    def _take(self, table: str, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        reader = pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches))
        self._opened.register("taken", reader)
        self._opened.execute(f"CREATE TABLE {table} AS SELECT * FROM taken")
        self._opened.unregister("taken")

    def _read_log(self, columns: Sequence[str]) -> None:
        """Let the next query read the log, once."""
        self._opened.register("log", self._log.reader(columns))

    def _batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        for plan in self._plans:
            yield from plan.rows.reader(columns)


def _schema(columns: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, {"removal": pa.bool_(), "n": pa.int64()}.get(name, pa.string())) for name in columns])


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _delivery(
    delivery_id: str,
    person_id: str,
    operation: str,
    payload: str,
    removal: bool | None,
    purpose: str | None,
    decision_id: str | None,
    plan_id: str,
) -> Delivery:
    purposes = tuple(purpose.split(",")) if purpose else ()
    return Delivery(delivery_id, person_id, operation, payload, bool(removal), None, purposes, decision_id, plan_id)
