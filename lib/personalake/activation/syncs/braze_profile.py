"""Attributes of a profile at Braze: its own fields in its own forms, all else as custom attributes, objects among them."""

from collections.abc import Iterable, Mapping
from functools import reduce
from itertools import chain
from operator import add
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.syncs.values import capitals, inner, joined, nested, object_of, text_of, tree_of
from personalake.config.audience_kinds import BRAZE_STATES
from personalake.config.audiences import Sync
from personalake.config.sql import may_be_object

# Fields that are moments, also where here they are days.
_MOMENTS = ("date_of_first_session", "date_of_last_session", "marked_email_as_spam_at")
# Codes of countries are no longer; what is longer is a name.
_CODE = 3
# A language and a country: ISO 639-1 is the language alone.
_LOCALE = "^([a-z]{2})[-_][a-z]{2}$"
# A part of a name that stands for every key; below it, levels of objects that are counted by their keys.
_ANY, _DEEP = "*", 3
# How Braze writes genders.
_GENDERS = {
    **dict.fromkeys(("m", "male", "man"), "M"),
    **dict.fromkeys(("f", "female", "woman", "w"), "F"),
    **dict.fromkeys(("o", "other"), "O"),
    **dict.fromkeys(("n", "not applicable"), "N"),
    **dict.fromkeys(("p", "prefer not to say"), "P"),
}


def attributes_of(fields: Mapping[str, Column], erases_nulls: bool) -> Column:
    """Braze's own fields of a profile in the forms that it wants; all else is a custom attribute, as it is.

    Within an object Braze takes no null: it drops the whole object. So what is null is left out there, and an object in
    which nothing is left is null itself.
    """
    written = {name: _of_profile(name, value) for name, value in fields.items()}
    # Nobody is without a state of subscription: where we know none, Braze keeps its own.
    states = object_of({name: value for name, value in written.items() if name in BRAZE_STATES})
    rest = {name: value for name, value in written.items() if name not in BRAZE_STATES}
    if not erases_nulls and all("." not in name for name in rest):
        return joined(inner(object_of(rest)), inner(states))
    members = {name: _member(name, part) for name, part in tree_of(rest).items()}
    if erases_nulls:
        members = {name: F.coalesce(member, nested(name, F.lit("null"))) for name, member in members.items()}
    return joined(*members.values(), inner(states))


def _member(name: str, part: Any) -> Column:
    """An attribute with its name; null where it has no value."""
    if isinstance(part, Column):
        return inner(object_of({name: part}))
    content = joined(*(_within(inside, value) for inside, value in part.items()))
    return F.when(content != "{}", nested(name, content))


def _within(name: str, part: Any) -> Column:
    """The same within an object, where a time is an object of its own."""
    if not isinstance(part, Column):
        return _member(name, part)
    is_time = F.typeof(part).rlike("^(date|timestamp)") & part.isNotNull()
    return F.when(is_time, nested(name, object_of({"$time": part}))).otherwise(_member(name, part))


def _of_profile(name: str, value: Column) -> Column:
    """A value in Braze's form; what has none stays as it is, and is refused by the field's name rather than lost."""
    text = value.cast("string")
    if name == "dob":
        return F.coalesce(F.date_format(value.try_cast("date"), "yyyy-MM-dd"), text)
    if name == "gender":
        letters = F.create_map(*map(F.lit, chain(*_GENDERS.items())))
        return F.coalesce(F.element_at(letters, F.lower(F.trim(text))), text)
    if name == "facebook.id":
        return text
    if name in _MOMENTS:
        return F.coalesce(text_of(value.try_cast("timestamp")), text)
    if name == "country":
        code = capitals(value)
        return F.when(F.length(code) <= _CODE, code).otherwise(F.trim(text))
    if name == "language":
        return F.regexp_replace(F.lower(F.trim(text)), _LOCALE, "$1")
    if name == "phone":
        # E.164 has digits alone behind its plus.
        return F.when(F.ltrim(text).startswith("+"), F.regexp_replace(text, r"[\s()./-]", "")).otherwise(F.trim(text))
    return value


def keys_set(body: Column, names: Iterable[str]) -> Column:
    """How many attributes a body sets, which is what Braze bills: of an object each key, of a state of subscription none.

    Args:
        body: JSON of `attributes_of`.
        names: As `names_billed`.
    """
    tree = tree_of(dict.fromkeys(name for name in names if name not in BRAZE_STATES))
    return _leaves(body, tree) - _size(F.array_intersect(F.json_object_keys(body), F.array(*map(F.lit, BRAZE_STATES))))


def names_billed(sync: Sync) -> list[str]:
    """Fields of a sync; `home.*` for a field `home` that SQL may make an object, of which each key is billed."""
    types = {name: column.type for name, column in sync.columns.items()}
    return [f"{name}.{_ANY}" if may_be_object(one.source, types) else name for name, one in sync.fields.items()]


def keys_taken_away(names: Iterable[str]) -> int:
    """How many attributes are set to null when somebody is taken away: an object goes as a whole.

    >>> keys_taken_away(["address.city", "address.country", "tier", "email_subscribe"])
    2
    """
    return len({name.partition(".")[0] for name in names if name not in BRAZE_STATES})


def _leaves(content: Column, tree: Mapping[str, Any]) -> Column:
    """Values of an object, those of the objects within counted instead of each."""
    if _ANY in tree:
        return _all_leaves(content, _DEEP)
    inner = [(F.get_json_object(content, f"$['{name}']"), part) for name, part in tree.items() if isinstance(part, Mapping)]
    return reduce(add, (F.when(F.json_object_keys(found).isNotNull(), _leaves(found, part) - 1).otherwise(0)
                        for found, part in inner), _size(F.json_object_keys(content)))  # fmt: skip


def _all_leaves(content: Column, deep: int) -> Column:
    """The same where nobody knows the names: so many levels of objects are looked into."""
    keys = F.json_object_keys(content)
    if deep == 0:
        return _size(keys)
    values = F.transform(
        keys, lambda key: F.call_function("get_json_object", content, F.concat(F.lit("$['"), key, F.lit("']")))
    )
    objects = F.filter(values, lambda value: F.json_object_keys(value).isNotNull())
    more = F.aggregate(objects, F.lit(0), lambda so_far, found: so_far + _all_leaves(found, deep - 1) - 1)
    return _size(keys) + F.coalesce(more, F.lit(0))


def _size(keys: Column) -> Column:
    return F.coalesce(F.size(keys), F.lit(0))
