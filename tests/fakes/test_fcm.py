import base64
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from google.auth import crypt, jwt

from tests.fakes import Fakes, Step
from tests.fakes.ask import Told, ask

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
AUDIENCE = "https://oauth2.googleapis.com/token"


@pytest.fixture(scope="session")
def key_file(started_fakes: Fakes) -> dict[str, str]:
    return started_fakes.fcm.do("service_account")  # type: ignore[no-any-return]


def login(
    fakes: Fakes, key_file: dict[str, str], grant: str = "urn:ietf:params:oauth:grant-type:jwt-bearer", **claims: Any
) -> Told:
    now = int(claims.pop("now", time.time()))
    usual = {"iss": key_file["client_email"], "scope": SCOPE, "aud": AUDIENCE, "iat": now, "exp": now + 3_600}
    assertion = jwt.encode(crypt.RSASigner.from_service_account_info(key_file), {**usual, **claims}).decode()
    return redeem(fakes, assertion, grant)


def redeem(fakes: Fakes, assertion: str, grant: str = "urn:ietf:params:oauth:grant-type:jwt-bearer") -> Told:
    body = urlencode({"grant_type": grant, "assertion": assertion}).encode()
    return ask(fakes.fcm, "/token", body, Content_Type="application/x-www-form-urlencoded")


@pytest.fixture
def token(fakes: Fakes, key_file: dict[str, str]) -> str:
    return f"Bearer {login(fakes, key_file).body['access_token']}"


def send(fakes: Fakes, token: str, message: Any = None, **more: Any) -> Told:
    message = message or {"token": "device-1", "notification": {"title": "Hello"}}
    return ask(fakes.fcm, "/v1/projects/shop-push/messages:send", {"message": message, **more}, Authorization=token)


def code(told: Told) -> str:
    return told.body["error"]["details"][0]["errorCode"]  # type: ignore[no-any-return]


def test_a_message_is_delivered_as_often_as_it_is_sent(fakes: Fakes, token: str) -> None:
    told = send(fakes, token)
    send(fakes, token)

    assert told.body["name"].startswith("projects/shop-push/messages/0:")
    assert [message["token"] for message in fakes.fcm.state()["messages"]] == ["device-1", "device-1"]


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"iss": "somebody@else.iam.gserviceaccount.com"}, "invalid_grant"),
        ({"aud": "https://evil.example/token"}, "invalid_grant"),
        ({"now": time.time() - 7_200}, "invalid_grant"),
        ({"now": time.time() + 7_200}, "invalid_grant"),
        ({"exp": int(time.time()) + 7_200}, "invalid_grant"),
        ({"scope": "https://www.googleapis.com/auth/drive"}, "invalid_scope"),
        ({"grant": "password"}, "unsupported_grant_type"),
    ],
)
def test_an_assertion_must_be_right_in_every_claim(fakes: Fakes, key_file: dict[str, str], claims: Any, error: str) -> None:
    told = login(fakes, key_file, **claims)

    assert (told.status, told.body["error"]) == (400, error)


def test_an_assertion_must_be_signed_by_the_account_and_not_be_changed(fakes: Fakes, key_file: dict[str, str]) -> None:
    now = int(time.time())
    claims = {"iss": key_file["client_email"], "scope": SCOPE, "aud": AUDIENCE, "iat": now, "exp": now + 60}
    good = jwt.encode(crypt.RSASigner.from_service_account_info(key_file), claims).decode()
    head, _, signature = good.split(".")
    changed = base64.urlsafe_b64encode(json.dumps({**claims, "exp": now + 61}).encode()).decode().rstrip("=")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")

    assert redeem(fakes, good).status == 200
    for forged in (f"{head}.{changed}.{signature}", f"{unsigned}.{changed}.", "nonsense", ""):
        assert redeem(fakes, forged).body["error"] == "invalid_grant"


def test_a_token_lives_for_an_hour_on_the_vendors_clock(fakes: Fakes, token: str) -> None:
    fakes.advance(3_600)

    told = send(fakes, token)

    assert (told.status, told.body["error"]["status"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "message",
    [
        {"notification": {"title": "Hello"}},
        {"token": "t", "topic": "news"},
        {"token": "t", "data": {"score": 1}},
        {"token": "t", "data": {"from": "me"}},
        {"token": "t", "data": {"google.sent": "x"}},
        {"token": "t", "notification": {"text": "Hello"}},
        {"token": "t", "android": {"ttl": 60}},
        {"topic": "not a topic"},
        {"token": "t", "to": "u"},
    ],
)
def test_a_message_that_is_not_as_documented_is_an_invalid_argument(fakes: Fakes, token: str, message: Any) -> None:
    told = send(fakes, token, message)

    assert (told.status, code(told)) == (400, "INVALID_ARGUMENT")
    assert fakes.fcm.state()["messages"] == []


def test_a_payload_has_4096_bytes_and_2048_for_a_topic(fakes: Fakes, token: str) -> None:
    def sized(bytes_: int) -> dict[str, str]:
        return {"a": "é" * ((bytes_ - 8) // 2) + "x" * (bytes_ % 2)}

    assert send(fakes, token, {"token": "t", "data": sized(4_096)}).status == 200
    assert send(fakes, token, {"token": "t", "data": sized(4_097)}).status == 400
    assert send(fakes, token, {"topic": "t", "data": sized(2_048)}).status == 200
    assert send(fakes, token, {"topic": "t", "data": sized(2_049)}).status == 400


def test_a_dry_run_is_checked_and_not_delivered(fakes: Fakes, token: str) -> None:
    assert send(fakes, token, validate_only=True).body["name"].endswith("/fake_message_id")
    assert send(fakes, token, {"token": "t", "topic": "u"}, validate_only=True).status == 400
    assert fakes.fcm.state()["messages"] == []
    assert len(fakes.fcm.state()["validated"]) == 1


def test_a_device_that_is_gone_is_unregistered(fakes: Fakes, token: str) -> None:
    fakes.fcm.do("unregister", ["device-1"])

    told = send(fakes, token)

    assert (told.status, told.body["error"]["status"], code(told)) == (404, "NOT_FOUND", "UNREGISTERED")


def test_quota_outage_and_faults_of_the_project(fakes: Fakes, token: str) -> None:
    fakes.fcm.script(
        Step("throttle", at=[1], wait=60),
        Step("no_retry_after", at=[2]),
        Step("status", at=[3], status=503),
        Step("third_party_auth_error", at=[4]),
        Step("revoke", at=[5], status=403),
    )

    quota, silent, outage, apns, disabled = (send(fakes, token) for _ in range(5))

    assert (quota.status, code(quota), quota.headers["retry-after"]) == (429, "QUOTA_EXCEEDED", "60")
    assert (silent.status, "retry-after" in silent.headers) == (429, False)
    assert (outage.status, code(outage), "retry-after" in outage.headers) == (503, "UNAVAILABLE", True)
    assert (apns.status, code(apns)) == (401, "THIRD_PARTY_AUTH_ERROR")
    assert (disabled.status, disabled.body["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert fakes.fcm.state()["messages"] == []
