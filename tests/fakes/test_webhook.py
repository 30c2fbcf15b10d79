import base64
import hashlib
import hmac
import json
import time
from typing import Any

import pytest

from tests.fakes import Fakes, Step
from tests.fakes.ask import Told, ask


def send(fakes: Fakes, number: str = "d-1", at: float | None = None, key: str | None = None, **changes: Any) -> Told:
    body = json.dumps({"ticket": 1}).encode()
    stamp = str(int(time.time() if at is None else at))
    raw = base64.b64decode((key or fakes.webhook.secret).removeprefix("whsec_"))
    signed = base64.b64encode(hmac.new(raw, f"{number}.{stamp}.".encode() + body, hashlib.sha256).digest()).decode()
    headers = {"webhook_id": number, "webhook_timestamp": stamp, "webhook_signature": f"v1,{signed}"}
    return ask(fakes.webhook, "/tickets", changes.pop("body", body), **{**headers, **changes})


def test_a_signed_delivery_is_held_each_time_and_its_id_recognised(fakes: Fakes) -> None:
    assert [send(fakes).status for _ in range(2)] == [200, 200]
    assert fakes.webhook.state()["deliveries"] == [{"id": "d-1", "path": "/tickets", "body": {"ticket": 1}}] * 2
    assert fakes.webhook.counters()["duplicates"] == 1


def test_a_help_desk_wants_a_login_and_a_ticket(fakes: Fakes) -> None:
    fakes.webhook.configure(is_desk=True)
    login = f"Basic {base64.b64encode(fakes.webhook.login.encode()).decode()}"

    assert send(fakes).status == 401
    assert send(fakes, Authorization=login).status == 422
    assert fakes.webhook.state()["tickets"] == []


def test_a_receiver_may_drop_repetitions(fakes: Fakes) -> None:
    fakes.webhook.configure(deduplicates=True)

    assert [send(fakes).status for _ in range(2)] == [200, 200]
    assert len(fakes.webhook.state()["deliveries"]) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": b'{"ticket": 2}'}, "signature"),
        ({"key": "whsec_" + base64.b64encode(b"another").decode()}, "signature"),
        ({"webhook_id": "d-2"}, "signature"),
        ({"at": time.time() - 3_600}, "timestamp"),
        ({"webhook_timestamp": ""}, "headers"),
    ],
)
def test_what_is_not_signed_for_this_body_id_and_time_is_refused(fakes: Fakes, changes: dict[str, Any], reason: str) -> None:
    assert send(fakes, **changes).status == 401
    assert fakes.webhook.counters()["rejects"] == {reason: 1}
    assert fakes.webhook.state()["deliveries"] == []


def test_a_redirect_leads_to_where_nobody_should_go_and_gone_means_stop(fakes: Fakes) -> None:
    fakes.webhook.script(Step("redirect", at=[1]), Step("gone", at=[2]))

    redirect, gone = send(fakes), send(fakes)

    assert (redirect.status, redirect.headers["location"]) == (302, "http://169.254.169.254/latest/meta-data/")
    assert gone.status == 410


def test_a_receiver_may_want_a_token_too(fakes: Fakes) -> None:
    fakes.webhook.configure(needs_bearer=True)

    assert send(fakes).status == 401
    assert send(fakes, Authorization=f"Bearer {fakes.webhook.bearer}").status == 200
