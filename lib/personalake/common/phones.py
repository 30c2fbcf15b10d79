"""Phone numbers in E.164, by the numbering plan of every country."""

from functools import lru_cache

import pandas as pd
import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf

_LONGEST = 40


def e164(text: Column, region: str) -> Column:
    """A number as `+` and digits, or null where no numbering plan has it.

    Rules of each country's plan are more than a pattern can hold: trunk prefixes, lengths by area, letters for digits. An
    Arrow function, about thirty times slower than `standard_phone`, and right where that one only looks plausible.

    Args:
        text: A number as people write it, with or without a country code or an extension.
        region: ISO 3166 code of the country of a number that names none, e.g. `DE`.
    """

    def parsed(texts: pd.Series) -> pd.Series:
        return texts.map(lambda written: None if written is None else e164_of(written, region), na_action="ignore")

    number: Column = pandas_udf(parsed, "string")(F.substring(text, 1, _LONGEST))  # type: ignore[call-overload]
    return number


@lru_cache(maxsize=65_536)
def e164_of(text: str, region: str) -> str | None:
    """The same for one number.

    >>> e164_of("030 901820", "DE"), e164_of("(212) 555-0101", "US"), e164_of("12", "US")
    ('+4930901820', '+12125550101', None)
    """
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if phonenumbers.is_valid_number(number) else None
