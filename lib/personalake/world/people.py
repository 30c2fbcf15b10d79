"""People and the households they live in: who they are, where they live, and what changes for them."""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.world.chance import Chance, at
from personalake.world.names import given_name, given_name_rank, nickname, place_name, surname, surname_rank
from personalake.world.settings import WorldSettings

# People are numbered in blocks of eight; each block is cut into households in one of these ways.
BLOCKS = ((1, 1, 2, 4), (2, 2, 1, 3), (1, 1, 1, 2, 3), (4, 1, 1, 2), (2, 1, 5), (1, 2, 2, 1, 2), (3, 3, 2), (1, 1, 1, 1, 4))
BLOCK = 8
COUPLE_RATE, MARRIED_RATE, TAKES_NAME_RATE = 0.85, 0.6, 0.85
ADULT_AGES, PARENT_AGES, CHILD_AGES = (20, 85), (40, 60), (16, 26)
HOUSEHOLDS_PER_POSTCODE, POSTCODES_PER_TOWN = 150, 12
SMALLEST_POSTCODES, POSTCODES = 24, 100_000
REGIONS = ("north", "east", "south", "west", "coast", "hills")
STREETS_PER_POSTCODE = 40
STREET_ENDINGS = (" street", " lane", " road", " way", " square")
COLUMNS = (
    "person", "household", "size", "member", "role", "gender", "birth_date", "first_name", "nickname", "last_name",
    "married_day", "married_name", "moved_day", "address", "new_address",
)  # fmt: skip


