"""What FCM calls the parts of a message that are for one platform; a message with another is refused by it as a whole."""

from collections.abc import Iterator, Mapping

_LABELLED = frozenset({"analytics_label"})
_TEXTS = (
    "title", "body", "icon", "color", "sound", "tag", "click_action", "body_loc_key", "title_loc_key", "channel_id",
    "ticker", "image", "notification_priority", "visibility", "proxy",
)  # fmt: skip
FLAGS_OF_NOTIFICATION = (
    "sticky", "local_only", "default_sound", "default_vibrate_timings", "default_light_settings",
    "bypass_proxy_notification",
)  # fmt: skip
FLAGS_OF_ANDROID = ("direct_boot_ok", "bandwidth_constrained_ok", "restricted_satellite_ok")
# Object to what may stand in it; in objects that are not named here anything may.
PARTS: Mapping[str, frozenset[str]] = {
    "android": frozenset({
        "collapse_key", "priority", "ttl", "restricted_package_name", "data", "notification", "fcm_options",
        *FLAGS_OF_ANDROID,
    }),
    "android.notification": frozenset({
        *_TEXTS, *FLAGS_OF_NOTIFICATION, "body_loc_args", "title_loc_args", "event_time", "vibrate_timings",
        "light_settings", "notification_count",
    }),
    "android.fcm_options": _LABELLED,
    "apns": frozenset({"headers", "payload", "fcm_options", "live_activity_token"}),
    "apns.fcm_options": _LABELLED | {"image"},
    "webpush": frozenset({"headers", "data", "notification", "fcm_options"}),
    "webpush.fcm_options": _LABELLED | {"link"},
    "fcm_options": _LABELLED,
}  # fmt: skip
# What is a text wherever it stands, and so a number as one, too.
TEXTS = frozenset({
    "android.collapse_key", "android.priority", "android.restricted_package_name", "apns.live_activity_token",
    "apns.fcm_options.image", "webpush.fcm_options.link",
    *(f"android.notification.{name}" for name in _TEXTS),
    *(f"{place}.analytics_label" for place, parts in PARTS.items() if "analytics_label" in parts),
})  # fmt: skip


def no_parts(name: str) -> Iterator[str]:
    """Which part of a field's name FCM does not know, with what it knows there.

    >>> list(no_parts("webpush.fcm_options.url")), list(no_parts("android.data.anything"))
    (['webpush.fcm_options has no url, but: analytics_label, link'], [])
    """
    parts = name.split(".")
    for place in range(1, len(parts)):
        whole = ".".join(parts[:place])
        if whole in PARTS and parts[place] not in PARTS[whole]:
            yield f"{whole} has no {parts[place]}, but: {', '.join(sorted(PARTS[whole]))}"
