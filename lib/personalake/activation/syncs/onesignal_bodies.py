"""Bodies of OneSignal: a message to many in one content, and what is set of one user."""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.syncs.values import (
    inner,
    joined,
    nested,
    nested_object_of,
    number,
    object_of,
    pair,
    seconds_of,
    text_of,
    text_of_seconds,
)
from personalake.config.audiences import Sync
from personalake.config.onesignal_names import AS_IT_IS, MESSAGE_TEXTS, USER_PROPERTIES

Fields = Mapping[str, Column]
_SECONDS, _DEGREES = ("first_active", "last_active"), ("lat", "long")
# A language and a country; a script stays, with a capital letter.
_LOCALE, _SCRIPT = "^([a-z]{2,3})[-_][a-z]{2}$", "^([a-z]{2,3})[-_]han([st])$"


def message(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """Contents in English, what a message has of its own as it is; all else is for the template, or for the app."""
    texts = [_unless_empty(name, object_of({"en": text_of(fields[name])})) for name in MESSAGE_TEXTS if name in fields]
    own = {name: value for name, value in fields.items() if name.partition(".")[0] in AS_IT_IS}
    rest = {name: value for name, value in fields.items() if name not in {*MESSAGE_TEXTS, *own}}
    # Templates and e-mails read `custom_data`; the app on the phone is handed `data`.
    told = "custom_data" if sync.template_id is not None or sync.channel != "push" else "data"
    return joined(*texts, inner(nested_object_of(own)), _unless_empty(told, nested_object_of(rest)))


def user(sync: Sync, fields: Fields, erases_nulls: bool) -> Column:
    """A user's tags as texts, and what OneSignal itself knows of them; that somebody is a member is a tag, too.

    A time among the tags is seconds since 1970, by which alone OneSignal compares times.
    """
    tags = {name: text_of_seconds(value) for name, value in fields.items() if name not in USER_PROPERTIES}
    if erases_nulls:
        tags = {name: F.coalesce(value, F.lit("")) for name, value in tags.items()}
    if sync.membership is not None:
        tags[sync.membership] = F.lit("true")
    own = [_of_user(name, value) for name, value in fields.items() if name in USER_PROPERTIES]
    return joined(*own, nested("tags", object_of(tags)))


def _unless_empty(name: str, content: Column) -> Column:
    return F.when(content != "{}", nested(name, content))


def _of_user(name: str, value: Column) -> Column:
    """A property in OneSignal's form; what has none stays as it is, and is refused by the property's name."""
    if name in _DEGREES:
        return number(name, value)
    text = value.cast("string")
    if name in _SECONDS:
        return F.coalesce(pair(name, seconds_of(value)), pair(name, text))
    if name == "country":
        return pair(name, F.upper(F.trim(text)))
    if name == "language":
        language = F.regexp_replace(F.lower(F.trim(text)), _LOCALE, "$1")
        return pair(name, F.regexp_replace(language, _SCRIPT, "$1-Han$2"))
    return pair(name, text)
