"""The floor: a bare PySpark script that does the suite's work on the same landing files, and nothing beside it.

No contracts, no quarantine, no reasons, no ledgers, no registry, no calibration, no intervals, no consent checks at the
moment of sending. Same streams, as-ofs, candidates, numbers of fits, models and exports. What is arithmetic and no
bookkeeping (features in one pass, the item models) is taken from the rooms, so that both fit the very same things.
"""

import itertools
import json
import sys
import time
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from pyspark.ml.clustering import KMeans
from pyspark.ml.evaluation import BinaryClassificationEvaluator
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from sklearn.cluster import KMeans as TrialKMeans

from personalake.config.modelling import ChurnSettings
from personalake.config.recommending import RecommenderSettings
from personalake.models.candidates import fit_candidate, with_class_weight, with_inputs
from personalake.models.folds import training_plan
from personalake.models.labels import with_churn_label
from personalake.pipelines.item_purchases import taken
from personalake.pipelines.recommender_training import Training
from personalake.profiles.features import customer_features
from personalake.recommenders.contest import best_of, splits_before
from personalake.recommenders.interactions import day_number, history
from personalake.recommenders.items import assortment, item_table
from personalake.recommenders.listing import listing
from personalake.recommenders.scoring import LISTED
from personalake.segments.clusters import silhouette
from personalake.session import get_session

AS_OF = date(2017, 12, 1)
ORDER = (
    "message_id string, household_id string, basket_id string, product_id string, store_id string, quantity int, "
    "sales_value decimal(18,2), retail_disc decimal(18,2), coupon_disc decimal(18,2), coupon_match_disc decimal(18,2), "
    "occurred_at timestamp, sent_at timestamp"
)
CONSENT = "consent_id string, household_id string, purpose string, status string, occurred_at timestamp"
REDEMPTION = "redemption_id string, household_id string, coupon_upc string, campaign_id string, redemption_date string"
CUSTOMER = (
    "household_id string, age string, income string, home_ownership string, marital_status string, household_size string, "
    "household_comp string, kids_count string"
)


