"""The dirt on the way: which lines come late, twice, cut off, without what they need, or from a clock that is wrong.

Nothing true is lost: dirt comes as additional lines, but for `late`, which moves a true line to a later file.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import TimestampType

from personalake.world.chance import Chance
from personalake.world.feed import Feed
from personalake.world.settings import WorldSettings

# What a good pipeline makes of each kind.
EXPECTED = {
    "late": "late",
    "exact_duplicate": "duplicate",
    "near_duplicate": "duplicate",
    "malformed": "quarantined",
    "missing_key": "quarantined",
    "wrong_type": "quarantined",
    "wrong_clock": "quarantined",
}
EVERY_KIND = tuple(EXPECTED)
# An answer from a wrong clock is kept with a warning, and so is a no whose time is missing or not readable: the copy would
# be another answer.
OF_ANSWERS = tuple(kind for kind in EXPECTED if kind not in ("wrong_clock", "missing_key", "wrong_type"))
# A record of a customer has no time at which it happened.
OF_RECORDS = ("exact_duplicate", "near_duplicate", "malformed", "missing_key")
# A sent-again row of a CSV file is the same row.
OF_TABLES = ("exact_duplicate", "malformed", "missing_key")
REFUSED = tuple(kind for kind, expected in EXPECTED.items() if expected == "quarantined")
# Nothing is planted that would land after the world's end.
REACH_DAYS = 10
CLOCK_AHEAD = "INTERVAL 10 YEARS"
TIME_FORMAT = "yyyy-MM-dd'T'HH:mm:ss'Z'"


def lines_of(feed: Feed, settings: WorldSettings) -> DataFrame:
    """A feed as the lines that arrive, dirt included.

    Returns:
        One row per line: `line` (JSON or CSV), `landing_date`, `kind` (null for a clean line) and `event_key` (the id by
        which a mapping knows the row; a spoiled copy has one of its own).
    """
    clean = feed.rows.withColumn("kind", F.lit(None).cast("string"))
    if not feed.dirt:
        return clean.transform(lambda rows: _as_lines(rows, feed))
    return feed.rows.transform(lambda rows: _planted(rows, feed, settings)).transform(lambda rows: _as_lines(rows, feed))


def planted(lines: DataFrame, feed: Feed) -> DataFrame:
    """The truth about a feed's dirt.

    Args:
        lines: Rows of `lines_of`.
        feed: The feed.

    Returns:
        One row per planted line: `source`, `kind`, `line_sha256` (as bronze will hold the line; null where it holds a row of
        a CSV file as another text), `event_key` (null where the line does not tell it), `landing_date`, `expected`.
    """
    expected = F.element_at(F.create_map(*(F.lit(text) for pair in EXPECTED.items() for text in pair)), F.col("kind"))
    return lines.where("kind IS NOT NULL").select(
        F.lit(feed.name).alias("source"),
        "kind",
        _sha256(feed).alias("line_sha256"),
        F.when(F.col("kind") != "malformed", F.col("event_key")).alias("event_key"),
        "landing_date",
        expected.alias("expected"),
    )


def _planted(rows: DataFrame, feed: Feed, settings: WorldSettings) -> DataFrame:
    """Clean rows, and a spoiled copy of those that were drawn."""
    chance = Chance(settings.seed, (F.lit(feed.name), feed.key))
    rates = {kind: rate for kind, rate in settings.dirt.model_dump().items() if rate and kind in feed.dirt}
    drawn = chance.weighted("dirt", {**rates, "clean": 1 - sum(rates.values())})
    last = F.date_sub(F.lit(settings.end), REACH_DAYS)
    kind = F.when((drawn != "clean") & (feed.landing_date < last), drawn)
    copies = F.when(F.col("drawn").isNull(), F.array(F.lit("")))
    copies = copies.when(F.col("drawn") == "late", F.array(F.lit("late"))).otherwise(F.array(F.lit(""), F.col("drawn")))
    copied = rows.withColumn("drawn", kind).withColumn("kind", F.explode(copies)).drop("drawn")
    return copied.withColumn("kind", F.when(F.col("kind") != "", F.col("kind"))).withColumns(_spoiled(feed, chance))


def _spoiled(feed: Feed, chance: Chance) -> dict[str, Column]:
    """What differs in the columns of a spoiled row."""
    kind, own_id = F.col("kind"), F.concat(F.lit("d-"), chance.identifier("own-id"))
    spoiled = {
        feed.id_column: F.when(kind.isin(*REFUSED), own_id).otherwise(F.col(feed.id_column)),
        "landing_date": F.date_add(feed.landing_date, _delay_days(chance)),
    }
    if feed.occurred_at:
        occurred = F.col(feed.occurred_at)
        spoiled[feed.occurred_at] = (
            F.when(kind == "missing_key", F.lit(None))
            .when(kind == "wrong_type", F.lit("yesterday"))
            .when(kind == "wrong_clock", _text(occurred + F.expr(CLOCK_AHEAD)))
            .otherwise(_text(occurred))
        )
    else:
        # Without a time it is the id that a record cannot do without.
        spoiled[feed.id_column] = F.when(~kind.eqNullSafe("missing_key"), spoiled[feed.id_column])
    if feed.sent_at is not None:
        # What is sent again is sent later; what only arrives again says the same time.
        delay = F.make_dt_interval(days=F.when(kind.isin("late", "near_duplicate"), _delay_days(chance)).otherwise(0))
        spoiled[feed.sent_at] = F.col(feed.sent_at) + delay
    return spoiled


def _delay_days(chance: Chance) -> Column:
    kind = F.col("kind")
    late, copied, again = chance.below("late-days", 7) + 2, chance.below("copy-days", 4), chance.below("again-days", 3) + 1
    delay = F.when(kind == "late", late).when(kind == "exact_duplicate", copied).when(kind == "near_duplicate", again)
    return F.coalesce(delay, F.lit(0)).cast("int")


def _as_lines(rows: DataFrame, feed: Feed) -> DataFrame:
    names = [name for name in feed.rows.columns]
    landing = F.col("landing_date") if "landing_date" in rows.columns else feed.landing_date
    texts = [
        _text(F.col(field.name)).alias(field.name) if isinstance(field.dataType, TimestampType) else F.col(field.name)
        for field in rows.schema.fields
        if field.name in names
    ]
    whole = F.to_csv(F.struct(*texts)) if feed.format == "csv" else F.to_json(F.struct(*texts))
    cut = F.substring(whole, F.lit(1), (F.length(whole) * 0.6).cast("int"))
    again = F.concat(F.substring(whole, F.lit(1), F.length(whole) - 1), F.lit(',"retry":true}'))
    line = F.when(F.col("kind") == "malformed", cut).when(F.col("kind") == "near_duplicate", again).otherwise(whole)
    return rows.select(line.alias("line"), landing.alias("landing_date"), "kind", feed.key.alias("event_key"))


def _sha256(feed: Feed) -> Column:
    """The hash of what bronze holds of a line: a broken row of a CSV file stands there after a mark of its own."""
    if feed.format == "csv":
        return F.when(F.col("kind") == "malformed", F.sha2(F.concat(F.lit("\x00"), "line"), 256))
    return F.sha2("line", 256)


def _text(time: Column) -> Column:
    return F.date_format(time, TIME_FORMAT)
