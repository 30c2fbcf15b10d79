"""Writes what changed of each person's attributes: on the driver for few people, by executors for many."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.persons import with_person
from personalake.lake.lake import WriteResult
from personalake.pipelines.job import JobContext
from personalake.profiles.history import GONE, changes
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.journeys import CUSTOMER_PROFILE_HISTORY
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import CONSENT, CUSTOMER_RECORD, DEMOGRAPHICS, PERSON_LINK

# Beyond this many people or records the driver would be busy for seconds.
FEW = 50_000
_BUCKET_OF = 20_000
_TOLD = ("known_at", "source", "record_id")
_ACCOUNT = ("namespace", "customer_id")
_ANSWERED = {CONSENT: ("known_at", "occurred_at", "expires_at"), PREFERENCE: ("known_at", "occurred_at")}
_TIMES = ("valid_from", "valid_to")
_CHANGES = (
    "person_id string, attribute string, value string, valid_from bigint, valid_to bigint, source string, record_id string, "
    "is_gone boolean"
)


def write_history(context: JobContext, few: int = FEW) -> WriteResult:
    """Bring `gold.customer_profile_history` up to the profiles that were just written.

    Args:
        context: What the job is given.
        few: People and records up to which the driver does it.
    """
    ledger = context.lake.ledger
    people = ledger.rows(CUSTOMER_PROFILE)
    if max(people, ledger.rows(CUSTOMER_RECORD)) <= few:
        return context.lake.merge_changes(_on_driver(context), CUSTOMER_PROFILE_HISTORY)
    return context.lake.merge_changes(_by_executors(context, 1 + people // _BUCKET_OF), CUSTOMER_PROFILE_HISTORY)


def _on_driver(context: JobContext) -> pa.Table:
    ledger, names, at = context.lake.ledger, _attributes(context), _midnight(context)
    history = _frame(ledger.arrow(CUSTOMER_PROFILE_HISTORY))
    profiles = _frame(ledger.arrow(CUSTOMER_PROFILE, ["person_id", *names["profile"]]))
    records = ledger.arrow(CUSTOMER_RECORD, [*_ACCOUNT, *_TOLD, *_read_of_records(names)], [("known_at", "<", at)])
    links = _frame(ledger.arrow(PERSON_LINK, ["namespace", "value", "person_id"])).rename(columns={"value": "customer_id"})
    told = _frame(records).merge(links, on=list(_ACCOUNT), how="inner")
    changed = changes(history, profiles, told, at, names, context.settings.identity.survivorship, _answered_at(context))
    return pa.Table.from_pandas(changed, preserve_index=False)


def _by_executors(context: JobContext, buckets: int) -> DataFrame:
    """The same, with persons spread over buckets; times cross as microseconds, which know no session's zone."""
    lake, names, at = context.lake, _attributes(context), _midnight(context)
    survivorship, answered_at = context.settings.identity.survivorship, _answered_at(context)
    bucket = F.pmod(F.xxhash64("person_id"), F.lit(buckets)).alias("bucket")
    micros = {name: F.unix_micros(name) for name in _TIMES}
    history = lake.read(CUSTOMER_PROFILE_HISTORY).withColumns(micros).select("*", bucket)
    profiles = lake.read(CUSTOMER_PROFILE).select("person_id", *names["profile"], F.lit(True).alias("is_profile"))
    records = (
        lake.read(CUSTOMER_RECORD)
        .where(F.col("known_at") < F.lit(at))
        .transform(with_person(lake.read(PERSON_LINK)))
        .select("person_id", *_ACCOUNT, F.unix_micros("known_at").alias("known_at"), *_TOLD[1:], *_read_of_records(names))
    )
    now = profiles.unionByName(records, allowMissingColumns=True).select("*", bucket)

    def of_bucket(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
        is_profile = after["is_profile"].notna()
        told = after[~is_profile].assign(known_at=_instants(after.loc[~is_profile, "known_at"]))
        kept = before.assign(**{name: _instants(before[name]) for name in _TIMES})
        changed = changes(kept, after[is_profile], told, at, names, survivorship, answered_at)
        return changed.assign(**{name: _micros(changed[name]) for name in _TIMES})

    changed = history.groupBy("bucket").cogroup(now.groupBy("bucket")).applyInPandas(of_bucket, _CHANGES)
    return changed.withColumns({name: F.timestamp_micros(name) for name in _TIMES}).select(
        *CUSTOMER_PROFILE_HISTORY.columns, GONE
    )


def _attributes(context: JobContext) -> Mapping[str, Sequence[str]]:
    kept = context.settings.profiles.history
    return {"profile": kept.profile, "records": kept.records}


def _read_of_records(names: Mapping[str, Sequence[str]]) -> list[str]:
    """Attributes of records that are kept, and those that say how much a record tells."""
    return list(dict.fromkeys([*names["records"], *DEMOGRAPHICS]))


def _midnight(context: JobContext) -> datetime:
    return datetime.combine(context.as_of, time(), ZoneInfo(context.settings.business_timezone)).astimezone(UTC)


def _answered_at(context: JobContext) -> datetime:
    """Since when what people answered and wish is as it is now: since the as-of, or the last that came or ended after it."""
    ledger, at, now = context.lake.ledger, _midnight(context), context.run_started_at
    times = [
        pc.max(ledger.arrow(table, [clock], [(clock, ">", at), (clock, "<=", now)])[clock]).as_py()
        for table, clocks in _ANSWERED.items()
        for clock in clocks
    ]
    latest: datetime = max([at, *(time for time in times if time is not None)])
    return latest


def _frame(rows: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = rows.to_pandas(maps_as_pydicts="strict")
    return frame


def _instants(micros: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.to_datetime(micros.astype("Int64"), unit="us", utc=True)


def _micros(instants: "pd.Series[Any]") -> "pd.Series[Any]":
    found = instants.astype("datetime64[us, UTC]").astype("int64").astype("Int64")
    return found.where(instants.notna())
