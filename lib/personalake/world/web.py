"""Visits to the web shop and the app, click by click, and what of them was recorded."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.world.activity import is_after_drift
from personalake.world.calendar import instant, second_of_day
from personalake.world.campaigns import EXPERIMENTS
from personalake.world.catalog import NAMES, assortment, sku
from personalake.world.chance import Chance, at
from personalake.world.contacts import Contacts
from personalake.world.habits import whole
from personalake.world.orders import line_count, ordered_product
from personalake.world.settings import WorldSettings

INTENTS = {"browse": 0.55, "search": 0.25, "abandon": 0.2}
VIEWS_SCALE = 2.0
LOGGED_IN_RATE = 0.5
PHONE_SHARE, DRIFTED_PHONE_SHARE = 0.45, 0.7
REFERRERS = {"direct": 0.35, "search engine": 0.35, "newsletter": 0.15, "social": 0.1, "affiliate": 0.05}


def sessions(activity: DataFrame, settings: WorldSettings) -> DataFrame:
    """Visits to the web shop and the app.

    Args:
        activity: Rows of `activity`.
        settings: The world.

    Returns:
        Rows of `activity` for each visit, with `session_id`, `intent` (browse, search, abandon, purchase), `place` (web,
        app), `device_type`, `device`, `cookie` (null in the app), `login` (null unless logged in), `began_at`, `steps`,
        `referrer` and
        `is_recorded`.
    """
    return (
        activity.withColumn("intent", F.explode(_intents(settings)))
        .withColumns(_visit(settings))
        .withColumns(_machine(settings))
        .withColumns(_traces(settings))
    )


def clicks(sessions: DataFrame, settings: WorldSettings) -> DataFrame:
    """The steps of recorded visits.

    Returns:
        One row per step: `person`, `session_id`, `place`, `step` (from 1), `action` (search, view, cart, purchase; open
        first in the app), `product` (its number; null for a search), `term` (null but for a search), `occurred_at`,
        `cookie`, `device`, `login`, `device_type`, `region`, `referrer`, `order_id` (null but for a purchase).
    """
    each = Chance(settings.seed, ("person", "day", "intent", "step"))
    is_bought = F.col("intent") == "purchase"
    # Whoever orders has looked at what they order; its lines are drawn by number.
    line = F.when(is_bought, F.least("step", line_count(settings))).otherwise(1_000 + F.col("step"))
    seconds = F.col("step") * 25 + each.below("pause", 20)
    return (
        sessions.where("is_recorded")
        .withColumn("step", F.explode(F.sequence(F.lit(1).cast("bigint"), F.col("steps"))))
        .withColumns({"line": line.cast("bigint"), "action": _action()})
        .withColumns(
            {
                "product": F.when(F.col("action").isin("view", "cart"), ordered_product(settings)),
                "term": F.when(F.col("action") == "search", F.lower(at(NAMES, F.col("favourite")))),
                "occurred_at": F.col("began_at") + F.make_dt_interval(secs=seconds),
                "order_id": F.when(F.col("action") == "purchase", F.concat(F.lit("W"), _order_code(settings))),
            }
        )
        .select(
            "person", "session_id", "place", "step", "action", "product", "term", "occurred_at", "cookie", "device", "login",
            "device_type", "region", "referrer", "order_id",
        )
    )  # fmt: skip


def web_events(clicks: DataFrame, settings: WorldSettings) -> DataFrame:
    """The web analytics export.

    Returns:
        One row per event: `event_id`, `event_name`, `client_id` (cookie), `user_id` (login), `session`, `item_id`,
        `search_term`, `transaction_id`, `device`, `geo`, `source`, `event_time`, `sent_time`.
    """
    names = {"view": "view_item", "search": "search", "cart": "add_to_cart", "purchase": "purchase"}
    return clicks.where("place = 'web'").select(
        _event_id().alias("event_id"),
        _renamed(names).alias("event_name"),
        F.col("cookie").alias("client_id"),
        F.col("login").alias("user_id"),
        F.col("session_id").alias("session"),
        sku(assortment(settings), F.col("product")).alias("item_id"),
        F.col("term").alias("search_term"),
        F.col("order_id").alias("transaction_id"),
        F.col("device_type").alias("device"),
        F.col("region").alias("geo"),
        F.col("referrer").alias("source"),
        F.col("occurred_at").alias("event_time"),
        _sent(settings).alias("sent_time"),
    )


def app_events(clicks: DataFrame, settings: WorldSettings) -> DataFrame:
    """What the app sends.

    Returns:
        One row per event: `messageId`, `name`, `deviceId`, `userId`, `sessionId`, `sku`, `query`, `orderId`, `os`, `region`,
        `originalTimestamp`, `receivedAt`.
    """
    names = {"open": "App Opened", "view": "Product Viewed", "search": "Products Searched", "cart": "Product Added"}
    os = F.when(F.pmod(F.xxhash64("device"), F.lit(2)) == 0, "ios").otherwise("android")
    return clicks.where("place = 'app'").select(
        _event_id().alias("messageId"),
        _renamed({**names, "purchase": "Order Completed"}).alias("name"),
        F.col("device").alias("deviceId"),
        F.col("login").alias("userId"),
        F.col("session_id").alias("sessionId"),
        sku(assortment(settings), F.col("product")).alias("sku"),
        F.col("term").alias("query"),
        F.col("order_id").alias("orderId"),
        os.alias("os"),
        "region",
        F.col("occurred_at").alias("originalTimestamp"),
        _sent(settings).alias("receivedAt"),
    )


def exposures(sessions: DataFrame, settings: WorldSettings) -> DataFrame:
    """Which visitor saw which variant of an experiment: one row per recorded visit and running experiment.

    Returns:
        `exposure_id`, `experiment`, `variant`, `client_id` (cookie), `user_id` (login), `device`, `exposed_at`. A part of
        the treatment's exposures on phones is missing where an experiment has a sample-ratio fault.
    """
    running = [
        F.when(
            test.is_on(settings, F.col("day")),
            F.struct(
                F.lit(test.experiment_id).alias("experiment"),
                F.col(f"{test.column}_arm").alias("variant"),
                F.lit(test.lost).alias("lost"),
            ),
        )
        for test in EXPERIMENTS
    ]
    each, visitor = Chance(settings.seed, ("session_id", "experiment")), Chance(settings.seed, ("cookie", "experiment"))
    can_be_lost = (F.col("variant") == "treatment") & (F.col("device_type") == "phone")
    return (
        sessions.where("is_recorded AND place = 'web'")
        .withColumn("test", F.explode(F.array(*running)))
        .where("test IS NOT NULL")
        .select("session_id", "cookie", "login", "device_type", "began_at", "test.*")
        .where(~(can_be_lost & visitor.happens("lost", F.col("lost"))))
        .select(
            F.concat(F.lit("x"), each.identifier("exposure")).alias("exposure_id"),
            "experiment",
            "variant",
            F.col("cookie").alias("client_id"),
            F.col("login").alias("user_id"),
            F.col("device_type").alias("device"),
            F.col("began_at").alias("exposed_at"),
        )
    )


def _intents(settings: WorldSettings) -> Column:
    """Why the person came by on a day: to order, to look, or both, in two visits."""
    look = Chance(settings.seed, ("person", "day")).weighted("intent", INTENTS)
    ordered = F.when(F.col("channel") != "shop", F.lit("purchase"))
    return F.array_compact(F.array(ordered, F.when(F.col("is_look"), look)))


def _visit(settings: WorldSettings) -> dict[str, Column]:
    each = Chance(settings.seed, ("person", "day", "intent"))
    is_bought = F.col("intent") == "purchase"
    in_app = F.when(is_bought, F.col("channel") == "app").otherwise(F.col("is_app_user") & each.happens("app-visit", 0.4))
    ordered_at = second_of_day(Chance(settings.seed, ("person", "day")), "order-second", F.col("usual_hour"))
    looked_at = second_of_day(each, "look-second", F.col("usual_hour"))
    views = whole(each, "views", F.lit(VIEWS_SCALE))
    # One step to put it into the cart and one to pay, or one to search.
    more = F.when(is_bought, 2).when(F.col("intent") == "browse", 0).otherwise(1)
    is_lost = (F.col("region") == settings.slice_region) & each.happens("lost", settings.slice_lost_rate)
    return {
        "session_id": F.concat(F.lit("s"), each.identifier("session")),
        "place": F.when(in_app, "app").otherwise("web"),
        "steps": views + more + F.when(in_app, 1).otherwise(0),
        # Whoever pays has come some minutes before.
        "began_at": instant(settings, F.col("day"), F.when(is_bought, ordered_at - 600).otherwise(looked_at)),
        "referrer": each.weighted("referrer", REFERRERS),
        "is_recorded": ~is_lost,
    }


def _machine(settings: WorldSettings) -> dict[str, Column]:
    each, contacts = Chance(settings.seed, ("person", "day", "intent")), Contacts(settings)
    phone_share = F.when(is_after_drift(settings, F.col("day")), DRIFTED_PHONE_SHARE).otherwise(PHONE_SHARE)
    is_phone = (F.col("place") == "app") | each.happens("phone", phone_share)
    is_hub = ~is_phone & each.happens("hub", settings.hub_rate)
    own = contacts.device(F.when(is_phone, 0).otherwise(1))
    # Whoever orders is logged in, if they have an account at all; guests stay guests.
    is_known = (F.col("intent") == "purchase") | (F.col("place") == "app") | each.happens("logged-in", LOGGED_IN_RATE)
    return {
        "device_type": F.when(is_phone, "phone").when(is_hub, "terminal").otherwise("computer"),
        "device": F.when(is_hub, contacts.hub()).otherwise(own),
        "login": F.when(is_known, contacts.login()),
    }


def _traces(settings: WorldSettings) -> dict[str, Column]:
    cookie = Contacts(settings).cookie(F.col("device"), F.col("day"))
    return {"cookie": F.when(F.col("place") == "web", cookie)}


def _action() -> Column:
    """What a step is: the app opens first, a search begins with its words, a purchase ends in cart and payment."""
    first = F.when(F.col("place") == "app", 2).otherwise(1)
    left = F.col("steps") - F.col("step")
    return (
        F.when(F.col("step") < first, "open")
        .when((F.col("step") == first) & (F.col("intent") == "search"), "search")
        .when((left == 0) & (F.col("intent") == "purchase"), "purchase")
        .when((left == 1) & (F.col("intent") == "purchase"), "cart")
        .when((left == 0) & (F.col("intent") == "abandon"), "cart")
        .otherwise("view")
    )


def _order_code(settings: WorldSettings) -> Column:
    return Chance(settings.seed, ("person", "day")).identifier("order", 12)


def _event_id() -> Column:
    return F.concat_ws("-", "session_id", F.col("step").cast("string"))


def _renamed(names: dict[str, str]) -> Column:
    return F.element_at(F.create_map(*(F.lit(text) for pair in names.items() for text in pair)), F.col("action"))


def _sent(settings: WorldSettings) -> Column:
    delay = Chance(settings.seed, ("session_id", "step")).below("sent", 30) + 1
    return F.col("occurred_at") + F.make_dt_interval(secs=delay)