def people(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """Everyone, with what is true of them before and after each change.

    Returns:
        One row per person: `person` (its number), `household` (the number of its first member), `size` (of the household;
        the last one is cut short where the people end), `member` (place in it, from 0), `role` (single, partner, child,
        flatmate), `gender`, `birth_date`, `first_name`, `nickname`, `last_name`, `married_day` (null without a marriage) and
        `married_name`, `moved_day` (null without a move), `address` and `new_address` (structs of postcode, city, region,
        street). Days count from the world's first day, so that those before it are negative; a change holds from its day on.
    """
    everyone = spark.range(settings.people).withColumnRenamed("id", "person")
    placed = everyone.transform(_in_households(settings))
    return placed.transform(_born(settings)).transform(_named(settings)).transform(_settled(settings)).select(*COLUMNS)


def last_name_on(day: Column) -> Column:
    """The surname on a day, of rows of `people`."""
    return F.when(F.col("married_day") <= day, F.col("married_name")).otherwise(F.col("last_name"))


def address_on(day: Column) -> Column:
    """The address on a day, of rows of `people`."""
    return F.when(F.col("moved_day") <= day, F.col("new_address")).otherwise(F.col("address"))


def _in_households(settings: WorldSettings) -> Transformation:
    """Cut each block into households: where this person's begins, and how many it holds."""
    cuts = [[(start, size) for start, size in _cut(block) for _ in range(size)] for block in BLOCKS]
    block = Chance(settings.seed, (F.floor(F.col("person") / BLOCK),))
    place = block.below("household-block", len(BLOCKS)) * BLOCK + F.pmod("person", F.lit(BLOCK))
    start, size = (at([cut[part] for of_block in cuts for cut in of_block], F.col("place")) for part in (0, 1))
    household = F.col("person") - F.pmod("person", F.lit(BLOCK)) + start
    is_couple = Chance(settings.seed, ("household",)).happens("couple", COUPLE_RATE)
    role = (
        F.when(F.col("size") == 1, "single")
        .when(~is_couple, "flatmate")
        .when(F.col("member") < 2, "partner")
        .otherwise("child")
    )
    return lambda rows: (
        rows.withColumn("place", place)
        .withColumns({"household": household, "size": size})
        .withColumn("member", (F.col("person") - F.col("household")).cast("int"))
        .withColumn("role", role)
    )


def _cut(block: tuple[int, ...]) -> list[tuple[int, int]]:
    return [(sum(block[:place]), size) for place, size in enumerate(block)]


def _born(settings: WorldSettings) -> Transformation:
    own = Chance(settings.seed, ("person",))
    is_parent = (F.col("role") == "partner") & (F.col("size") > 2)
    ages = zip(CHILD_AGES, PARENT_AGES, ADULT_AGES, strict=True)
    low, high = (
        F.when(F.col("role") == "child", child).when(is_parent, parent).otherwise(adult) * 365.25
        for child, parent, adult in ages
    )
    age_days = F.floor(own.between("age", low, high)).cast("int")
    gender = F.when(own.happens("gender", 0.5), "female").otherwise("male")
    return lambda rows: rows.withColumns({"gender": gender, "birth_date": F.date_sub(F.lit(settings.first_day), age_days)})


def _named(settings: WorldSettings) -> Transformation:
    """First names; surnames by birth, family or marriage."""
    own, shared = Chance(settings.seed, ("person",)), Chance(settings.seed, ("household",))
    is_partner, is_first = F.col("role") == "partner", F.col("member") == 0
    # Of two partners the second one takes the other's name, if anyone does.
    takes_name = is_partner & ~is_first & own.happens("takes-name", TAKES_NAME_RATE)
    drawn = {
        "given": given_name_rank(own, F.col("person")),
        "own_name": surname_rank(own, F.col("person")),
        "family_name": surname_rank(shared, F.col("household")),
        "marriage": shared.share("marriage"),
        "takes_name": takes_name,
    }
    was_married = F.col("marriage") < MARRIED_RATE
    marries = is_partner & ~was_married & (F.col("marriage") < MARRIED_RATE + settings.marriage_rate)
    is_born_to_it = (F.col("role") == "child") | (is_partner & is_first)
    has_family_name = is_born_to_it | (F.col("takes_name") & was_married)
    rank = F.when(has_family_name, F.col("family_name")).otherwise(F.col("own_name"))
    named = {
        "first_name": given_name(F.col("given"), F.col("gender")),
        "last_name": surname(rank),
        "married_day": F.when(marries, _day(shared, "wedding-day", settings)),
        "new_name": surname(F.when(F.col("takes_name"), F.col("family_name")).otherwise(rank)),
    }
    married_name = F.when(F.col("married_day").isNotNull(), F.col("new_name"))
    return lambda rows: (
        rows.withColumns(drawn)
        .withColumns(named)
        .withColumns({"nickname": nickname(F.col("first_name")), "married_name": married_name})
    )


def _settled(settings: WorldSettings) -> Transformation:
    """Addresses, before and after a move."""
    shared = Chance(settings.seed, ("household",))
    moves = shared.happens("moves", settings.move_rate)
    # The number of postcodes grows with the households, so that each keeps its size.
    grown = F.lit(SMALLEST_POSTCODES) + F.floor(F.col("household") / (2 * HOUSEHOLDS_PER_POSTCODE))
    bound = F.least(grown, F.lit(POSTCODES))
    ranks = {f"{topic}_rank": shared.below(f"{topic}:postcode", bound) for topic in ("address", "new_address")}
    return lambda rows: (
        rows.withColumns({**ranks, "moved_day": F.when(moves, _day(shared, "moving-day", settings))})
        .withColumns({f"{topic}_street": _street(shared, topic) for topic in ("address", "new_address")})
        .withColumns({topic: _address(shared, topic) for topic in ("address", "new_address")})
        .withColumn("new_address", F.when(F.col("moved_day").isNotNull(), F.col("new_address")))
    )


def _day(chance: Chance, topic: str, settings: WorldSettings) -> Column:
    return F.floor(chance.between(topic, -settings.history_days, settings.days)).cast("int")


def _street(chance: Chance, topic: str) -> Column:
    return chance.below(f"{topic}:street", STREETS_PER_POSTCODE) + F.col(f"{topic}_rank") * STREETS_PER_POSTCODE


def _address(chance: Chance, topic: str) -> Column:
    rank, street = F.col(f"{topic}_rank"), F.col(f"{topic}_street")
    region = F.pmod(rank, F.lit(len(REGIONS)))
    town = F.floor(rank / (POSTCODES_PER_TOWN * len(REGIONS))) * len(REGIONS) + region
    number = (chance.below(f"{topic}:number", 120) + 1).cast("string")
    return F.struct(
        F.lpad(F.pmod(rank * 38_197 + 10_007, F.lit(POSTCODES)).cast("string"), 5, "0").alias("postcode"),
        place_name(town, "ton").alias("city"),
        at(REGIONS, region).alias("region"),
        F.concat(place_name(street, ""), at(STREET_ENDINGS, F.pmod(street, F.lit(5))), F.lit(" "), number).alias("street"),
    )
