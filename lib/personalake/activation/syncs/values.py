"""Values as they leave: mapped, put into their usual form, hashed; and pieces of JSON, null by null."""

import json
from collections.abc import Mapping
from functools import reduce
from operator import or_
from typing import Any, TypeVar

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_hash_by
from personalake.config.audiences import Mapped

Value = TypeVar("Value")
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
    return _json([value.alias(name) for name, value in values.items()], erases_nulls)


def nested_object_of(values: Mapping[str, Column], erases_nulls: bool = False) -> Column:
    """The same, where a name with dots stands for objects: `address.city` is the city of the address."""
    if not values:
        return F.lit("{}")
    return _json(_members(tree_of(values), erases_nulls), erases_nulls)


def tree_of(values: Mapping[str, Value]) -> dict[str, Any]:
    """Values by the parts of their names.

    >>> tree_of({"address.city": 1, "address.country": 2, "tier": 3})
    {'address': {'city': 1, 'country': 2}, 'tier': 3}
    """
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *outer, last = name.split(".")
        place = tree
        for part in outer:
            place = place.setdefault(part, {})
        place[last] = value
    return tree


def text_of(value: Column) -> Column:
    """A value as text; a time as it is written everywhere, whatever the session's time zone, lists and objects as JSON."""
    is_written = F.typeof(value).rlike("^(timestamp|array|struct|map)")
    return F.when(is_written, F.get_json_object(object_of({"at": value}), "$.at")).otherwise(value.cast("string"))


def seconds_of(value: Column) -> Column:
    """A time as seconds since 1970; a number is one already, and what is no time is null."""
    return F.coalesce(F.unix_seconds(value.cast("string").try_cast("timestamp")), value.cast("string").try_cast("bigint"))


def text_of_seconds(value: Column) -> Column:
    """A value as text, a time or a day as seconds since 1970."""
    is_time = F.typeof(value).rlike("^(date|timestamp)")
    return F.when(is_time, seconds_of(value).cast("string")).otherwise(text_of(value))


def capitals(value: Column) -> Column:
    """A code in capital letters, without blanks around it."""
    return F.upper(F.trim(value.cast("string")))


def number(name: str, value: Column, erases_nulls: bool = False) -> Column:
    """A member that is a number, also where here it is a text; another text stays, and is refused rather than lost."""
    # A list has no number, and could not be asked for one.
    found = value.cast("string").try_cast("double")
    is_written = (F.typeof(value) == "string") & found.isNotNull()
    as_it_is = inner(object_of({name: value}, erases_nulls))
    return F.when(is_written, inner(object_of({name: found}))).otherwise(as_it_is)


def _json(members: list[Column], erases_nulls: bool) -> Column:
    return F.to_json(F.struct(*members), {**_TIMES, "ignoreNullFields": "false" if erases_nulls else "true"})


def _members(tree: Mapping[str, Any], erases_nulls: bool) -> list[Column]:
    return [
        (value if isinstance(value, Column) else _whole(value, erases_nulls)).alias(name) for name, value in tree.items()
    ]


def _whole(tree: Mapping[str, Any], erases_nulls: bool) -> Column:
    """An object; null where all in it is null, since an empty one would take away what is there."""
    members = F.struct(*_members(tree, erases_nulls))
    if erases_nulls:
        return members
    return F.when(reduce(or_, (members[name].isNotNull() for name in tree)), members)


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
