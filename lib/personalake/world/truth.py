"""What nobody in the company knows: the tables that tests, benchmarks and notebooks judge the suite by.

Nothing else may read them, nor the folder in which they lie; a test of the architecture sees to it.
"""

from collections.abc import Mapping
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.world.activity import expected_orders
from personalake.world.bought_data import LEAK, LEAK_NOISE
from personalake.world.campaigns import CAMPAIGNS, EXPERIMENTS
from personalake.world.catalog import NAMES
from personalake.world.contacts import Contacts
from personalake.world.dirt import lines_of, planted
from personalake.world.feed import Feed
from personalake.world.habits import NEW_DAYS, taste
from personalake.world.life import Life
from personalake.world.orders import DRIFTED_LINES
from personalake.world.settings import WorldSettings
from personalake.world.tables import LazyTables
from personalake.world.web import DRIFTED_PHONE_SHARE, PHONE_SHARE
from personalake.world.wishes import held_wishes, signalled

SESSION = ("session_id", "person", "day", "intent", "place", "device", "is_recorded")


def truths(life: Life, feeds: Mapping[str, Feed]) -> LazyTables[DataFrame]:
    """Every truth table by its name.

    Returns:
        `person` (all parameters), `household`, `life_event`, `lifecycle`, `expected_orders`, `campaign_effect`, `campaign`,
        `experiment`, `record` (whose each customer record is), `identifier` (whose each identifier is, with those of shared
        devices), `order`, `session`, `ticket`, `mention` (whose each is), `wish` (what each holds in the end),
        `privacy_signal` (whose browsers send one), `label_flip`, `planted_fault` (drift, leak, unfair
        slice, sample-ratio fault) and `planted_line` (the dirt).
    """
    people, settings = life.everyone, life.settings
    return LazyTables(
        {
            "person": lambda: people.withColumn("tastes", _tastes()),
            "household": lambda: people.groupBy("household").agg(F.count("*").cast("int").alias("people")),
            "life_event": lambda: life_events(people),
            "lifecycle": lambda: lifecycle(people),
            "expected_orders": lambda: expected_orders(people, settings),
            "campaign": lambda: campaigns(people, settings),
            "campaign_effect": lambda: campaign_effects(people),
            "experiment": lambda: experiments(life.spark, settings),
            "record": lambda: life.records.select("record_id", "person", "household"),
            "identifier": lambda: identifiers(life),
            "order": lambda: life.order_lines.select("order_id", "person", "channel", "is_return").distinct(),
            "session": lambda: life.sessions.select(*SESSION),
            "ticket": lambda: life.tickets.select("ticket_id", "person", "mood", "topic"),
            "mention": lambda: life.mentions.select("mention_id", "person", "mood", "topic"),
            "wish": lambda: held_wishes(life.wishes),
            "privacy_signal": lambda: signalled(life.sessions, settings),
            "label_flip": lambda: label_flips(life.records),
            "planted_fault": lambda: planted_faults(life.spark, settings),
            "planted_line": lambda: planted_lines(feeds, settings),
        }
    )


def label_flips(records: DataFrame) -> DataFrame:
    """Wrong account states in the CRM; one row each: `record_id`, `person`, `account_status` (as told), `true_status`."""
    flipped = records.where("source = 'crm' AND account_status <> true_status")
    return flipped.select("record_id", "person", "account_status", "true_status")


def planted_lines(feeds: Mapping[str, Feed], settings: WorldSettings) -> DataFrame:
    """The dirt of all feeds that have any, in the columns of `dirt.planted`."""
    told = (planted(lines_of(feed, settings), feed) for feed in feeds.values() if feed.dirt)
    return reduce(DataFrame.unionByName, told)


def life_events(everyone: DataFrame) -> DataFrame:
    """Marriages and moves; one row per person and event: `person`, `event`, `day`, `before`, `after`."""
    told = (
        ("marriage", F.col("married_day"), F.col("last_name"), F.col("married_name")),
        ("move", F.col("moved_day"), F.col("address.street"), F.col("new_address.street")),
    )
    parts = ("day", "before", "after")
    events = [
        F.struct(F.lit(name).alias("event"), *(value.alias(part) for part, value in zip(parts, values, strict=True)))
        for name, *values in told
    ]
    return (
        everyone.select("person", F.explode(F.array(*events)).alias("told")).select("person", "told.*").dropna(subset="day")
    )


def lifecycle(everyone: DataFrame) -> DataFrame:
    """The stages of each person: `person`, `stage` (new, active, left), `from_day`, `to_day` (exclusive; null for open)."""
    joined, left = F.col("joined_day"), F.col("left_day")
    settled = F.least(joined + NEW_DAYS, left)
    spans = {"new": (joined, settled), "active": (settled, left), "left": (left, F.lit(None).cast("int"))}
    stages = [
        F.struct(F.lit(stage).alias("stage"), start.alias("from_day"), end.alias("to_day"))
        for stage, (start, end) in spans.items()
    ]
    told = everyone.select("person", F.explode(F.array(*stages)).alias("told")).select("person", "told.*")
    return told.where("to_day IS NULL OR from_day < to_day")


