from typing import Any

import pytest
from pydantic import ValidationError

from personalake.activation.connectors import KINDS, connect
from personalake.config.connections import BrazeTrackConnection, OneSignalConnection
from personalake.errors import ConfigError
from tests.activation.connectors.settings import CONNECTION, SETTINGS, connection_of, secret
from tests.activation.doubles import FakeClock


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("sfmc_rows", "subdomain", "evil.example/x"),
        ("sfmc_rows", "subdomain", "a.b"),
        ("sfmc_rows", "subdomain", "x@evil.example"),
        ("sfmc_rows", "rest_endpoint", "https://mc.rest.marketingcloudapis.com.evil.example"),
        ("sfmc_rows", "data_extension", "../../contacts"),
        ("sfmc_rows", "data_extension", ".."),
        ("sfmc_rows", "data_extension", "people\\rows"),
        ("sfmc_rows", "data_extension", "people\n"),
        ("braze_track", "instance", "rest.braze.com.evil.example"),
        ("braze_track", "instance", "evil.example#.braze.com"),
        ("braze_track", "instance", "rest.braze.com:8443"),
        ("braze_track", "endpoint", "http://rest.iad-01.braze.com"),
        ("segment", "endpoint", "https://api.segment.io@evil.example"),
        ("segment", "endpoint", "https://api.segment.io.evil.example"),
        ("segment", "endpoint", "https://127.0.0.1.evil.example"),
        ("tealium", "region", "eu.evil"),
        ("tealium", "account", "a/../../b"),
        ("fcm", "endpoint", "https://fcm.googleapis.com:444"),
        ("fcm", "project", "p/../q"),
        ("onesignal", "endpoint", "https://evil.example"),
        ("webhook", "url", "http://desk.example/"),
        ("webhook", "url", "https://" + "user:pass@desk.example/"),
        ("email", "host", "relay.example"),
    ],
)
def test_a_setting_cannot_send_secrets_elsewhere(kind: str, key: str, value: str) -> None:
    with pytest.raises(ValidationError):
        connection_of(kind, **{key: value})


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("email", "sender", "Shop, Inc <news@shop.example>"),
        ("email", "sender", "news@shop.example, more@shop.example"),
        ("tealium", "erasure_attribute_id", "email"),
        ("tealium", "max_bytes", 1_000_001),
        ("tealium_file", "prefix", "shop_"),
        ("tealium_file", "prefix", "läden"),
        ("tealium_file", "columns", ["visitor_id", "home city"]),
        ("tealium_file", "columns", ["visitor_id", "a#"]),
    ],
)
def test_what_a_vendor_would_not_read_is_refused(kind: str, key: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        connection_of(kind, **{key: value})


@pytest.mark.parametrize("kind", sorted(SETTINGS))
def test_a_secret_itself_is_refused_and_not_repeated(kind: str) -> None:
    for key, value in SETTINGS[kind].items():
        if isinstance(value, str) and value.startswith("secret://"):
            with pytest.raises(ValidationError) as refusal:
                connection_of(kind, **{key: "s3cr3t-value"})
            assert "expected a reference, secret://scope/key" in str(refusal.value)


@pytest.mark.parametrize("kind", ["tealium", "sfmc_journey", "braze_track", "braze_send", "fcm", "webhook", "email"])
def test_a_key_that_nobody_honours_is_no_policy(kind: str) -> None:
    with pytest.raises(ValidationError, match="honours no key"):
        connection_of(kind, unknown="resend_same_key")


def test_an_insert_is_not_repeatable_and_an_upsert_is() -> None:
    with pytest.raises(ValidationError, match="honours no key"):
        connection_of("sfmc_rows", mode="insert")

    assert connection_of("sfmc_rows").unknown == "resend_same_key"


@pytest.mark.parametrize(
    ("rule", "limits"), [("combined75", (75, None)), ("combined50", (50, None)), ("each75", (None, 75))]
)
def test_what_braze_takes_in_one_request_is_a_matter_of_the_contract(rule: str, limits: tuple[Any, Any]) -> None:
    connector = connect("there", connection_of("braze_track", batch_rule=rule), FakeClock(), secret)

    found = connector.declaration.limits
    assert (found.max_items, found.max_each, found.max_bytes) == (*limits, 4_000_000)


@pytest.mark.parametrize(
    ("kind", "key", "most"),
    [
        ("segment", "max_items", 2_500),
        ("segment", "max_message_id", 100),
        ("segment", "window_seconds", 86_400),
        ("segment", "erasure_items", 5_000),
        ("segment_suppression", "max_items", 5_000),
        ("tealium", "max_items", 10),
        ("sfmc_rows", "max_items", 32_000),
        ("braze_track", "max_items", 75),
        ("braze_send", "max_items", 50),
        ("braze_subscription", "max_items", 50),
        ("braze_send", "erasure_items", 50),
        ("onesignal", "max_items", 20_000),
        ("onesignal", "window_seconds", 2_592_000),
        ("fcm", "max_payload_bytes", 4_096),
    ],
)
def test_what_a_vendor_would_refuse_or_drop_in_silence_cannot_be_set(kind: str, key: str, most: int) -> None:
    assert getattr(connection_of(kind, **{key: most}), key) == most

    with pytest.raises(ValidationError, match=rf"less than or equal to {most}|is above .* allows \({most}\)"):
        connection_of(kind, **{key: most + 1})


def test_onesignal_stops_at_ten_times_its_subscribers() -> None:
    connection = connection_of("onesignal", subscribers=500)

    assert isinstance(connection, OneSignalConnection)
    assert (connection.effective_bounds.max_in_window, connection.effective_bounds.window_seconds) == (5_000, 900)


def test_every_kind_of_connection_has_a_connector() -> None:
    assert set(KINDS) == {*SETTINGS, "sftp"}


def test_the_vendors_numbers_are_settings() -> None:
    connection = CONNECTION.validate_python(
        {"kind": "braze_track", "instance": "rest.iad-01.braze.com", "api_key": "secret://b/k", "max_item_bytes": 5}
    )

    assert isinstance(connection, BrazeTrackConnection)
    assert connection.max_item_bytes == 5


def test_a_service_account_that_is_none_is_refused_without_being_shown() -> None:
    with pytest.raises(ConfigError) as refusal:
        connect("there", connection_of("fcm"), FakeClock(), lambda reference: "s3cr3t-value")

    assert "s3cr3t-value" not in str(refusal.value)
