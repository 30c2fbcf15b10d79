"""Ranks items for each person with the champion, or by popularity, into `gold.recommendation`."""

import math

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.pipelines.consenting import Consenting, consenting, forget_others
from personalake.pipelines.item_purchases import purchases_on_driver, read_catalogue, read_purchases_of_everyone
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.recommender_training import champion_of
from personalake.recommenders.interactions import day_number, history
from personalake.recommenders.items import assortment, item_table
from personalake.recommenders.listing import listing
from personalake.recommenders.popularity import Popularity
from personalake.recommenders.purchases import item_counts
from personalake.recommenders.ranking import Recommender
from personalake.recommenders.recipe import Recipe
from personalake.recommenders.scoring import LISTED, in_batches, items_of
from personalake.recommenders.serving import unpack
from personalake.tables.gold import RECOMMENDATION
from personalake.tables.silver import ORDER_LINE, PERSON_LINK
from personalake.tracking import Champion, Tracker


def run(context: JobContext) -> JobResult:
    """Lists of all items and of new ones for each person known at the as-of who allows it."""
    lake = context.lake
    lines = lake.ledger.rows(ORDER_LINE)
    if not lines:
        return JobResult(skipped=True, message="no order lines yet; nothing to recommend")
    champion = champion_of(Tracker(context.settings, lake.locations.root))
    recommender, recipe = _opened(champion, Recipe(**context.settings.recommender.recipe.model_dump()))
    allowed = consenting(context, [context.settings.recommender.purpose])
    withdrawn = forget_others(context, RECOMMENDATION, allowed)
    with context.progress.step(f"ranking items by {recommender.name}"):
        few = lines <= context.settings.recommender.driver_interactions
        lists = (_on_driver if few else _by_spark)(context, allowed, recommender, recipe)
        rows = _declared(lists, context, champion)
        written = lake.replace_as_of(rows, RECOMMENDATION, context.as_of)
    by = f"{recommender.name} version {champion.version}" if champion else "popularity, as no champion serves yet"
    left_out = len(allowed.others(lake.ledger, PERSON_LINK))
    message = f"{written.rows:,} items recommended by {by}{allowed.told(left_out, withdrawn)}"
    return JobResult(lines, message=message, figures={"without_consent": left_out})


def _opened(champion: Champion | None, recipe: Recipe) -> tuple[Recommender, Recipe]:
    if champion is None:
        return Popularity(recipe.list_length), recipe
    packed = unpack(champion.artifact("."))
    return packed.recommender, packed.recipe


def _on_driver(context: JobContext, allowed: Consenting, recommender: Recommender, recipe: Recipe) -> DataFrame:
    """Lists made on the driver: less than half the time of Spark's workers while the purchases fit there."""
    bought = purchases_on_driver(context.lake, context.as_of, context.settings.business_timezone, allowed, everyone=True)
    past = history(bought, day_number(context.as_of), recipe)
    items = item_table(past, assortment(bought.product_ids, read_catalogue(context.lake, context.as_of)), recipe)
    lists = listing(recommender, past, items, bought.person_ids, recipe)
    return context.lake.spark.createDataFrame(lists, LISTED)


def _by_spark(context: JobContext, allowed: Consenting, recommender: Recommender, recipe: Recipe) -> DataFrame:
    """Lists made by Spark's workers, in batches of people; only counts per item come to the driver."""
    lake, settings = context.lake, context.settings.recommender
    rows = read_purchases_of_everyone(lake, context.as_of, allowed)
    counts = item_counts(rows, context.as_of, recipe.popular_days, recipe.trend_days).toPandas()
    items = items_of(counts, read_catalogue(lake, context.as_of))
    batches = math.ceil(lake.ledger.rows(ORDER_LINE) / settings.batch_interactions)
    return in_batches(rows, recommender, items, context.as_of, recipe, batches)


def _declared(lists: DataFrame, context: JobContext, champion: Champion | None) -> DataFrame:
    version = champion.version if champion else None
    by_champion = F.col("model") != Popularity.name
    return (
        lists.withColumn("as_of", F.lit(context.as_of))
        .withColumn("model_version", F.when(by_champion, F.lit(version).cast("string")))
        .select(*RECOMMENDATION.columns)
    )
