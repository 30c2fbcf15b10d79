"""Which customer records came and which left since the run before; those that came are standardised, a few without Spark."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from personalake.config.identity import FIELDS, IdentitySettings
from personalake.identity.few_records import FewRecords
from personalake.identity.records import RecordColumns, match_records, record_columns, seen_together, spelling
from personalake.lake import Lake
from personalake.lake.declared import arrow_schema
from personalake.lake.direct import frame_of
from personalake.lake.scan import Scan
from personalake.lake.since import Since, since
from personalake.pipelines.job import JobContext
from personalake.tables.identity import MATCH_RECORD, RESOLUTION
from personalake.tables.silver import CUSTOMER_RECORD
from personalake.tables.touchpoints import INTERACTION

# What a record is made of; read of new records only.
_TOLD = ("source", "record_id", "namespace", "customer_id", "known_at", *FIELDS)
_WHOLE_FILE = 1 << 20
# For fewer records it takes longer to compile what is done with them.
_FEW = 1_000
_PARTS = 64
# Beyond so many, Spark has made its plans before Python is through.
_FEW_WITHOUT_SPARK = 20_000


@dataclass(frozen=True)
class Arrivals:
    """Rows of `silver.match_record`, sorted by what became of them.

    Args:
        new: Those of records that came.
        kept: Those that stay.
        gone: Those whose record is no longer there.
        is_rebuilt: True if all are new, because there were none, or they are spelled otherwise now.
        state: Which state of `silver.customer_record` was looked at; null if the next run has to look at all of it.
    """

    new: pa.Table
    kept: pa.Table
    gone: pa.Table
    is_rebuilt: bool
    state: str | None


def arrivals(context: JobContext, beside: Executor, begin: Callable[[], None]) -> Arrivals:
    """Compare the records that are there with those of the run before.

    Args:
        context: The run.
        beside: Where to work while Spark does.
        begin: Called as soon as it is known that new records came, and before they are standardised.
    """
    settings, lake = context.settings.identity, context.lake
    visits = seen_together(lake.read(INTERACTION), settings) if lake.ledger.rows(INTERACTION) else None
    files = since(lake.ledger, CUSTOMER_RECORD, _state(lake) if visits is None else None)
    state = files.state if visits is None else None
    reading = beside.submit(lake.ledger.arrow, MATCH_RECORD)
    few, columns = FewRecords.of(settings), None
    if files.come and not files.is_whole:
        begin()
        columns = _columns(lake, settings) if few is None else None
    before = reading.result()
    if not before.num_rows or pc.unique(before["spelling"]).to_pylist() != [spelling(settings)]:
        told = match_records(lake.read(CUSTOMER_RECORD), settings)
        told = told if visits is None else told.unionByName(visits)
        nothing = before.slice(0, 0)
        return Arrivals(_arrow(told, before.schema), nothing, nothing, True, state)
    known = before["record_key"].combine_chunks()
    here, unseen = _unseen(files, known)
    stays_here = beside.submit(_stays, files, known, here)
    new = before.slice(0, 0)
    if unseen.num_rows:
        begin()
        made, left = _without_spark(few, unseen, before.schema)
        by_spark = [_arrow(match_records(_frame(lake, left), settings, columns), before.schema)] if left.num_rows else []
        new = pa.concat_tables([made, *by_spark])
    stays = stays_here.result()
    if visits is not None:
        seen = _arrow(visits, before.schema)
        stays = pc.or_(stays, pc.is_in(known, seen["record_key"].combine_chunks()))
        new = pa.concat_tables([new, seen.filter(pc.invert(pc.is_in(seen["record_key"], known)))])
    gone = before.filter(pc.invert(stays))
    return Arrivals(new, before.filter(stays) if gone.num_rows else before, gone, False, state)


def _without_spark(few: FewRecords | None, rows: pa.Table, schema: pa.Schema) -> tuple[pa.Table, pa.Table]:
    """Rows of `silver.match_record` of those records that are few and plain, and the other records."""
    if few is None or rows.num_rows > _FEW_WITHOUT_SPARK:
        return schema.empty_table(), rows
    is_known = few.known(rows)
    return few.standardised(rows.filter(is_known)).cast(schema), rows.filter(pc.invert(is_known))


def _state(lake: Lake) -> str | None:
    """Which records the run before has looked at; null if what came of them has been changed by anybody since."""
    runs = lake.ledger.read(RESOLUTION, ("records", "records_state", "resolved_at"))
    rows = lake.ledger.rows(MATCH_RECORD)
    latest = max(runs, key=lambda row: row["resolved_at"], default=None)
    return latest["records_state"] if latest is not None and latest["records"] == rows else None


def _unseen(files: Since, known: pa.Array) -> tuple[pa.Array, pa.Table]:
    """Keys of the records in files that came, and those records whose keys are not known yet.

    Of files in which nothing is new no more than the keys are read.
    """
    own = [_keys([part]) for part in files.come]
    keys = pa.concat_arrays([pa.array([], pa.string()), *own])
    # All that is known is many, and what came is few, as a rule: the few are hashed first.
    is_new = pc.invert(pc.is_in(keys, known.filter(pc.is_in(known, keys))))
    rows, start = [arrow_schema(CUSTOMER_RECORD, _TOLD).empty_table()], 0
    for part, held in zip(files.come, own, strict=True):
        chosen = is_new.slice(start, len(held))
        start += len(held)
        if pc.any(chosen).as_py():
            rows.append(_read([part], _TOLD).filter(chosen))
    return keys, pa.concat_tables(rows)


def _stays(files: Since, known: pa.Array, here: pa.Array) -> pa.Array:
    """Which of the known records are still there, wherever they lie now."""
    if files.is_whole:
        return pc.is_in(known, here)
    left = _keys(files.left)
    return pc.invert(pc.is_in(known, left.filter(pc.invert(pc.is_in(left, here)))))


def _keys(files: Sequence[Scan]) -> pa.Array:
    """Keys of `silver.match_record` of the records in some files."""
    own = _read(files, ("source", "record_id"))
    return pc.binary_join_element_wise(own["source"], own["record_id"], ":").combine_chunks()


def _read(files: Sequence[Scan], columns: Sequence[str]) -> pa.Table:
    empty = arrow_schema(CUSTOMER_RECORD, columns).empty_table()
    return pa.concat_tables([empty, *(part.reader(columns, _WHOLE_FILE).read_all() for part in files)])


def _columns(lake: Lake, settings: IdentitySettings) -> RecordColumns:
    """What is done with new records; made in a session, which may have to be started for it."""
    assert lake.spark is not None
    return record_columns(settings)


def _frame(lake: Lake, rows: pa.Table) -> DataFrame:
    """Records that are here in Spark, which works out while it plans, uncompiled, what it takes for constants of a query."""
    frame = frame_of(lake.spark, rows)
    return frame.coalesce(_PARTS) if rows.num_rows > _FEW else frame


def _arrow(rows: DataFrame, schema: pa.Schema) -> pa.Table:
    return rows.toArrow().cast(schema)
