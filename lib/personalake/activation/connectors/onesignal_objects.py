"""What OneSignal's documents say of the values in a message and of a user; what it would cut or refuse is refused here."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from personalake.activation.connectors.rules import (
    Fits,
    Rules,
    is_flag,
    is_number,
    is_object,
    is_text,
    is_whole,
    matching,
    one_of,
    within,
)
from personalake.config.onesignal_names import MESSAGE_TEXTS, NO_TAGS

_LANGUAGE, _COUNTRY = re.compile("[a-z]{2,3}|zh-Han[st]"), re.compile("[A-Z]{2}")
# Kilobytes of what is told to a template, by channel, and of what is handed to the app.
_DATA_BYTES, _CUSTOM_BYTES, _CUSTOM_BYTES_OF_EMAIL = 2_048, 2_048, 10_240
# A day is 86,400 seconds; push services forget after 28.
_LONGEST_TTL = 2_419_200
# Properties and tags of a user in one request.
_MOST_AT_ONCE = 100
_PLAIN = frozenset({"include_aliases", "include_subscription_ids", "target_channel", "template_id"})
_COMMON, _ENGLISH = _PLAIN | {"contents", "headings", "data"}, {"en"}
# No character takes more in JSON, an escaped one: what is short is not written out to be measured.
_MOST_BYTES = 6
_YES_OR_NO = (
    "content_available", "mutable_content", "disable_email_click_tracking", "enable_frequency_cap", "isIos", "isAndroid",
    "isHuawei", "isAdm", "isAnyWeb", "isChromeWeb", "isFirefox", "isSafari", "isWP_WNS", "isChrome",
)  # fmt: skip
_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _is_short(length: int) -> Fits:
    return lambda value: isinstance(value, str) and len(value) <= length


def _is_list(length: int, needed: tuple[str, ...] = ()) -> Fits:
    def fits(one: Any) -> bool:
        return all(isinstance(one, dict) and one.get(name) for name in needed) if needed else isinstance(one, str)

    return lambda value: isinstance(value, list) and len(value) <= length and all(map(fits, value))


def _is_said(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_text, value.values())) and bool(value.get("en"))


_MESSAGE: Rules = {
    **dict.fromkeys(MESSAGE_TEXTS, (_is_said, "texts by language, English among them")),
    "name": (_is_short(128), "a text of 128 characters at most"),
    "collapse_id": (_is_short(64), "a text of 64 characters at most"),
    "ttl": (within(0, _LONGEST_TTL), f"whole seconds, 0 to {_LONGEST_TTL}"),
    # 10 is high, every other one normal.
    "priority": (is_whole, "a whole number"),
    "buttons": (_is_list(3, ("id", "text")), "a list of 3 at most, each with id and text"),
    "web_buttons": (_is_list(2, ("id", "text", "url")), "a list of 2 at most, each with id, text and url"),
    "email_bcc": (_is_list(5), "a list of 5 addresses at most"),
    "sms_media_urls": (_is_list(10), "a list of 10 addresses at most"),
    "ios_badgeType": (one_of(("None", "SetTo", "Increase")), "None, SetTo or Increase"),
    "ios_badgeCount": (is_whole, "a whole number"),
    "ios_interruption_level": (
        one_of(("active", "passive", "time_sensitive", "critical")),
        "active, passive, time_sensitive or critical",
    ),
    "ios_relevance_score": (within(0, 1, is_number), "a number of 0 to 1"),
    "ios_attachments": (lambda value: isinstance(value, dict) and all(map(is_text, value.values())), "texts by id"),
    **dict.fromkeys(("android_visibility", "huawei_visibility"), (one_of((-1, 0, 1)), "1, 0 or -1")),
    "summary_arg_count": (is_whole, "a whole number"),
    **dict.fromkeys(("android_background_layout", "apns_alert"), (is_object, "an object")),
    "huawei_msg_type": (one_of(("message", "data")), "message or data"),
    "huawei_badge_set_num": (within(0, 99), "a whole number of 0 to 99"),
    "huawei_badge_add_num": (within(1, 99), "a whole number of 1 to 99"),
    "delayed_option": (one_of(("timezone", "last-active", "immediate")), "timezone, last-active or immediate"),
    "throttle_rate_per_minute": (is_whole, "a whole number"),
    **dict.fromkeys(_YES_OR_NO, (is_flag, "true or false")),
}
_NO_TEXTS = frozenset({*_MESSAGE, "data", "custom_data"})
_USER: Rules = {
    "language": (matching(_LANGUAGE), "a language of ISO 639-1, zh-Hans or zh-Hant"),
    "timezone_id": (is_text, "a text, e.g. Europe/Berlin"),
    "country": (matching(_COUNTRY), "two letters of ISO 3166-1"),
    "lat": (within(-90, 90, is_number), "a number of -90 to 90"),
    "long": (within(-180, 180, is_number), "a number of -180 to 180"),
    **dict.fromkeys(("first_active", "last_active"), (is_whole, "whole seconds since 1970")),
    "ip": (is_text, "a text"),
}


def misspelt_message(message: Mapping[str, Any]) -> str | None:
    """What is wrong with the values of a message, without repeating them; null if nothing is.

    >>> misspelt_message({"contents": {"en": "Hi"}, "ttl": "60"})
    'ttl is not whole seconds, 0 to 2419200'
    """
    return None if _is_plain(message) else next(_of_message(message), None)


def misspelt_user(properties: Mapping[str, Any]) -> str | None:
    """The same of a user's properties.

    >>> misspelt_user({"country": "Germany", "tags": {"tier": "gold"}})
    'country is not two letters of ISO 3166-1'
    """
    return next(_of_user(properties), None)


def _is_plain(message: Mapping[str, Any]) -> bool:
    """Whether a message has nothing about which there could be a question, as most have: a title, a text, little else."""
    if not message.keys() <= _COMMON:
        return False
    for text in (message.get("contents"), message.get("headings")):
        if text is not None and not (
            type(text) is dict and text.keys() == _ENGLISH and type(text["en"]) is str and text["en"]
        ):
            return False
    data = message.get("data")
    return data is None or (type(data) is dict and len(repr(data)) * _MOST_BYTES <= _DATA_BYTES)


def _of_message(message: Mapping[str, Any]) -> Iterator[str]:
    for name, value in message.items():
        if name in _PLAIN:
            continue
        is_right, wanted = _MESSAGE.get(name, (None, ""))
        if is_right is not None and not is_right(value):
            yield f"{name} is not {wanted}"
        elif name not in _NO_TEXTS and not isinstance(value, str):
            yield f"{name} is not a text"
    of_custom = _CUSTOM_BYTES_OF_EMAIL if message.get("target_channel") == "email" else _CUSTOM_BYTES
    for name, most in (("data", _DATA_BYTES), ("custom_data", of_custom)):
        told = message.get(name)
        if told is None:
            continue
        if not isinstance(told, dict):
            yield f"{name} is not an object"
        elif (size := len(_compact(told).encode())) > most:
            yield f"oversize: {size} bytes of {name}, {most} at most"


def _of_user(properties: Mapping[str, Any]) -> Iterator[str]:
    tags = properties.get("tags", {})
    if not isinstance(tags, dict) or not all(map(is_text, tags.values())):
        yield "tags may hold texts only"
        return
    if not NO_TAGS.isdisjoint(tags):
        yield f"tags hold a name that OneSignal keeps for itself: {', '.join(sorted(NO_TAGS & tags.keys()))}"
    for name, value in properties.items():
        is_right, wanted = _USER.get(name, (None, ""))
        if is_right is None and name != "tags":
            yield f"a user has no {name} of its own; write a tag"
        elif is_right is not None and not is_right(value):
            yield f"{name} is not {wanted}"
    if (changed := len(tags) + len(properties) - ("tags" in properties)) > _MOST_AT_ONCE:
        yield f"{changed} properties and tags, {_MOST_AT_ONCE} at most in one request"
