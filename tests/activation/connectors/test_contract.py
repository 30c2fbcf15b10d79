"""What every connector must be; a new one is added to `settings.py` and `matrix.py`, and passes this."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation.connectors.base import HttpConnector
from personalake.activation.connectors.braze_track import BrazeTrack
from personalake.activation.contract import one_by_one
from personalake.activation.delivery import Delivery, Outcome, Pack
from personalake.activation.packing import packed
from tests.activation.connectors.settings import SETTINGS, connector_of
from tests.activation.doubles import START
from tests.activation.matrix import CASES

KINDS = sorted(SETTINGS)
FILES = {"csv_drop", "object_store", "sftp", "tealium_file"}
HTTP = sorted(set(CASES) - FILES - {"email"})
# Control characters, quotes, emoji, right-to-left text, formulas, long values.
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["=1+1", "\u202eabc", "שלום", "👩‍👩‍👧", "\x00\x1f", '"', "\\", "\u2028", "x" * 5_000]),
)


@pytest.mark.parametrize("kind", KINDS)
def test_a_connector_declares_what_it_promises_and_how_it_is_treated(kind: str) -> None:
    declaration = connector_of(kind).declaration

    assert declaration.kind == kind
    assert len(declaration.guarantee) > 20
    assert declaration.limits.max_items or declaration.limits.max_each
    assert declaration.is_repeatable == (declaration.unknown == "resend_same_key")
    assert declaration.max_in_flight >= 1
    assert declaration.chunk_items >= (declaration.limits.max_items or 1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("payload", ["", "{", "[]", "null", '"text"', "1", "{}", '{"a":'])
def test_a_payload_that_is_nothing_to_the_destination_is_said_to_be_so(kind: str, payload: str) -> None:
    connector = connector_of(kind)

    (part, *_) = packed([Delivery("d", "p", "event", payload)], connector, START)
    problem = part.reason if isinstance(part, Outcome) else None

    # A row of a file may be empty, and a webhook may carry anything: they are not the vendor's to refuse.
    assert problem is not None or (payload == "{}" and kind in ("csv_drop", "object_store", "webhook"))


WORDS = ["userId", "type", "track", "messageId", "event", "keys", "values", "id", "recipients", "campaign_id",
         "external_id", "subscription_group_id", "subscription_state", "include_aliases", "target_channel", "contents",
         "token", "data", "to", "subject", "unsubscribe_url", "visitor_id", "tealium_event", "name", "time", "push",
         "subscribed"]  # fmt: skip
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(WORDS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(values=st.lists(st.dictionaries(st.sampled_from(WORDS), ANY_JSON, max_size=8), max_size=4))
def test_no_payload_whatever_breaks_the_packing_or_the_making_of_a_request(kind: str, values: list[Any]) -> None:
    connector = connector_of(kind)
    ones = [Delivery(f"d{n}", f"p{n}", "event", json.dumps(value)) for n, value in enumerate(values)]

    parts = list(packed(ones, connector, START))

    assert sum(len(part.deliveries) if isinstance(part, Pack) else 1 for part in parts) == len(ones)
    if isinstance(connector, HttpConnector):
        for pack in (part for part in parts if isinstance(part, Pack)):
            assert json.loads(connector.request(pack).body) is not None


SOUND_OR_NOT = st.one_of(
    st.dictionaries(st.sampled_from(WORDS), ANY_JSON, max_size=6).map(json.dumps),
    st.sampled_from(["[]", "{", "", ' {"a": 1}', '{"a": 1} x', '{"external_id": "\\ud800"}', '{"a": NaN}']),
    st.none(),
)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(payloads=st.lists(SOUND_OR_NOT, min_size=1, max_size=6), texts=TEXTS)
def test_what_is_looked_at_many_at_once_is_as_if_each_were_alone(kind: str, payloads: list[str | None], texts: str) -> None:
    sound = delivery(kind, 1, texts)
    ones = [sound if text is None else Delivery(f"d{n}", "p", sound.operation, text) for n, text in enumerate(payloads)]

    many = connector_of(kind).measured(ones)

    assert [one if isinstance(one, str) else _size(one) for one in many] == one_by_one(connector_of(kind), ones)


def _size(measure: int | bytes) -> int:
    return measure if isinstance(measure, int) else len(measure)


OWN = st.dictionaries(
    st.sampled_from(
        ["tier", "a.b", "n" * 256, "email", "phone", "first_name", "user_alias", "braze_id", "dob", "push_tokens"]
    ),
    st.none() | st.integers() | st.sampled_from(["", "x" * 256, "1980-05-17"]) | st.lists(st.none() | st.text(max_size=3)),
    max_size=4,
)


@settings(max_examples=100)
@given(payload=OWN, who=st.none() | st.sampled_from(["", "u1", "x" * 300]))
def test_attributes_of_brazes_profile_are_the_same_beside_those_that_it_rules(
    payload: dict[str, Any], who: str | None
) -> None:
    connector = connector_of("braze_track")
    assert isinstance(connector, BrazeTrack)
    given_one = {**payload, "external_id": who}

    # A gender that is not said changes nothing but the way in which an item is looked at.
    assert connector.lacks("attributes", given_one) == connector.lacks("attributes", {"gender": None, **given_one})


@pytest.mark.parametrize("kind", KINDS)
def test_a_connector_shows_no_secret(kind: str) -> None:
    connector = connector_of(kind)

    assert "value-of" not in repr(connector)
    assert "value-of" not in repr(connector.declaration)


@pytest.mark.parametrize("kind", HTTP)
@settings(max_examples=15)
@given(texts=st.lists(TEXTS, min_size=1, max_size=6))
def test_what_leaves_is_what_was_planned_and_as_long_as_was_reckoned(kind: str, texts: list[str]) -> None:
    connector = connector_of(kind)
    assert isinstance(connector, HttpConnector)
    ones = [delivery(kind, number, text) for number, text in enumerate(texts)]

    packs = [part for part in packed(ones, connector, START) if isinstance(part, Pack)]

    bodies = [connector.request(pack).body for pack in packs]
    assert sum(len(pack.deliveries) for pack in packs) == len(ones)
    for pack, body in zip(packs, bodies, strict=True):
        json.loads(body)
        reckoned = pack.size + connector.envelope(pack.group, pack.deliveries[0])
        if connector.declaration.limits.max_bytes is not None:
            assert len(body) <= reckoned
            assert len(body) <= connector.declaration.limits.max_bytes
    for text in texts:
        assert any(holds(json.loads(body), text) for body in bodies)


@pytest.mark.parametrize("kind", HTTP)
def test_the_same_pack_makes_the_same_request(kind: str) -> None:
    connector = connector_of(kind)
    assert isinstance(connector, HttpConnector)
    (pack, *_) = [p for p in packed([delivery(kind, 0, "x")], connector, START) if isinstance(p, Pack)]

    first, second = connector.request(pack), connector.request(pack)

    assert (first.url, first.body, first.headers) == (second.url, second.body, second.headers)


@pytest.mark.parametrize("kind", KINDS)
def test_erasure_has_limits(kind: str, tmp_path: Path) -> None:
    assert (connector_of(kind, tmp_path).erasure_limits.max_items or 0) >= 1


def delivery(kind: str, number: int, text: str) -> Delivery:
    """A delivery that the destination takes, with a text somewhere in it."""
    operation, payload = CASES[kind].items(number * 2 + 1)
    changed = _with(kind, dict(payload), text)
    return Delivery(f"d{number}", f"p{number}", operation, json.dumps(changed, ensure_ascii=number % 2 == 0))


def _with(kind: str, payload: dict[str, Any], text: str) -> dict[str, Any]:
    if kind == "segment":
        return {**payload, "properties": {"text": text}}
    if kind == "braze_track":
        return {**payload, "properties": {"text": text[:255]}}
    if kind == "braze_send":
        return {**payload, "recipients": [{**payload["recipients"][0], "trigger_properties": {"text": text}}]}
    if kind == "segment_suppression":
        return {**payload, "subjectId": f"g{text}"}
    if kind == "braze_subscription":
        return {**payload, "subscription_group_id": f"g{text}"}
    if kind in ("sfmc_rows", "sfmc_rowset"):
        row = {"id": payload.get("SubscriberKey", "1"), "text": text}
        return row if kind == "sfmc_rows" else {"keys": {"id": row["id"]}, "values": {"text": text}}
    if kind == "sfmc_journey":
        return {**payload, "Data": {"text": text}}
    if kind == "fcm":
        return {**payload, "data": {"text": text[:300]}}
    if kind == "tealium":
        return {**payload, "text": text[:300]}
    if kind == "onesignal_user":
        return {**payload, "properties": {"tags": {"text": text}}}
    if kind == "onesignal":
        return {**payload, "contents": {"en": f"t{text}"}}
    return {**payload, "text": text}


def holds(node: Any, text: str) -> bool:
    """Whether a text stands anywhere in JSON."""
    if isinstance(node, dict):
        return any(holds(value, text) for value in node.values())
    if isinstance(node, list):
        return any(holds(value, text) for value in node)
    return isinstance(node, str) and node in (text, f"g{text}", f"t{text}", text[:300], text[:255])
