"""Purchases in shops and on the web, line by line, and what is brought back."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.world.activity import is_after_drift
from personalake.world.calendar import instant, second_of_day
from personalake.world.campaigns import CAMPAIGNS, is_under
from personalake.world.catalog import NAMES, PRODUCTS_PER_CATEGORY, assortment, drawn_product, price, sku
from personalake.world.chance import Chance
from personalake.world.contacts import Contacts
from personalake.world.habits import DISCOUNT, DISCOUNT_RATE, drawn_category, whole
from personalake.world.people import REGIONS
from personalake.world.settings import WorldSettings

OPENS, CLOSES = 8, 21
STORES_PER_REGION = 4
RETURN_RATE, RETURN_DAYS = 0.04, 14
# After the planted drift, orders online have so many more lines.
DRIFTED_LINES = 1.5


def order_lines(activity: DataFrame, settings: WorldSettings) -> DataFrame:
    """Every line that was bought or brought back.

    Args:
        activity: Rows of `activity`.
        settings: The world.

    Returns:
        One row per line: `person`, `day`, `channel`, `order_id`, `line` (from 1), `product` (its number), `quantity`
        (negative when brought back), `unit_cents`, `discount_cents`, `amount_cents`, `occurred_at`, `store`, `card`,
        `login`, `is_return`.
    """
    bought = _bought(activity, settings)
    return bought.unionByName(_brought_back(bought, settings))


def pos_sales(lines: DataFrame, settings: WorldSettings) -> DataFrame:
    """What the tills send: sales in shops, and all returns.

    Returns:
        One row per line: `receipt_no`, `line_no`, `store`, `card_no` (null if none was shown), `sku`, `qty`, `line_total`,
        `rebate`, `currency`, `sold_at`, `sent_at`.
    """
    return lines.where("channel = 'shop' OR is_return").select(
        F.col("order_id").alias("receipt_no"),
        F.col("line").cast("int").alias("line_no"),
        "store",
        F.col("card").alias("card_no"),
        *_sale(settings, "qty", "line_total", "rebate"),
        F.col("occurred_at").alias("sold_at"),
        _sent_at(settings).alias("sent_at"),
    )


def web_orders(lines: DataFrame, settings: WorldSettings) -> DataFrame:
    """What the web shop and the app export.

    Returns:
        One row per line: `orderId`, `lineItem`, `userId` (null for guests), `channel`, `sku`, `quantity`, `paid`,
        `discount`, `currency`, `orderedAt`, `exportedAt`.
    """
    return lines.where("channel <> 'shop' AND NOT is_return").select(
        F.col("order_id").alias("orderId"),
        F.col("line").cast("int").alias("lineItem"),
        F.col("login").alias("userId"),
        "channel",
        *_sale(settings, "quantity", "paid", "discount"),
        F.col("occurred_at").alias("orderedAt"),
        _sent_at(settings).alias("exportedAt"),
    )


def ordered_product(settings: WorldSettings) -> Column:
    """The product of a line of a day's order, of rows with `person`, `day`, `line` and the person's tastes."""
    each = Chance(settings.seed, ("person", "day", "line"))
    return drawn_product(each, drawn_category(each)).cast("int")


def line_count(settings: WorldSettings) -> Column:
    """How many lines a day's order has."""
    is_fuller = (F.col("channel") != "shop") & is_after_drift(settings, F.col("day"))
    scale = F.col("line_scale") * F.when(is_fuller, DRIFTED_LINES).otherwise(1.0)
    return whole(Chance(settings.seed, ("person", "day")), "lines", scale)


