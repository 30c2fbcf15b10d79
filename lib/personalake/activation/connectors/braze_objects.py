"""What Braze's documents say of the values in an object of `/users/track`; what it would drop or refuse is refused here."""

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from personalake.activation.connectors.braze_shop import of_shop
from personalake.activation.connectors.rules import (
    CURRENCY,
    Rules,
    is_currency,
    is_flag,
    is_number,
    is_object,
    is_text,
    is_whole,
    matching,
    one_of,
)
from personalake.config.audience_kinds import BRAZE_STATES
from personalake.config.braze_events import NEEDED

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# ISO 8601, or yyyy-MM-dd'T'HH:mm:ss:SSSZ.
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:[.:]\d{1,9})?)?(?: ?(?:Z|[+-]\d{2}(?::?\d{2})?))?")
# A day is one in ISO 8601; the others are in Braze's list of forms of a date.
_DATE = re.compile(rf"{_DAY.pattern}|\d{{2}}/\d{{2}}/\d{{4}}|{_TIME.pattern}")
# Within an object a year beyond these is not kept.
_YEAR, _LAST_YEAR = re.compile(r"\d{4}"), 3000
# Two letters are asked for; of a name or of three letters Braze makes the two as well as it can.
_COUNTRY = re.compile(r"[A-Z]{2}|[^\W\d_][\w .,'()&-]{2,}")
# ISO 639-1, perhaps with a script or a country behind it, as Braze's list has a few.
_LANGUAGE = re.compile("[a-z]{2}(?:[-_][A-Za-z]{2,4})?")
# Names in an object that say what is to be done with it.
_DOING = frozenset({"$time", "$add", "$update", "$remove", "$identifier_key", "$identifier_value", "$new_object"})
_ODD = frozenset(" .$")
# Fields of a profile that are no custom attributes, and of another length.
_LONG = frozenset({"external_id", "email", "image_url"})
_GENDERS = frozenset({"M", "F", "O", "N", "P"})
_SUBSCRIPTIONS = frozenset({"opted_in", "unsubscribed", "subscribed"})
_LONGEST, _MOST_AT_ONCE = 255, 100
# Bytes of properties with lists or objects among them: of events Braze takes twice as many as of purchases.
_MOST_PROPERTY_BYTES = {"event": 100_000, "purchase": 50_000}
# Names of an event itself: a property called so is an error.
_OF_EVENTS = frozenset({"time", "event_name"})
_MEMBER_STATES = frozenset({"subscribed", "unsubscribed"})


def _is_quantity(value: Any) -> bool:
    return is_whole(value) and 1 <= value <= _MOST_AT_ONCE


@lru_cache(maxsize=4_096)
def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return _DAY.fullmatch(value) is not None


def _is_day(value: Any) -> bool:
    return isinstance(value, str) and _is_date(value)


def _is_in_object(value: Any) -> bool:
    """Whether a time within an object is one that Braze keeps; another lets it drop the whole object."""
    return isinstance(value, str) and _DATE.fullmatch(value) is not None and int(_YEAR.findall(value)[0]) <= _LAST_YEAR


def _is_place(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_number, (value.get("longitude"), value.get("latitude"))))


def _is_memberships(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(one, dict) and one.get("subscription_group_id") and one.get("subscription_state") in _MEMBER_STATES
        for one in value
    )


def _is_devices(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and one.get("app_id") and one.get("token") for one in value)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST


