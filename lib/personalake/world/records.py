"""Customer records as five systems keep them, and the truth about whose they are.

Each person has one to six records, written down on different days: names, addresses and cookies are those of that day, then
spoiled as clerks and keyboards do. Which fields a record can have depends on its source.
"""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.world.chance import Chance
from personalake.world.contacts import Contacts
from personalake.world.people import address_on, last_name_on, people
from personalake.world.settings import WorldSettings
from personalake.world.slips import spelled_phone, with_typo, with_wrong_date

SOURCES = {"crm": 0.3, "loyalty": 0.22, "web": 0.2, "app": 0.1, "support": 0.08, "pos": 0.1}
# What each source asks for; the others stay empty.
ASKED = {
    "first_name": ("crm", "loyalty", "web", "app", "support", "pos"),
    "last_name": ("crm", "loyalty", "web", "support", "pos"),
    "email": ("crm", "loyalty", "web", "app", "support", "pos"),
    "phone": ("crm", "loyalty", "support", "pos"),
    "birth_date": ("crm", "loyalty", "app"),
    "postcode": ("crm", "loyalty", "web", "support"),
    "street": ("crm", "loyalty", "web"),
    "city": ("crm", "loyalty", "web"),
    "loyalty_id": ("crm", "loyalty", "app", "pos"),
    "login": ("web", "app"),
    "cookie_id": ("web",),
    "device_id": ("web", "app"),
}
# What a system cannot work without is never left out: the card's own number, the session's cookie, the app's device.
NEVER_MISSING = {"loyalty_id": ("loyalty",), "cookie_id": ("web",), "device_id": ("app",), "login": ("web", "app")}
JUNK = {"email": "none@none.example", "phone": "0000000000", "loyalty_id": "-1"}
COLUMNS = ("record_id", "source", "recorded_at", *ASKED)


