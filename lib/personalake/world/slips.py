"""How people and clerks get things wrong: slips of the keyboard, swapped dates, spellings of the same phone."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.world.chance import Chance

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
# The neighbour on the keyboard; none is its own.
_NEIGHBOURS = "svxfrdhgokjknbiowearybqctx9232547870"


def with_typo(text: Column, chance: Chance, topic: str, rate: float) -> Column:
    """The text, with a letter replaced by its neighbour, lost, doubled or swapped with the next one at a rate."""
    place = (chance.below(f"{topic}:place", F.greatest(F.length(text) - 1, F.lit(1))) + 1).cast("int")
    here, following = F.substring(text, place, F.lit(1)), F.substring(text, place + 1, F.lit(1))
    wrong = F.translate(F.lower(here), _LETTERS, _NEIGHBOURS)
    kind = chance.below(f"{topic}:kind", 4)
    spoiled = (
        F.when(kind == 0, F.overlay(text, wrong, place, F.lit(1)))
        .when(kind == 1, F.overlay(text, F.lit(""), place, F.lit(1)))
        .when(kind == 2, F.overlay(text, F.concat(here, here), place, F.lit(1)))
        .otherwise(F.overlay(text, F.concat(following, here), place, F.lit(2)))
    )
    return F.when(chance.happens(f"{topic}:typo", rate) & (F.length(text) > 2), spoiled).otherwise(text)


def with_wrong_date(day: Column, chance: Chance, topic: str, rate: float) -> Column:
    """The date as ISO text, at a rate with day and month swapped where that is a date, or another last digit of the year."""
    year, month, of_month = F.year(day), F.month(day), F.dayofmonth(day)
    swapped = F.when(of_month <= 12, F.format_string("%04d-%02d-%02d", year, of_month, month))
    other = year - F.pmod(year, F.lit(10)) + F.pmod(year + 1 + chance.below(f"{topic}:digit", 9).cast("int"), F.lit(10))
    misread = F.format_string("%04d-%02d-%02d", other, month, F.least(of_month, F.lit(28)))
    wrong = F.when(chance.happens(f"{topic}:kind", 0.5), F.coalesce(swapped, misread)).otherwise(misread)
    return F.when(chance.happens(f"{topic}:wrong", rate), wrong).otherwise(F.date_format(day, "yyyy-MM-dd"))


def spelled_phone(digits: Column, chance: Chance, topic: str) -> Column:
    """Ten digits as people write a phone number: with country code or without, with blanks or hyphens."""
    area, rest = F.substring(digits, 1, 4), F.substring(digits, 5, 20)
    spelled = (
        F.concat(F.lit("+999 "), area, F.lit(" "), rest),
        F.concat(F.lit("+999"), digits),
        F.concat(F.lit("0"), area, F.lit("/"), rest),
        F.concat(F.lit("0"), digits),
        F.concat(F.lit("00999-"), area, F.lit("-"), rest),
    )
    return F.element_at(F.array(*spelled), chance.below(f"{topic}:spelling", len(spelled)).cast("int") + 1)
