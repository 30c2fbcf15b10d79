"""Counts, on the known world, in whom a purchase by card and a visit end in one person, and why not in the others.

`python -m benchmarks.meeting --people 1500`: tills and web shop go straight to silver, beside the records; then identities
are resolved. Asked: of those whose data hold a bridge of shared identifiers all have met, but for whom a guard refused.
"""

import argparse
import json
import shutil
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.config import Settings, load_settings
from personalake.config.settings import SparkSettings
from personalake.identity.meetings import meetings
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.parsing import parse
from personalake.lake import Lake, Locations
from personalake.pipelines import resolve_identities
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.session import get_session
from personalake.tables import Table
from personalake.tables.identity import IDENTITY_GUARD, MATCH_RECORD
from personalake.tables.silver import CUSTOMER_RECORD, ORDER_LINE, PERSON_LINK
from personalake.tables.touchpoints import INTERACTION
from personalake.world import World, WorldSettings, world
from personalake.world.everyone import everyone
from personalake.world.records import records

SIDES = ("pos_sales", "web_events")


def fill(lake: Lake, settings: Settings, drawn: World, feeds: tuple[str, ...] = SIDES) -> None:
    """The records of a world and some of its feeds as rows of silver, without dirt and without the detour through files."""
    landed = {"source_file": F.lit("f"), "ordinal": F.lit(1), "landed_at": F.lit(drawn.settings.end).cast("timestamp")}
    for name in feeds:
        source = settings.sources[name]
        contract = CONTRACTS[source.contract]
        payload = drawn.feeds[name].rows.select(F.to_json(F.struct("*")).alias("payload"))
        arrived = payload.withColumns({"source": F.lit(name), **landed})
        rows = arrived.transform(parse(name, source, contract)).where(F.size("reasons") == 0)
        lake.append(rows.transform(_as(contract.table)), contract.table)
    own_key = {"namespace": F.col("source"), "customer_id": F.col("record_id"), "known_at": F.col("recorded_at")}
    told = records(lake.spark, drawn.settings).withColumns(own_key)
    lake.append(told.transform(_as(CUSTOMER_RECORD)), CUSTOMER_RECORD)


def _as(table: Table) -> Transformation:
    def complete(rows: DataFrame) -> DataFrame:
        absent = {field.name: F.lit(None).cast(field.data_type) for field in table.fields if field.name not in rows.columns}
        return rows.withColumns(absent).select(*table.columns)

    return complete


def met(lake: Lake, sessions: "pd.Series[int]", orders: "pd.Series[int]", owners: "pd.Series[int]") -> pd.DataFrame:
    """What became of each person with both a purchase by card and a visit, see `meetings`.

    Args:
        lake: A lake in which identities are resolved.
        sessions: Session id: whose it truly is.
        orders: Order id: whose.
        owners: Record id: whose.
    """
    links = _frame(lake, PERSON_LINK).set_index(["namespace", "value"])["person_id"]
    lines = _frame(lake, ORDER_LINE).query("customer_id.notna() and is_return != True and namespace == 'loyalty_id'")
    bought = pd.DataFrame({"person": lines["order_id"].map(orders), "loyalty_id": lines["customer_id"]}).drop_duplicates()
    visits = _frame(lake, INTERACTION).rename(columns={"customer_id": "login"})
    visits = visits.assign(person=visits["session_id"].map(sessions))[["person", "login", "cookie_id"]].drop_duplicates()
    pairs = zip(visits["login"], visits["cookie_id"], strict=True)
    keys = [("login", login) if login else ("cookie_id", cookie) for login, cookie in pairs]
    known = _frame(lake, MATCH_RECORD)
    told = known.assign(person=known["record_key"].str.split(":").str[1].map(owners)).dropna(subset="person")
    seen_together = known[~known.index.isin(told.index)].merge(visits, on=["login", "cookie_id"])
    # A card that no record holds is nobody else's.
    cards = [("loyalty_id", card) for card in bought["loyalty_id"]]
    return meetings(
        bought.assign(person_id=[links.get(card, str(card)) for card in cards]),
        visits.assign(person_id=[links[key] for key in keys]),
        pd.concat([told, seen_together]),
        _frame(lake, IDENTITY_GUARD),
    )


def _frame(lake: Lake, table: Table) -> pd.DataFrame:
    return lake.ledger.arrow(table).to_pandas(maps_as_pydicts="strict")


def whose(truth: DataFrame, key: str) -> "pd.Series[int]":
    """The person of each key of a table of truth."""
    return truth.select(key, "person").distinct().toPandas().set_index(key)["person"]


def main() -> None:
    """Draw, fill, resolve, count."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_500, help="people of the world")
    parser.add_argument("--days", type=int, default=21, help="days of the world")
    chosen = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="personalake-meeting-"))
    spark = get_session(SparkSettings(driver_memory="2g", shuffle_partitions=4), folder / "spark.log")
    told = WorldSettings(people=chosen.people, days=chosen.days)
    settings = load_settings("world", overrides={"root": str(folder / "lake")}, environ={})
    drawn = world(spark, told, everyone(spark, told).localCheckpoint())
    lake = Lake(Locations(settings.root), lambda: spark)
    fill(lake, settings, drawn)
    as_of = told.end + timedelta(days=2)
    started = time.perf_counter()
    resolve_identities.run(JobContext(settings, lake, as_of, as_of, "bench", {}, Progress()))
    seconds = time.perf_counter() - started
    keys = {"session": "session_id", "order": "order_id", "record": "record_id"}
    found = met(lake, *(whose(drawn.truth[name], key) for name, key in keys.items()))
    for bridge, rows in found.groupby("bridge"):
        outcomes = rows["outcome"].value_counts().to_dict()
        print(json.dumps({"measure": "meeting", "bridge": bridge, "people": len(rows), **outcomes}))
    asked = found[(found["bridge"] == "shared identifiers") & ~found["outcome"].str.startswith("guard")]
    share = float((asked["outcome"] == "met").mean())
    print(json.dumps({"measure": "meeting", "met_of_those_bridged": share, "asked": 1.0, "seconds": round(seconds, 1)}))
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