def records(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """Customer-like records of crm, loyalty, web, app, support and pos.

    Returns:
        One row per record: `record_id`, `source`, `recorded_at` (UTC), and as strings `first_name`, `last_name`, `email`,
        `phone`, `birth_date` (ISO), `postcode`, `street`, `city`, `loyalty_id`, `login`, `cookie_id`, `device_id`.
    """
    return drawn_records(people(spark, settings), settings).transform(told(settings)).select(*COLUMNS)


def record_truth(spark: SparkSession, settings: WorldSettings) -> DataFrame:
    """Whose the records are; one row per record: `record_id`, `person`, `household`."""
    return drawn_records(people(spark, settings), settings).select("record_id", "person", "household")


def matching_pairs(truth: DataFrame) -> DataFrame:
    """Every two records of one person; one row per pair: `record_id_left`, `record_id_right`, the lesser id left.

    Args:
        truth: Rows of `record_truth`, or of some resolution with the same columns `record_id` and `person`.
    """
    left, right = (truth.select(F.col("record_id").alias(f"record_id_{side}"), "person") for side in ("left", "right"))
    return left.join(right, "person", "inner").where("record_id_left < record_id_right").drop("person")


def drawn_records(people: DataFrame, settings: WorldSettings) -> DataFrame:
    """Which records there are, and when and where each was made.

    Args:
        people: Rows of `people`, or of anything made from them.
        settings: The world.

    Returns:
        The rows of `people`, once for each record, with `number`, `record_id`, `source` and `day`.
    """
    own = Chance(settings.seed, ("person",))
    copies = {str(count): weight for count, weight in enumerate(settings.records.copies, start=1)}
    numbers = F.sequence(F.lit(1), own.weighted("copies", copies).cast("int"))
    each = Chance(settings.seed, ("person", "number"))
    source = each.weighted("source", SOURCES)
    # Who has no card is not in the loyalty programme's books.
    source = F.when((source == "loyalty") & ~Contacts(settings).has_card(), "crm").otherwise(source)
    return people.withColumn("number", F.explode(numbers)).withColumns(
        {
            "record_id": F.concat(F.lit("r"), each.identifier("record")),
            "source": source,
            "day": F.floor(each.between("recorded", -settings.history_days, settings.days)).cast("int"),
        }
    )


def told(settings: WorldSettings) -> Transformation:
    """The fields as the source holds them; step by step, since what reads a field often should not compute it often."""
    each = Chance(settings.seed, ("person", "number"))
    midnight = F.date_add(F.lit(settings.first_day), F.col("day")).cast("timestamp")
    recorded_at = midnight + F.make_dt_interval(secs=each.below("second", 86_400))
    return lambda rows: (
        rows.withColumns({"recorded_at": recorded_at, **_used(settings)})
        .withColumns(_facts(settings))
        .withColumns(_shortened(settings))
        .withColumns(_slipped(settings))
        .withColumns(_written(settings))
        .withColumns(_kept(settings))
        .withColumns(_swapped(settings))
    )


def _used(settings: WorldSettings) -> dict[str, Column]:
    """Where the person lived, and which device and address were used, on the day of the record."""
    contacts, each = Contacts(settings), Chance(settings.seed, ("person", "number"))
    is_web = F.col("source") == "web"
    is_hub = is_web & each.happens("hub", settings.hub_rate)
    own = contacts.device(F.when(is_web, each.below("device-used", 2)).otherwise(F.lit(0)))
    return {
        "name_of_birth": F.col("last_name"),
        "address": address_on(F.col("day")),
        # The first address and number are those that people give most often.
        "email_number": each.power("email-used", contacts.emails(), 0.5),
        "phone_number": each.power("phone-used", 3, 0.5),
        "device_id": F.when(is_hub, contacts.hub()).otherwise(own),
    }


def _facts(settings: WorldSettings) -> dict[str, Column]:
    """What is true on the day of the record, before anybody writes it down."""
    contacts, day = Contacts(settings), F.col("day")
    return {
        "last_name": last_name_on(day),
        "email": contacts.email(F.col("email_number"), F.col("name_of_birth")),
        "phone": contacts.phone(F.col("phone_number")),
        **{name: F.col("address")[name] for name in ("postcode", "street", "city")},
        "loyalty_id": contacts.loyalty_id(day),
        "login": contacts.login(),
        "cookie_id": contacts.cookie(F.col("device_id"), day),
    }


def _shortened(settings: WorldSettings) -> dict[str, Column]:
    """Nicknames and initials."""
    noise, each = settings.records, Chance(settings.seed, ("person", "number"))
    initial = F.concat(F.col("first_name").substr(1, 1), F.lit("."))
    is_short, is_initial = each.happens("nickname", noise.nickname_rate), each.happens("initial", noise.initial_rate)
    first = F.when(is_short, F.col("nickname")).when(is_initial, initial).otherwise(F.col("first_name"))
    return {"first_name": first}


def _slipped(settings: WorldSettings) -> dict[str, Column]:
    """Slips of the keyboard and wrong dates."""
    noise, each = settings.records, Chance(settings.seed, ("person", "number"))
    typed = ("first_name", "last_name", "street", "city", "email", "phone")
    slipped = {name: with_typo(F.col(name), each, name, noise.typo_rate) for name in typed}
    return {**slipped, "birth_date": with_wrong_date(F.col("birth_date"), each, "birth_date", noise.date_rate)}


def _written(settings: WorldSettings) -> dict[str, Column]:
    """Each one's own spelling of a phone number; tills print capitals."""
    each = Chance(settings.seed, ("person", "number"))
    printed = {
        name: F.when(F.col("source") == "pos", F.upper(name)).otherwise(F.col(name)) for name in ("first_name", "last_name")
    }
    return {**printed, "phone": spelled_phone(F.col("phone"), each, "phone")}


def _kept(settings: WorldSettings) -> dict[str, Column]:
    """Fields that the source asks for, unless they were left out; some hold a filler."""
    noise, each = settings.records, Chance(settings.seed, ("person", "number"))
    is_anonymous = (F.col("source") == "web") & each.happens("anonymous", noise.anonymous_rate)
    kept = {}
    for name, sources in ASKED.items():
        value = F.col(name)
        if name in JUNK:
            value = F.when(each.happens(f"{name}:junk", noise.junk_rate), JUNK[name]).otherwise(value)
        is_left_out = each.happens(f"{name}:missing", noise.missing_rate) & ~F.col("source").isin(
            *NEVER_MISSING.get(name, ())
        )
        is_hidden = is_left_out if name == "cookie_id" else is_left_out | is_anonymous
        kept[name] = F.when(F.col("source").isin(*sources) & ~is_hidden, value)
    return kept


def _swapped(settings: WorldSettings) -> dict[str, Column]:
    """First and last name in each other's place, where both are there."""
    each = Chance(settings.seed, ("person", "number"))
    has_both = F.col("first_name").isNotNull() & F.col("last_name").isNotNull()
    is_swapped = has_both & each.happens("swapped", settings.records.swap_rate)
    other = {"first_name": "last_name", "last_name": "first_name"}
    return {name: F.when(is_swapped, F.col(of)).otherwise(F.col(name)) for name, of in other.items()}
