"""Whatever is sent to a fake, it is the vendor who answers, never a mistake of the fake."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import Fakes
from tests.fakes.ask import basic
from tests.fakes.braze import Braze
from tests.fakes.clock import FakeClock
from tests.fakes.onesignal import OneSignal
from tests.fakes.salesforce import Salesforce
from tests.fakes.segment import Segment
from tests.fakes.tealium import Tealium
from tests.fakes.test_documented import FORMS
from tests.fakes.vendor import Call, Vendor
from tests.fakes.wire import loads, measured

KEYS = sorted({key for _, _, body in FORMS if isinstance(body, dict) for key in body})
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4) | st.sampled_from(["subscribed", "track", "p-1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
ENDPOINTS: list[tuple[type[Vendor], str, str, str]] = [
    (Segment, "POST", "/v1/batch", basic(Segment.write_key)),
    (Segment, "POST", "/v1/track", basic(Segment.write_key)),
    (Segment, "POST", "/regulations", f"Bearer {Segment.api_token}"),
    (Braze, "POST", "/users/track", f"Bearer {Braze.api_key}"),
    (Braze, "POST", "/campaigns/trigger/send", f"Bearer {Braze.api_key}"),
    (Braze, "POST", "/v2/subscription/status/set", f"Bearer {Braze.api_key}"),
    (Braze, "POST", "/users/delete", f"Bearer {Braze.api_key}"),
    (Tealium, "POST", "/v3/collect/bulk-event", "issued"),
    (Tealium, "POST", "/v3/collect/event", "issued"),
    (Salesforce, "PUT", "/data/v1/async/dataextensions/key:people/rows", "issued"),
    (Salesforce, "POST", "/hub/v1/dataevents/key:people/rowset", "issued"),
    (Salesforce, "POST", "/interaction/v1/events", "issued"),
    (Salesforce, "POST", "/v2/token", ""),
    (OneSignal, "POST", "/notifications", f"Key {OneSignal.api_key}"),
]


def bodies(vendor: str) -> st.SearchStrategy[Any]:
    """Anything, and what the vendor documents with some keys too many or of another kind."""
    forms = st.sampled_from([body for name, _, body in FORMS if name == vendor])
    extras = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=2)
    return VALUES | st.builds(lambda body, extra: {**body, **extra} if isinstance(body, dict) else body, forms, extras)


@settings(max_examples=400)
@given(
    data=st.data(), endpoint=st.sampled_from(ENDPOINTS), wrap=st.sampled_from(["", "batch", "attributes", "events", "items"])
)
def test_no_body_crashes_a_vendor(data: st.DataObject, endpoint: tuple[type[Vendor], str, str, str], wrap: str) -> None:
    body = data.draw(bodies(endpoint[0].name))
    make, method, path, authorization = endpoint
    vendor = make(FakeClock(1_500_000_000.0))
    if authorization == "issued":
        authorization = f"Bearer {vendor.tokens.issue(vendor.clock(), 60)}"  # type: ignore[attr-defined]
    headers = {"Content-Type": "application/json", "Authorization": authorization}
    raw = json.dumps({wrap: [body, body]} if wrap else body).encode()

    reply = vendor.answer(Call(method, path, {}, headers, raw))

    assert vendor.counters.crashes == []
    assert 200 <= reply.status < 500
    json.dumps(vendor.state())
    vendor.digest()


@settings(max_examples=200)
@given(
    items=st.lists(VALUES, max_size=4),
    rest=st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
    space=st.sampled_from(["", " ", "\n\t"]),
)
def test_the_bytes_of_each_item_are_those_on_the_wire(items: list[Any], rest: dict[str, Any], space: str) -> None:
    texts = [json.dumps(item, ensure_ascii=False) for item in items]
    others = "".join(f",{space}{json.dumps(key)}{space}:{json.dumps(value)}" for key, value in rest.items() if key != "list")
    body = f'{{{space}"list"{space}:{space}[{space}{f"{space},{space}".join(texts)}{space}]{others}}}{space}'.encode()

    found, sizes = measured(body, "list")

    assert found == loads(body)
    assert sizes["list"] == [len(text.encode()) for text in texts]


def test_a_crash_of_a_fake_is_told_to_the_test(fakes: Fakes) -> None:
    vendor = Braze(FakeClock())
    vendor._track = lambda call: 1 / 0  # type: ignore[method-assign, assignment, return-value]

    vendor.answer(Call("POST", "/users/track", {}, {}, b"{}"))

    assert "ZeroDivisionError" in vendor.counters.crashes[0]
    assert fakes.braze.counters()["crashes"] == []


def test_a_digest_does_not_depend_on_the_order_and_counts_repetitions() -> None:
    def held(*names: str) -> Any:
        vendor = Braze(FakeClock())
        vendor.events = [{"name": name} for name in names]
        return vendor.digest()["events"]

    assert held("a", "b", "b") == held("b", "a", "b")
    assert held("a", "b", "b") != held("a", "a", "b")
    assert held("a", "b", "b")["count"] == 3