# A null takes a value away, and always will do.
_SUBSCRIPTION = (one_of(_SUBSCRIPTIONS), "opted_in, subscribed or unsubscribed")
_WHEN = (matching(_TIME), "a time in ISO 8601")
_SINCE = (matching(_DATE), "a day or a time in ISO 8601")
_HASH = (is_object, "an object")
_FLAG = (is_flag, "true or false")
_PROFILE: Rules = {
    # Of a time zone that it does not know, Braze takes no notice; beside those of IANA it knows names of its own.
    **dict.fromkeys(("first_name", "last_name", "home_city", "image_url", "time_zone"), (is_text, "a text")),
    "dob": (_is_day, "a day as YYYY-MM-DD"),
    "current_location": (_is_place, "an object of longitude and latitude, numbers"),
    "subscription_groups": (_is_memberships, "a list of subscription_group_id with subscription_state"),
    "push_tokens": (_is_devices, "a list of app_id with token"),
    "country": (matching(_COUNTRY), "two letters of ISO 3166-1, or a name"),
    "language": (matching(_LANGUAGE), "two letters of ISO 639-1"),
    "gender": (one_of(_GENDERS), "M, F, O, N or P"),
    **dict.fromkeys(BRAZE_STATES, _SUBSCRIPTION),
    **dict.fromkeys(("email_click_tracking_disabled", "email_open_tracking_disabled", "push_token_import"), _FLAG),
    **dict.fromkeys(("date_of_first_session", "date_of_last_session", "marked_email_as_spam_at"), _SINCE),
    **dict.fromkeys(("facebook", "twitter"), _HASH),
}
_EVENT: Rules = {"name": (_is_name, f"1 to {_LONGEST} characters"), "time": _WHEN}
_PURCHASE: Rules = {
    "product_id": (_is_name, f"1 to {_LONGEST} characters"),
    "currency": (is_currency, CURRENCY),
    "price": (is_number, "a number"),
    "quantity": (_is_quantity, f"a whole number of 1 to {_MOST_AT_ONCE}"),
    "time": _WHEN,
}
_RULES: Mapping[str, Rules] = {"attributes": _PROFILE, "event": _EVENT, "purchase": _PURCHASE}
_NAMES = {operation: frozenset(rules) for operation, rules in _RULES.items()}
PROFILE = _NAMES["attributes"]


def misspelt(operation: str, payload: Mapping[str, Any]) -> str | None:
    """What is wrong with the values of an item, without repeating them; null if nothing is.

    >>> misspelt("attributes", {"external_id": "u", "dob": "17.5.1980"})
    'dob is not a day as YYYY-MM-DD'
    """
    if not payload.keys().isdisjoint(_NAMES[operation]):
        for name, (will_do, wanted) in _RULES[operation].items():
            value = payload.get(name)
            is_said = value is not None or (name in BRAZE_STATES and name in payload)
            if is_said and not will_do(value):
                return f"{name} is not {wanted}"
    if operation == "attributes":
        return of_attributes(payload)
    properties = payload.get("properties")
    found = None if properties is None else _of_properties(operation, properties)
    is_of_shop = operation == "event" and payload.get("name") in NEEDED
    return of_shop(payload["name"], properties or {}) if found is None and is_of_shop else found


def of_attributes(payload: Mapping[str, Any]) -> str | None:
    """What is wrong with a company's own attributes, without repeating their values; null if nothing is.

    Braze cuts a long text short, and drops an object with a null, or with a name of its own, without a word.
    """
    for name, value in payload.items():
        if len(name) > _LONGEST:
            return f"the name of an attribute is longer than {_LONGEST} characters"
        kind = type(value)
        if kind is str:
            if len(value) > _LONGEST and name not in _LONG:
                return f"the attribute {name} is longer than {_LONGEST} characters"
        elif (kind is dict or kind is list) and name != "user_alias":
            found = _of_object(value)
            if found is not None:
                return f"the attribute {name} {found}"
    return None


def _of_object(value: Any) -> str | None:
    if isinstance(value, str):
        return f"holds more than {_LONGEST} characters" if len(value) > _LONGEST else None
    if not isinstance(value, dict | list):
        return None
    if None in (value if isinstance(value, list) else value.values()):
        return "holds a null, for which Braze drops all of it"
    if isinstance(value, list):
        return next(filter(None, map(_of_object, value)), None)
    if "$time" in value and not _is_in_object(value["$time"]):
        return "holds a $time that is no time of a year up to 3000, for which Braze drops all of it"
    if any(name not in _DOING and not _ODD.isdisjoint(name) for name in value):
        return "holds a name with a blank, a dot or a dollar sign"
    return next(filter(None, map(_of_object, value.values())), None)


def _of_properties(operation: str, properties: Any) -> str | None:
    if not isinstance(properties, dict):
        return "properties is not an object"
    if not _OF_EVENTS.isdisjoint(properties):
        return f"properties hold a name that Braze keeps for itself: {', '.join(sorted(_OF_EVENTS & properties.keys()))}"
    for name, value in properties.items():
        if not name or name[0] == "$" or len(name) > _LONGEST:
            return f"a property's name is empty, longer than {_LONGEST} characters, or begins with $"
        if type(value) is str and len(value) > _LONGEST:
            return f"the property {name} is longer than {_LONGEST} characters"
    if any(type(value) in (dict, list) for value in properties.values()):
        size = len(json.dumps(properties, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"))
        most = _MOST_PROPERTY_BYTES[operation]
        if size > most:
            return f"oversize: {size} bytes of properties, {most} at most where there are lists or objects"
    return None
