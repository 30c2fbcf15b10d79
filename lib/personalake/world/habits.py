"""What drives each person: how often they buy, what they like, how they shop, and when they leave for good."""

from math import e

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.world.catalog import NAMES, Product, mean_prices
from personalake.world.chance import Chance, at
from personalake.world.settings import WorldSettings

MEAN_RATE, MOST_RATE = 0.08, 0.6
MEAN_HAZARD = 0.003
JOINS_LATER_RATE, LAPSED_RATE = 0.15, 0.08
FAVOURITE_SHARE, SECOND_SHARE = 0.5, 0.25
DISCOUNT_RATE, DISCOUNT = 0.1, 0.2
NEVER = 100_000
NEW_DAYS = 30


def with_habits(settings: WorldSettings, products: tuple[Product, ...]) -> Transformation:
    """Add what drives each person to rows of `people`.

    Returns:
        A transformation that adds `joined_day` and `left_day` (the first day without them), `churn_hazard` (chance of
        leaving on a day), `purchase_rate` (orders a day before season and campaigns), `web_share` (of orders),
        `is_app_user`, `line_scale` and `quantity_scale` with the means that follow from them (`mean_lines`,
        `mean_quantity`), `favourite` and `second` (places in `NAMES`), `mean_order_value`, `price_sensitivity`,
        `ad_fatigue`, `open_rate`, `click_rate`, `good_will` (standard normal) and `usual_hour`.
    """
    return lambda rows: (
        rows.withColumns(_life(settings))
        .withColumns(_left(settings))
        .withColumns(_ways(settings))
        .withColumns(_worth(products))
    )


def taste(category: int) -> Column:
    """The share of a person's lines that fall into a category."""
    rest = 1 - FAVOURITE_SHARE - SECOND_SHARE
    liked = F.when(F.col("favourite") == category, FAVOURITE_SHARE).when(F.col("second") == category, SECOND_SHARE)
    return F.coalesce(liked, F.lit(0.0)) + rest / len(NAMES)


def drawn_category(chance: Chance) -> Column:
    """The category of one line, by the person's tastes."""
    share, other = chance.share("category"), chance.below("other-category", len(NAMES))
    is_second = share < FAVOURITE_SHARE + SECOND_SHARE
    return F.when(share < FAVOURITE_SHARE, F.col("favourite")).when(is_second, F.col("second")).otherwise(other)


def whole(chance: Chance, topic: str, scale: Column) -> Column:
    """A whole number from 1, whose mean is `mean_of(scale)`."""
    return 1 + F.floor(chance.exponential(topic, scale))


def mean_of(scale: Column) -> Column:
    """The mean of `whole` with that scale."""
    return 1 + 1 / (F.pow(F.lit(e), 1 / scale) - 1)


def _life(settings: WorldSettings) -> dict[str, Column]:
    own = Chance(settings.seed, ("person",))
    before, later = own.between("joined", -settings.history_days, 0), own.between("joined-later", 0, settings.days)
    is_later = own.happens("joins-later", JOINS_LATER_RATE)
    return {
        "joined_day": F.floor(F.when(is_later, later).otherwise(before)).cast("int"),
        "churn_hazard": own.gamma("hazard", 2, MEAN_HAZARD),
        "purchase_rate": F.least(own.gamma("rate", 2, MEAN_RATE), F.lit(MOST_RATE)),
        "age": F.datediff(F.lit(settings.first_day), F.col("birth_date")) / 365.25,
    }


def _left(settings: WorldSettings) -> dict[str, Column]:
    own = Chance(settings.seed, ("person",))
    # Whether somebody who was there leaves tomorrow does not depend on how long they have been there.
    stays = F.least(F.floor(own.exponential("stays", 1 / F.col("churn_hazard"))), F.lit(NEVER))
    has_lapsed = (F.col("joined_day") < -1) & own.happens("lapsed", LAPSED_RATE)
    lapsed = F.floor(own.between("lapsed-day", F.col("joined_day") + 1, 0))
    since = F.greatest(F.col("joined_day"), F.lit(0)) + 1
    return {"left_day": F.when(has_lapsed, lapsed).otherwise(since + stays).cast("int")}


def _ways(settings: WorldSettings) -> dict[str, Column]:
    own = Chance(settings.seed, ("person",))
    generation = F.floor(F.col("age") / 25)
    favourite = F.pmod(own.power("favourite", len(NAMES), 0.3) + 3 * generation, F.lit(len(NAMES))).cast("int")
    second = F.pmod(favourite + 1 + own.below("second", len(NAMES) - 1), F.lit(len(NAMES))).cast("int")
    online = 0.7 - 0.006 * (F.col("age") - 20) + 0.2 * own.normal("online")
    return {
        "web_share": F.greatest(F.least(online, F.lit(0.97)), F.lit(0.03)),
        "is_app_user": own.happens("app", F.greatest(0.6 - 0.006 * (F.col("age") - 16), F.lit(0.1))),
        "line_scale": 0.3 + own.gamma("lines", 2, 1.6),
        "quantity_scale": 0.2 + own.exponential("quantity", 0.3),
        "favourite": favourite,
        "second": second,
        "price_sensitivity": own.share("price-sensitivity"),
        "ad_fatigue": own.share("ad-fatigue"),
        "open_rate": own.between("open-rate", 0.05, 0.6),
        "click_rate": own.between("click-rate", 0.02, 0.3),
        "good_will": own.normal("good-will"),
        "usual_hour": at((8.5, 12.5, 17.5, 20.0), own.below("usual-hour", 4)),
    }


def _worth(products: tuple[Product, ...]) -> dict[str, Column]:
    prices = mean_prices(products)
    mean_price = sum((taste(place) * prices[place] for place in range(len(NAMES))), start=F.lit(0.0))
    lines, quantity = mean_of(F.col("line_scale")), mean_of(F.col("quantity_scale"))
    return {
        "mean_lines": lines,
        "mean_quantity": quantity,
        "mean_order_value": lines * quantity * mean_price * (1 - DISCOUNT_RATE * DISCOUNT),
    }