class Floor:
    """The script's steps, each timed."""

    def __init__(self, landing: Path, root: Path) -> None:
        self.landing, self.root = landing, root
        self.seconds: dict[str, float] = {}
        self.spark: SparkSession = self.timed("session", get_session)

    def timed(self, name, work):
        started = time.perf_counter()
        result = work()
        self.seconds[name] = round(time.perf_counter() - started, 2)
        return result

    def path(self, name: str) -> str:
        return str(self.root / name)

    def stream(self, source: str, kind: str, schema: str | None = None, **options: str) -> None:
        """One landing folder to one bronze table."""
        reader = self.spark.readStream.format(kind).options(maxFileAge="36500d", recursiveFileLookup="true", **options)
        if kind == "parquet":
            first = next((self.landing / source).rglob("*.parquet"))
            reader = reader.schema(self.spark.read.parquet(str(first)).schema)
        elif schema is not None:
            reader = reader.schema(schema)
        rows = reader.option("pathGlobFilter", f"*.{ {'text': 'json', 'csv': 'csv'}.get(kind, kind) }")
        writer = rows.load(str(self.landing / source)).writeStream.format("delta").trigger(availableNow=True)
        writer.option("checkpointLocation", self.path(f"_checkpoints/{source}")).start(
            self.path(f"bronze/{source}")
        ).awaitTermination()

    def bronze(self) -> None:
        self.stream("orders", "text")
        self.stream("customers", "csv", CUSTOMER, header="true")
        self.stream("catalog", "parquet")
        self.stream("redemptions", "text")
        self.stream("consent", "text")

    def read(self, name: str) -> DataFrame:
        return self.spark.read.format("delta").load(self.path(name))

    def write(self, rows: DataFrame, name: str) -> None:
        rows.write.format("delta").mode("overwrite").save(self.path(name))

    def silver(self) -> None:
        raw = self.read("bronze/orders").select(F.inline(F.array(F.from_json("value", ORDER))))
        lines = raw.where("quantity > 0 AND product_id IS NOT NULL AND basket_id IS NOT NULL AND occurred_at IS NOT NULL")
        self.write(lines.dropDuplicates(["basket_id", "product_id"]), "silver/order_line")
        for name, schema, key in (("consent", CONSENT, "consent_id"), ("redemptions", REDEMPTION, "redemption_id")):
            rows = self.read(f"bronze/{name}").select(F.inline(F.array(F.from_json("value", schema))))
            self.write(rows.dropDuplicates([key]), f"silver/{name}")
        self.write(self.read("bronze/customers").where("household_id IS NOT NULL").dropDuplicates(), "silver/customers")
        self.write(self.read("bronze/catalog").dropDuplicates(["product_id"]), "silver/catalog")

    def lines(self) -> DataFrame:
        """Order lines in the columns that the rooms' functions expect; the household is the person."""
        return self.read("silver/order_line").select(
            F.col("household_id").alias("person_id"), F.col("basket_id").alias("order_id"), "product_id",
            F.lit(False).alias("is_return"), "occurred_at", F.col("sent_at").alias("known_at"), "sales_value", "store_id",
        )  # fmt: skip

    def features(self) -> None:
        as_ofs = sorted({*training_plan(AS_OF, ChurnSettings()).as_ofs, AS_OF})
        self.write(customer_features(self.lines(), as_ofs), "gold/feature")

    def profiles(self) -> None:
        known = self.lines().where((F.col("occurred_at") < F.lit(AS_OF)) & (F.col("known_at") < F.lit(AS_OF)))
        catalog = self.read("silver/catalog").select("product_id", "product_category")
        liked = known.join(F.broadcast(catalog), "product_id").groupBy("person_id", "product_category")
        liked = liked.agg(F.count_distinct("order_id").alias("n")).groupBy("person_id")
        favourite = liked.agg(F.max_by("product_category", "n").alias("favourite_category"))
        totals = known.groupBy("person_id").agg(
            F.count_distinct("order_id").alias("orders"), F.count("*").alias("lines"), F.sum("sales_value").alias("spend"),
            F.min("occurred_at").alias("first_at"), F.max("occurred_at").alias("last_at"),
        )  # fmt: skip
        self.write(totals.join(favourite, "person_id", "left"), "gold/profile")

    def segments(self) -> None:
        profiles = self.read("gold/profile").withColumns(
            {
                "recency": F.log1p(F.date_diff(F.lit(AS_OF), "last_at")),
                "frequency": F.log1p("orders"),
                "monetary": F.log1p(F.col("spend").cast("double")),
            }
        )
        raw = VectorAssembler(inputCols=["recency", "frequency", "monetary"], outputCol="raw").transform(profiles).cache()
        scaled = StandardScaler(inputCol="raw", outputCol="features", withMean=True).fit(raw).transform(raw).cache()
        points = np.array([row["features"].toArray() for row in scaled.select("features").collect()])
        trials = [TrialKMeans(k, n_init=3, max_iter=20, random_state=17).fit(points) for k in range(3, 9)]
        chosen = max(trials, key=lambda trial: silhouette(points, trial.cluster_centers_))
        best = KMeans(k=chosen.n_clusters, seed=17, maxIter=20, initSteps=2).fit(scaled)
        quintiles = [F.ntile(5).over(_by(name)).alias(name[0]) for name in ("recency", "frequency", "monetary")]
        self.write(best.transform(scaled).select("person_id", "prediction", *quintiles), "gold/segment")

    def churn(self) -> None:
        settings = ChurnSettings()
        plan = training_plan(AS_OF, settings)
        features = self.read("gold/feature").where(F.col("as_of").isin(list(plan.as_ofs))).drop("definition")
        rows = with_inputs(features.transform(with_churn_label(self.lines(), settings.horizon_days, plan.as_ofs)), 2).cache()
        rows.count()
        earlier = with_class_weight(rows.where(F.col("as_of").isin(list(plan.earlier))), 0.17).cache()
        held_out = rows.where(F.col("as_of") == F.lit(plan.validation)).cache()
        judge = BinaryClassificationEvaluator(labelCol="label", rawPredictionCol="rawPrediction")
        tried = []
        for kind, candidate in sorted(settings.candidates.items()):
            points = itertools.islice(itertools.product(*candidate.space.values()), candidate.trials)
            for values in points:
                params = dict(zip(candidate.space, values, strict=True))
                model = fit_candidate(earlier, kind, params, 17)
                tried.append((judge.evaluate(model.transform(held_out)), kind, params))
        _, kind, params = max(tried, key=lambda each: each[0])
        training = with_class_weight(rows.where(F.col("as_of").isin(list(plan.training))), 0.17).cache()
        model = fit_candidate(training, kind, params, 17)
        test = judge.evaluate(model.transform(rows.where(F.col("as_of") == F.lit(plan.test))))
        sys.stderr.write(f"floor: churn by {kind}, ROC-AUC {test:.4f}\n")
        now = with_inputs(self.read("gold/feature").where(F.col("as_of") == F.lit(AS_OF)).withColumn("label", F.lit(0.0)), 1)
        scored = model.transform(now).select("person_id", vector_to_array("probability")[1].alias("probability"))
        self.write(scored, "gold/prediction")

    def items(self) -> None:
        """The same candidates, fitted and ranked the same number of times; the numbers are the rooms'."""
        settings = RecommenderSettings()
        known = self.lines().where((F.col("occurred_at") < F.lit(AS_OF)) & (F.col("known_at") < F.lit(AS_OF)))
        catalog = self.read("silver/catalog")
        rows = known.join(F.broadcast(catalog.select("product_id")), "product_id", "left_semi")
        bought = taken(rows.withColumn("order_key", F.xxhash64("order_id")))
        levels = catalog.select(
            "product_id", F.col("product_type").alias("name"), "department", F.col("product_category").alias("category"),
            "product_type", F.lit(0).alias("known_at"), F.lit("").alias("record_id"),
        )  # fmt: skip
        described = assortment(bought.product_ids, levels.toPandas())
        training = Training(bought, described, settings, SimpleNamespace(spark=self.spark))
        splits = splits_before(AS_OF, settings.label_days)
        chosen = best_of(training.contest(splits.selection))
        tested = training.contest(splits.test)[chosen]
        packed = training.refitted(chosen, AS_OF)
        sys.stderr.write(f"floor: items by {chosen}, { ({slot: float(v.main.mean()) for slot, v in tested.items()}) }\n")
        past = history(bought, day_number(AS_OF), packed.recipe)
        items = item_table(past, described, packed.recipe)
        lists = listing(packed.recommender, past, items, bought.person_ids, packed.recipe)
        self.write(self.spark.createDataFrame(lists, LISTED), "gold/recommendation")

    def export(self) -> None:
        best = self.read("gold/recommendation").where("rank = 1 AND slot = 'all_items'").select("person_id", "product_id")
        answers = self.read("silver/consent").groupBy("household_id", "purpose")
        granted = answers.agg(F.max_by("status", "occurred_at").alias("status")).where("status = 'granted'")
        asked = granted.where("purpose = 'email_marketing'").select(F.col("household_id").alias("person_id"))
        people = self.read("gold/profile").join(self.read("gold/prediction"), "person_id").join(asked, "person_id")
        decided = people.join(best, "person_id", "left").withColumn(
            "action", F.when(F.col("probability") > 0.5, "win_back_coupon").otherwise("next_best_item")
        )
        self.write(decided, "gold/decision")
        rows = [row.asDict() for row in self.read("gold/decision").orderBy("person_id").collect()]
        out = self.root / "exports"
        out.mkdir(exist_ok=True)
        for name in ("segment.json", "braze.json", "email.csv"):
            (out / name).write_text("\n".join(json.dumps(row, default=str) for row in rows))


def _by(column: str):
    from pyspark.sql.window import Window

    return Window.partitionBy(F.lit(1)).orderBy(column, "person_id")


def main() -> None:
    """Run every step, and print their seconds as the last line of JSON."""
    floor = Floor(Path(sys.argv[1]), Path(sys.argv[2]))
    for step in ("bronze", "silver", "features", "profiles", "segments", "churn", "items", "export"):
        floor.timed(step, getattr(floor, step))
        sys.stderr.write(f"floor: {step} {floor.seconds[step]:.1f} s\n")
    print(json.dumps(floor.seconds))


if __name__ == "__main__":
    main()
