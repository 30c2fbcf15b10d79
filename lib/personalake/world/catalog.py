"""The assortment: a few hundred products in a dozen categories, the same for any number of people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from random import Random

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.world.calendar import instant
from personalake.world.chance import Chance, at
from personalake.world.settings import WorldSettings

# Category: its department, typical price, and the nouns from which products are named.
CATEGORIES = {
    "Bread": ("Food", 3.2, ("loaf", "roll", "flatbread", "baguette")),
    "Dairy": ("Food", 2.4, ("yoghurt", "butter", "cheese", "cream")),
    "Fruit": ("Food", 3.8, ("apples", "pears", "berries", "plums")),
    "Coffee": ("Food", 7.5, ("espresso", "filter coffee", "beans", "decaf")),
    "Wine": ("Food", 9.9, ("red wine", "white wine", "rosé", "sparkling wine")),
    "Cleaning": ("Household", 4.6, ("soap", "cleaner", "sponge", "detergent")),
    "Kitchen": ("Household", 18.0, ("pan", "knife", "bowl", "mug")),
    "Garden": ("Household", 14.0, ("seeds", "pot", "gloves", "hose")),
    "Toys": ("Leisure", 16.0, ("puzzle", "doll", "blocks", "board game")),
    "Books": ("Leisure", 13.0, ("novel", "cookbook", "atlas", "thriller")),
    "Clothing": ("Fashion", 32.0, ("shirt", "jumper", "jeans", "dress")),
    "Shoes": ("Fashion", 58.0, ("trainers", "boots", "sandals", "slippers")),
}
NAMES = tuple(CATEGORIES)
PRODUCTS_PER_CATEGORY = 40
# Within a category a product sells like its rank to this power.
POPULARITY = 0.5
STOCKS = (0, 3, 12, 40, 150, 600)
COUNTED_AT = 5 * 3_600
STYLES = ("classic", "fine", "green", "fresh", "light", "bold", "plain", "royal", "rustic", "little")
BRANDS = ("Harvest", "Nord", "Papillon", "Fjell", "Tilda", "own brand")
FEATURES = ("made in the region", "for every day", "a gift that pleases", "new this season", "tried by thousands")


@dataclass(frozen=True)
class Product:
    """One product; `number` is its place in the assortment, category by category, the most popular first."""

    number: int
    product_id: str
    name: str
    category: str
    department: str
    brand: str
    price: Decimal
    stock: int
    description: str
    since: date


def assortment(settings: WorldSettings) -> tuple[Product, ...]:
    """Every product of the world."""
    chance = Random(f"{settings.seed}:catalog")
    numbered = enumerate((name, rank) for name in CATEGORIES for rank in range(PRODUCTS_PER_CATEGORY))
    return tuple(_product(number, name, chance, settings) for number, (name, _) in numbered)


def catalog(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """The assortment as the shop's system exports it.

    Returns:
        One row per product: `sku`, `title`, `department`, `category`, `brand`, `description`, `listed_since`.
    """
    schema = (
        "sku string, title string, department string, category string, brand string, description string, listed_since date"
    )
    rows = [(p.product_id, p.name, p.department, p.category, p.brand, p.description, p.since) for p in assortment(settings)]
    return spark.createDataFrame(rows, schema)


def product_offers(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """Prices and stock as the shop's system exports them, all of them each week; prices stay, stock comes and goes.

    Returns:
        One row per product and week: `sku`, `price`, `currency`, `stock`, `counted_at`.
    """
    rows = [(p.product_id, p.price, "EUR", p.stock) for p in assortment(settings)]
    told = spark.createDataFrame(rows, "sku string, price decimal(18,2), currency string, stock int")
    stock = Chance(settings.seed, ("sku", "day")).pick("stock", tuple(map(str, STOCKS))).cast("int")
    days = F.explode(F.sequence(F.lit(0), F.lit(settings.days - 1), F.lit(7)))
    return told.withColumn("day", days).select(
        "sku",
        "price",
        "currency",
        F.when(F.col("day") == 0, F.col("stock")).otherwise(stock).alias("stock"),
        instant(settings, F.col("day"), F.lit(COUNTED_AT)).alias("counted_at"),
    )


def mean_prices(products: Sequence[Product]) -> list[float]:
    """The mean price of a sale in each category, in the order of `NAMES`."""
    means = []
    for name in NAMES:
        prices = [float(product.price) for product in products if product.category == name]
        shares = [
            ((rank + 1) / len(prices)) ** (1 - POPULARITY) - (rank / len(prices)) ** (1 - POPULARITY)
            for rank in range(len(prices))
        ]
        means.append(sum(share * price for share, price in zip(shares, prices, strict=True)))
    return means


def drawn_product(chance: Chance, category: Column) -> Column:
    """The number of a product of a category, popular ones more often."""
    return category * PRODUCTS_PER_CATEGORY + chance.power("product", PRODUCTS_PER_CATEGORY, POPULARITY)


def sku(products: Sequence[Product], number: Column) -> Column:
    """The id of the product of a number."""
    return at([product.product_id for product in products], number)


def price(products: Sequence[Product], number: Column) -> Column:
    """The price of the product of a number, in whole cents."""
    return at([int(product.price * 100) for product in products], number)


def _product(number: int, category: str, chance: Random, settings: WorldSettings) -> Product:
    department, typical, nouns = CATEGORIES[category]
    noun, brand = chance.choice(nouns), chance.choice(BRANDS)
    name = f"{chance.choice(STYLES).capitalize()} {noun} {number % PRODUCTS_PER_CATEGORY + 1}"
    return Product(
        number=number,
        product_id=f"SKU-{chance.randrange(10**5):05d}-{number:03d}",
        name=name,
        category=category,
        department=department,
        brand=brand,
        price=Decimal(max(49, round(typical * 100 * chance.lognormvariate(0, 0.4)))) / 100,
        stock=chance.choice(STOCKS),
        description=f"{name} by {brand}: {noun} for {category.lower()} lovers, {chance.choice(FEATURES)}.",
        since=settings.first_day.replace(year=settings.first_day.year - 1 - chance.randrange(4)),
    )