def _bought(activity: DataFrame, settings: WorldSettings) -> DataFrame:
    products, contacts = assortment(settings), Contacts(settings)
    order, each = Chance(settings.seed, ("person", "day")), Chance(settings.seed, ("person", "day", "line"))
    second = second_of_day(order, "order-second", F.col("usual_hour"))
    in_hours = OPENS * 3_600 + F.pmod(second - OPENS * 3_600, F.lit((CLOSES - OPENS) * 3_600))
    is_shop = F.col("channel") == "shop"
    # Tills in one region often do not ask for the card: what is known of its people is less than what is true.
    shown = F.when(F.col("region") == settings.slice_region, settings.slice_card_rate).otherwise(settings.card_shown_rate)
    store = F.concat_ws("-", F.col("region"), (order.below("store", STORES_PER_REGION) + 1).cast("string"))
    whole_price = F.col("quantity") * F.col("unit_cents")
    is_offered = [
        is_under(settings, campaign, F.col("day")) & (_category(F.col("product")) == NAMES.index(campaign.category))
        for campaign in CAMPAIGNS
    ]
    reduced = each.happens("discount", DISCOUNT_RATE)
    for offered in is_offered:
        reduced = reduced | offered
    discount = F.when(F.col("is_reduced"), F.round(whole_price * DISCOUNT)).otherwise(0).cast("bigint")
    return (
        activity.where("is_order")
        .withColumns(
            {
                "order_id": F.concat(F.when(is_shop, "R").otherwise("W"), order.identifier("order", 12)),
                "occurred_at": instant(settings, F.col("day"), F.when(is_shop, in_hours).otherwise(second)),
                "store": F.when(is_shop, store),
                "card": F.when(is_shop & order.happens("card", shown), contacts.loyalty_id(F.col("day"))),
                "login": F.when(~is_shop, contacts.login()),
                "line": F.explode(F.sequence(F.lit(1).cast("bigint"), line_count(settings))),
            }
        )
        .withColumns({"product": ordered_product(settings), "quantity": whole(each, "quantity", F.col("quantity_scale"))})
        .withColumns({"unit_cents": price(products, F.col("product")), "is_reduced": reduced, "is_return": F.lit(False)})
        .withColumn("discount_cents", discount)
        .withColumn("amount_cents", whole_price - F.col("discount_cents"))
        .select(*LINE)
    )


LINE = (
    "person", "day", "channel", "order_id", "line", "product", "quantity", "unit_cents", "discount_cents", "amount_cents",
    "occurred_at", "store", "card", "login", "is_return",
)  # fmt: skip


def _brought_back(bought: DataFrame, settings: WorldSettings) -> DataFrame:
    """Lines that go back within two weeks, at a till, on a receipt of their own."""
    each = Chance(settings.seed, ("person", "day", "line"))
    back = F.col("day") + 1 + each.below("return-day", RETURN_DAYS).cast("int")
    at_till = Chance(settings.seed, ("person", "day"))
    store = F.concat_ws("-", at_till.pick("return-region", REGIONS), F.lit("1"))
    card = F.when(at_till.happens("return-card", settings.card_shown_rate), F.col("card"))
    return (
        bought.where(each.happens("return", RETURN_RATE) & (back < settings.days))
        .withColumns(
            {
                "order_id": F.concat(F.lit("B"), F.col("order_id").substr(2, 12)),
                "occurred_at": instant(settings, back, OPENS * 3_600 + each.below("return-second", 40_000)),
                "store": F.coalesce("store", store),
                "card": card,
                "login": F.lit(None).cast("string"),
                "is_return": F.lit(True),
                **{name: -F.col(name) for name in ("quantity", "amount_cents")},
            }
        )
        .withColumns({"day": back, "discount_cents": F.lit(0).cast("bigint")})
        .select(*LINE)
    )


def _category(product: Column) -> Column:
    return F.floor(product / PRODUCTS_PER_CATEGORY)


def _sale(settings: WorldSettings, quantity: str, amount: str, discount: str) -> list[Column]:
    return [
        sku(assortment(settings), F.col("product")).alias("sku"),
        F.col("quantity").cast("int").alias(quantity),
        _euros("amount_cents").alias(amount),
        _euros("discount_cents").alias(discount),
        F.lit("EUR").alias("currency"),
    ]


def _euros(cents: str) -> Column:
    return (F.col(cents).cast("decimal(18,2)") / 100).cast("decimal(18,2)")


def _sent_at(settings: WorldSettings) -> Column:
    """A receipt leaves the till within seconds of the sale, all lines together."""
    delay = Chance(settings.seed, ("order_id",)).below("sent", 9) + 1
    return F.col("occurred_at") + F.make_dt_interval(secs=delay)
