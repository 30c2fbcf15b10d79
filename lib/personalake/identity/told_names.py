"""A name that a record leaves out and its e-mail address tells: `jane.smith@…` beside the last name smith and no first name.

Who is compared without a first name is anybody of the household. What is read off an address serves comparing alone: it is
no value of the record, and none of a golden record. In Spark for the keys of many records, in Python for all else.
"""

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.common.standardise import long_form

Names = tuple[str | None, str | None]
_PARTS, _LETTERS, _DIGITS = "[._-]+", "[a-z]+", "0123456789"
# Shorter ends of a word are seldom a name: `carson@…` is not of a car called son.
_FEWEST_AT_THE_END, _FEWEST_OF_A_LAST_NAME = 4, 3


def told_names(first: str | None, last: str | None, email: str | None, nicknames: Mapping[str, str]) -> Names:
    """First and last name, the one that is missing read off the e-mail address if the other one stands in it.

    Args:
        first: First name, standardised.
        last: Last name, standardised.
        email: E-mail address in small letters.
        nicknames: Short form: the first name that it stands for.

    >>> told_names(None, "smith", "kate.smith82@x.example", {"kate": "katherine"}), told_names(None, "smith", "jsmith@x", {})
    (('katherine', 'smith'), ('j', 'smith'))
    >>> told_names("jane", None, "jane.smith+shop@x.example", {}), told_names("jane", None, "smith.family@x.example", {})
    (('jane', 'smith'), ('jane', None))
    """
    if email is None or (first is None) == (last is None):
        return first, last
    parts = re.split(_PARTS, email.partition("@")[0].partition("+")[0])
    one, two = (part.rstrip(_DIGITS) for part in (parts[0], parts[1] if len(parts) > 1 else ""))
    if first is None:
        told = _before(one, two, str(last).replace(" ", ""))
        return (nicknames.get(told, told) if re.fullmatch(_LETTERS, told) else None), last
    is_told = len(two) >= _FEWEST_OF_A_LAST_NAME and re.fullmatch(_LETTERS, two)
    return first, (two if is_told and nicknames.get(one, one) == first.replace(" ", "") else None)


def _before(one: str, two: str, last: str) -> str:
    """What stands before the last name, in a part of its own or not; nothing if the last name is not there."""
    if two == last:
        return one
    is_at_the_end = len(last) >= _FEWEST_AT_THE_END and one.endswith(last)
    return one.removesuffix(last) if is_at_the_end else ""


def with_told_names(records: pa.Table, nicknames: Mapping[str, str]) -> pa.Table:
    """Records as they are compared: with the names that their addresses tell.

    Args:
        records: Rows of `silver.match_record`.
        nicknames: As for `told_names`.
    """
    columns = [records[name].combine_chunks() for name in ("first_name", "last_name", "email")]
    first, last, email = (pc.is_valid(column) for column in columns)
    places = np.flatnonzero(pc.and_(email, pc.xor(first, last)))
    firsts, lasts, emails = (column.take(pa.array(places)).to_pylist() for column in columns)
    told = [told_names(*names, nicknames) for names in zip(firsts, lasts, emails, strict=True)]
    mask = np.zeros(records.num_rows, bool)
    mask[places] = True
    for which, name in enumerate(("first_name", "last_name")):
        values = pa.array([names[which] for names in told], pa.string())
        column = pc.replace_with_mask(columns[which], pa.array(mask), values)
        records = records.set_column(records.column_names.index(name), name, column)
    return records


def told_columns(nicknames: Mapping[str, str]) -> dict[str, Column]:
    """The same as Columns over standardised `first_name`, `last_name` and `email`.

    Args:
        nicknames: As for `told_names`.
    """
    first, last = F.col("first_name"), F.col("last_name")
    local = F.substring_index(F.substring_index("email", "@", 1), "+", 1)
    one, two = (
        F.regexp_replace(F.coalesce(F.get(F.split(local, _PARTS), F.lit(place)), F.lit("")), r"[0-9]+\z", "")
        for place in (0, 1)
    )
    whole, given = F.replace(last, F.lit(" "), F.lit("")), F.replace(first, F.lit(" "), F.lit(""))
    start = F.substr(one, F.lit(1), F.length(one) - F.length(whole))
    is_at_the_end = (F.length(whole) >= _FEWEST_AT_THE_END) & one.endswith(whole)
    before = F.when(two == whole, one).when(is_at_the_end, start)
    told = F.when(before.rlike(rf"^{_LETTERS}\z"), long_form(before, nicknames))
    is_told = (F.length(two) >= _FEWEST_OF_A_LAST_NAME) & two.rlike(rf"^{_LETTERS}\z")
    is_own = long_form(one, nicknames) == given
    return {
        "first_name": F.coalesce(first, F.when(last.isNotNull() & F.col("email").isNotNull(), told)),
        "last_name": F.coalesce(last, F.when(first.isNotNull() & F.col("email").isNotNull() & is_told & is_own, two)),
    }