def campaign_effects(everyone: DataFrame) -> DataFrame:
    """Who was eligible, in which arm, and what the campaign does to them.

    Returns:
        One row per eligible person and campaign: `campaign`, `person`, `arm`, `effect` (change of the rate of orders in the
        window, as a share of it, were they treated).
    """
    told = [
        F.struct(
            F.lit(campaign.campaign_id).alias("campaign"),
            F.col(f"{campaign.column}_arm").alias("arm"),
            F.col(f"{campaign.column}_effect").alias("effect"),
        )
        for campaign in CAMPAIGNS
    ]
    rows = everyone.select("person", F.explode(F.array(*told)).alias("told"))
    return rows.select("told.campaign", "person", "told.arm", "told.effect").where("arm IS NOT NULL")


def campaigns(everyone: DataFrame, settings: WorldSettings) -> DataFrame:
    """Each campaign's days, size and mean effect.

    Returns:
        One row per campaign: `campaign`, `first_day`, `eligible`, `treated`, `mean_effect`, `harmed_share` (of the
        eligible), `extra_rate` (mean change of a treated person's orders a day, before season).
    """
    days = {campaign.campaign_id: campaign.first_day(settings) for campaign in CAMPAIGNS}
    starts = F.create_map(*(F.lit(part) for pair in days.items() for part in pair))
    rates = everyone.select("person", "purchase_rate")
    return (
        campaign_effects(everyone)
        .join(rates, "person")
        .groupBy("campaign")
        .agg(
            F.count("*").alias("eligible"),
            F.count_if(F.col("arm") == "treated").alias("treated"),
            F.mean("effect").alias("mean_effect"),
            F.mean((F.col("effect") < 0).cast("int")).alias("harmed_share"),
            F.mean(F.col("effect") * F.col("purchase_rate")).alias("extra_rate"),
        )
        .withColumn("first_day", F.element_at(starts, F.col("campaign")))
    )


def experiments(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """Each experiment's days, planned share, effect and fault.

    Returns:
        One row per experiment: `experiment`, `first_day`, `end_day`, `planned_share`, `effect` (of treatment on the rate of
        web orders, as a share of it), `has_ratio_fault`, `lost_share` (of the treatment's visitors on phones).
    """
    rows = [
        (test.experiment_id, int(settings.days * test.start), int(settings.days * test.end), 0.5, test.effect, test.lost > 0,
         test.lost)
        for test in EXPERIMENTS
    ]  # fmt: skip
    schema = (
        "experiment string, first_day int, end_day int, planned_share double, effect double, has_ratio_fault boolean, "
        "lost_share double"
    )
    return spark.createDataFrame(rows, schema)


def identifiers(life: Life) -> DataFrame:
    """Whose the identifiers are; one row per person and identifier: `namespace`, `value`, `person`.

    A device of a household or a terminal has several persons; so have a family's mailbox and landline.
    """
    contacts, end = Contacts(life.settings), F.lit(life.settings.days)
    birth_name = F.col("last_name")
    values: dict[str, list[Column]] = {
        "login": [contacts.login()],
        "loyalty_id": [contacts.loyalty_id(F.lit(-life.settings.history_days)), contacts.loyalty_id(end)],
        "email": [F.when(contacts.emails() > number, contacts.email(F.lit(number), birth_name)) for number in range(3)],
        "phone": [contacts.phone(F.lit(number)) for number in range(3)],
        "device": [contacts.device(F.lit(number)) for number in range(2)],
    }
    told = [
        F.struct(F.lit(namespace).alias("namespace"), value.alias("value"))
        for namespace, several in values.items()
        for value in several
    ]
    owned = life.everyone.select(F.explode(F.array(*told)).alias("told"), "person").select("told.*", "person")
    used = life.sessions.select("person", F.explode(_seen()).alias("told")).select("told.*", "person")
    return owned.unionByName(used).dropna(subset="value").distinct()


def planted_faults(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """What was planted to be found: `fault`, `where` it is, and `told` about it."""
    drift_day = int(settings.days * settings.drift_at)
    rows = [
        ("drift", "web_events.device", f"from day {drift_day} on, phones {DRIFTED_PHONE_SHARE} instead of {PHONE_SHARE}"),
        ("drift", "web_orders", f"from day {drift_day} on, {DRIFTED_LINES} times the scale of lines of an order"),
        (
            "leak",
            f"third_party_attributes.{LEAK}",
            f"days until the person leaves, noise {LEAK_NOISE}, dated to the beginning",
        ),
        ("unfair_slice", "pos_sales.card_no", f"{settings.slice_region}: card on {settings.slice_card_rate} of receipts"),
        ("unfair_slice", "web_events", f"{settings.slice_region}: {settings.slice_lost_rate} of visits not recorded"),
        ("label_flips", "crm_customers.status", f"{settings.label_flip_rate} of account states"),
        *(
            (
                "sample_ratio",
                f"experiment_exposures {test.experiment_id}",
                f"{test.lost} of the treatment's visitors on phones lost",
            )
            for test in EXPERIMENTS
            if test.lost
        ),
    ]
    return spark.createDataFrame(rows, "fault string, where string, told string")


def _seen() -> Column:
    """The devices and cookies of a visit, as namespace and value."""
    return F.array(
        *(
            F.struct(F.lit(namespace).alias("namespace"), F.col(column).alias("value"))
            for namespace, column in (("device", "device"), ("cookie", "cookie"))
        )
    )


def _tastes() -> Column:
    return F.create_map(*(part for place, name in enumerate(NAMES) for part in (F.lit(name), taste(place))))
