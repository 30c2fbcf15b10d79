"""What FCM's documents say of the parts of a message that are for one platform."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from personalake.activation.connectors.rules import Rules, is_flag, is_text, is_whole, matching, one_of
from personalake.config.audience_kinds import FCM_OBJECTS, is_of_fcm
from personalake.config.fcm_names import FLAGS_OF_ANDROID, FLAGS_OF_NOTIFICATION, PARTS, TEXTS

_LABEL, _TTL = re.compile(r"[a-zA-Z0-9-_.~%]{1,50}"), re.compile(r"\d+(\.\d{1,9})?s")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})")
_SECONDS, _HTTPS, _COLOUR = re.compile(r"\d+"), re.compile("https://.*", re.DOTALL), re.compile("#[0-9a-fA-F]{6}")
_A_LABEL = (matching(_LABEL), "1 to 50 of letters, digits and -_.~%")
_SINCE_1970 = (matching(_SECONDS), "whole seconds, as a text")
_FLAG, _TEXT = (is_flag, "true or false"), (is_text, "a text")
_PRIORITIES = ("PRIORITY_UNSPECIFIED", "PRIORITY_MIN", "PRIORITY_LOW", "PRIORITY_DEFAULT", "PRIORITY_HIGH", "PRIORITY_MAX")
_VISIBILITIES = ("VISIBILITY_UNSPECIFIED", "PRIVATE", "PUBLIC", "SECRET")
_URGENCIES = ("very-low", "low", "normal", "high")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def _is_durations(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and _TTL.fullmatch(one) for one in value)


# Rules by place; texts that have no rule of their own are texts.
_RULES: Mapping[str, Rules] = {
    "android": {
        "ttl": (matching(_TTL), "seconds with an s behind them, e.g. 3600s"),
        "priority": (one_of(("high", "normal", "HIGH", "NORMAL")), "high or normal"),
        **dict.fromkeys(FLAGS_OF_ANDROID, _FLAG),
    },
    "android.notification": {
        "color": (matching(_COLOUR), "a colour as #rrggbb"),
        "event_time": (matching(_MOMENT), "a time in RFC 3339"),
        "notification_count": (is_whole, "a whole number"),
        "notification_priority": (one_of(_PRIORITIES), f"one of {', '.join(_PRIORITIES)}"),
        "visibility": (one_of(_VISIBILITIES), f"one of {', '.join(_VISIBILITIES)}"),
        "vibrate_timings": (_is_durations, "a list of seconds with an s behind them"),
        **dict.fromkeys(("body_loc_args", "title_loc_args"), (_is_texts, "a list of texts")),
        **dict.fromkeys(FLAGS_OF_NOTIFICATION, _FLAG),
    },
    "apns.headers": {
        "apns-expiration": _SINCE_1970,
        "apns-priority": (one_of(("1", "5", "10")), "10, 5 or 1, as a text"),
    },
    "webpush.headers": {
        "TTL": _SINCE_1970,
        "Urgency": (one_of(_URGENCIES), f"one of {', '.join(_URGENCIES)}"),
    },
    "webpush.fcm_options": {"link": (matching(_HTTPS), "https://")},
}
# Objects that hold texts only, and those of which FCM keeps some keys for itself.
_OF_TEXTS = frozenset({"android.data", "apns.headers", "webpush.headers", "webpush.data"})
_OF_APP = frozenset({"data", "android.data"})


def of_platforms(message: Mapping[str, Any]) -> Iterator[str]:
    """What FCM would answer with INVALID_ARGUMENT, of all that is for one platform; without the values.

    >>> list(of_platforms({"android": {"ttl": 60}, "apns": {"badge": 1}}))
    ['android.ttl is not seconds with an s behind them, e.g. 3600s', 'apns has no badge']
    """
    for platform in FCM_OBJECTS:
        if message.get(platform) is not None:
            yield from _of_object(platform, message[platform])


def not_texts(place: str, values: Any) -> Iterator[str]:
    """What is wrong with an object whose values are texts; null is none."""
    if values is None:
        return
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        yield f"{place} may hold texts only"
    elif place in _OF_APP and (reserved := [key for key in values if is_of_fcm(key)]):
        yield f"{place} holds a key that FCM keeps for itself: {', '.join(reserved)}"


def _of_object(place: str, said: Any) -> Iterator[str]:
    if not isinstance(said, dict):
        yield f"{place} is not an object"
        return
    if place in _OF_TEXTS:
        yield from not_texts(place, said)
    unknown = sorted(said.keys() - PARTS[place]) if place in PARTS else ()
    if unknown:
        yield f"{place} has no {', '.join(unknown)}"
    for name, value in said.items():
        inner = f"{place}.{name}"
        if value is None:
            continue
        if inner in PARTS or inner in _OF_TEXTS:
            yield from _of_object(inner, value)
            continue
        own = _A_LABEL if name == "analytics_label" else _TEXT if inner in TEXTS else None
        rule = _RULES.get(place, {}).get(name, own)
        if rule is not None and not rule[0](value):
            yield f"{inner} is not {rule[1]}"
