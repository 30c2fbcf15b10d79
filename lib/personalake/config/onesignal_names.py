"""What OneSignal calls the parts of a message and of a user; all other names are the sync's own."""

# Texts of a message, each by language.
MESSAGE_TEXTS = ("contents", "headings", "subtitle", "android_group_message", "adm_group_message")
# What stands as it is in a message: for all channels, for push on each platform, for e-mail, for text messages.
_ANY = ("name", "send_after", "delayed_option", "delivery_time_of_day", "throttle_rate_per_minute")
_PUSH = (
    "url", "web_url", "app_url", "ttl", "priority", "collapse_id", "web_push_topic", "buttons", "web_buttons",
    "content_available", "mutable_content", "target_content_identifier", "enable_frequency_cap",
    "isIos", "isAndroid", "isHuawei", "isAdm", "isAnyWeb", "isChromeWeb", "isFirefox", "isSafari", "isWP_WNS", "isChrome",
    "ios_attachments", "ios_category", "ios_interruption_level", "ios_sound", "ios_badgeType", "ios_badgeCount",
    "ios_relevance_score", "thread_id", "summary_arg", "summary_arg_count", "apns_push_type_override", "apns_alert",
    "big_picture", "small_icon", "large_icon", "android_channel_id", "existing_android_channel_id",
    "android_accent_color", "android_group", "android_background_layout", "android_sound",
    "android_led_color", "android_visibility",
    "adm_big_picture", "adm_small_icon", "adm_large_icon", "adm_group", "adm_sound", "wp_wns_sound",
    "chrome_web_image", "chrome_web_icon", "chrome_web_badge", "chrome_big_picture", "chrome_icon", "firefox_icon",
    "huawei_big_picture", "huawei_small_icon", "huawei_large_icon", "huawei_channel_id", "huawei_existing_channel_id",
    "huawei_accent_color", "huawei_category", "huawei_msg_type", "huawei_bi_tag", "huawei_badge_class",
    "huawei_badge_set_num", "huawei_badge_add_num", "huawei_sound", "huawei_led_color", "huawei_visibility",
)  # fmt: skip
_EMAIL = (
    "email_subject", "email_body", "email_preheader", "email_from_name", "email_from_address", "email_sender_domain",
    "email_reply_to_address", "email_bcc", "disable_email_click_tracking",
)  # fmt: skip
_SMS = ("sms_from", "sms_media_urls")
AS_IT_IS = frozenset((*_ANY, *_PUSH, *_EMAIL, *_SMS))
# What a request says of whom it goes to and what it is, and so no field: who unsubscribed is written to by none, either.
NO_FIELDS = frozenset({
    "app_id", "idempotency_key", "external_id", "target_channel", "template_id", "data", "custom_data", "filters",
    "include_aliases", "include_subscription_ids", "included_segments", "excluded_segments", "email_to",
    "include_email_tokens", "include_phone_numbers", "include_player_ids", "include_external_user_ids",
    "include_unsubscribed",
})  # fmt: skip
# What OneSignal itself knows of a user; all else is tags.
USER_PROPERTIES = ("language", "timezone_id", "country", "lat", "long", "first_active", "last_active", "ip")
# What its templates call something else; a tag of that name could not be read in them.
NO_TAGS = frozenset({
    "message", "notification", "subscription", "user", "template", "app", "org", "dynamic_content", "data_feed", "journey",
    "custom_data",
})  # fmt: skip
