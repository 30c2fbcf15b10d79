"""A plan of few rows, brought to the driver: counted, remembered and made ready to leave, in milliseconds.

The same as `counted`, `audience_rows` and `outbox_rows` say of rows in Spark, which needs a good part of a second for each
of them, however few the rows.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from personalake.activation.syncs.counts import Counts, of_groups
from personalake.activation.syncs.diff import DELIVERED, REFUSED, REJECTED_BEFORE, REMOVED
from personalake.tables.gold import ACTIVATION_OUTBOX

ROW_HASH = "row_hash"
_LEAVES = f"change IN {DELIVERED}"
_COUNTED = f"""
SELECT change, refusal, is_wanted, is_held, count(*) AS rows, sum(strlen(payload)) AS bytes,
    sum("values") FILTER ({_LEAVES}) AS values, count(DISTINCT payload_hash) FILTER ({_LEAVES}) AS contents,
    bit_xor({ROW_HASH}) FILTER ({_LEAVES}) AS either, sum({ROW_HASH}::HUGEINT) FILTER ({_LEAVES}) AS sum,
    count(pending_hash) AS pending, count(*) FILTER ({_LEAVES} AND pending_hash = payload_hash) AS repeated,
    sum(stale) AS stale
FROM planned GROUP BY change, refusal, is_wanted, is_held
"""
_AUDIENCE = f"""
SELECT person_id, sync_key, payload_hash, CASE WHEN NOT is_wanted THEN refusal END AS refusal, is_wanted
FROM planned WHERE is_wanted OR (change = '{REFUSED}' AND refusal <> '{REJECTED_BEFORE}')
"""


def few_counted(planned: pa.Table, rest: Sequence[Mapping[str, Any]] = ()) -> Counts:
    """Count a plan.

    Args:
        planned: Rows of `with_payloads`, with `values`, and `row_hash` as `counts.row_hash` makes it.
        rest: Groups of rows that stand as they are, and were not looked at.
    """
    with _beside(planned) as opened:
        found = opened.execute(_COUNTED)
        names = [column[0] for column in found.description]
        return of_groups([*(dict(zip(names, group, strict=True)) for group in found.fetchall()), *rest])


def few_of_audience(planned: pa.Table) -> pa.Table:
    """What a plan made of each person of the audience that it looked at, as `audience_rows` says it."""
    with _beside(planned) as opened:
        return opened.sql(_AUDIENCE).to_arrow_table()


def few_to_outbox(planned: pa.Table, plan_id: str, sync: str, destination: str, operation: str, as_of: date) -> pa.Table:
    """Deliveries of a plan as rows of `gold.activation_outbox`, see `outbox_rows`."""
    leaving = planned.filter(pc.is_in(planned["change"], pa.array(DELIVERED)))
    keys = leaving["sync_key"].to_pylist()
    told = {"destination": destination, "operation": operation, "as_of": as_of, "plan_id": plan_id, "sync": sync}
    columns: dict[str, Any] = {name: pa.repeat(pa.scalar(value), leaving.num_rows) for name, value in told.items()}
    columns["delivery_id"] = pa.array([_delivery_id(plan_id, key, operation) for key in keys], pa.string())
    columns["removal"] = pc.equal(leaving["change"], REMOVED)
    return pa.table({name: columns[name] if name in columns else leaving[name] for name in ACTIVATION_OUTBOX.columns})


def _delivery_id(plan_id: str, key: str, operation: str) -> str:
    return hashlib.sha256(f"{plan_id}|{key}|{operation}".encode()).hexdigest()[:40]


def _beside(planned: pa.Table) -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect(":memory:")
    opened.register("planned", planned)
    return opened
