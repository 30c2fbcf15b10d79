"""Values as they leave: mapped, put into their usual form, hashed; and pieces of JSON, null by null."""

import json
from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_hash_by
from personalake.config.audiences import Mapped

_TIMES = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "timeZone": "UTC"}


def mapped(one: Mapped, blocks: tuple[Column, Column] | None = None) -> Column:
    """A value as it leaves; null where there is none.

    An e-mail address is hashed in small letters without blanks around it, a phone number as plus and digits.

    Args:
        one: Where it comes from, and how it is hashed.
        blocks: Inner and outer block of the key of an hmac, as columns: literals show in query plans.
    """
    value = F.expr(one.source)
    if one.hashing == "none":
        return value
    text = F.trim(value.cast("string"))
    if one.hashing == "sha256_email":
        text = F.lower(text)
    elif one.hashing == "sha256_phone":
        digits = F.regexp_replace(text, r"[^0-9]", "")
        text = F.when(digits != "", F.concat(F.lit("+"), digits))
    present = F.when(text != "", text)
    if one.hashing == "hmac":
        if blocks is None:
            raise ValueError("an hmac needs a key")
        return keyed_hash_by(*blocks, present)
    return F.sha2(present, 256)


def object_of(values: Mapping[str, Column], erases_nulls: bool = False) -> Column:
    """Values as a JSON object; a null is left out, or written down if it is to erase."""
    if not values:
        return F.lit("{}")
    options = {**_TIMES, "ignoreNullFields": "false" if erases_nulls else "true"}
    return F.to_json(F.struct(*(value.alias(name) for name, value in values.items())), options)


def pair(name: str, value: Column | str | bool) -> Column:
    """One member of a JSON object."""
    if not isinstance(value, Column):
        return F.lit(f"{json.dumps(name)}:{json.dumps(value, ensure_ascii=False)}")
    return inner(object_of({name: value}))


def nested(name: str, value: Column) -> Column:
    """One member whose value is JSON already."""
    return F.concat(F.lit(f"{json.dumps(name)}:"), value)


def inner(content: Column) -> Column:
    """The members of a JSON object, null if it has none."""
    return F.when(content != "{}", F.substring(content, F.lit(2), F.length(content) - 2))


def joined(*members: Column | None) -> Column:
    """Members as one JSON object; null ones are left out."""
    given = [member for member in members if member is not None]
    return F.concat(F.lit("{"), F.concat_ws(",", *given), F.lit("}"))
