"""Templates filled for people: who gets which words, and who is refused and why."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from personalake.activation.delivery import Delivery
from personalake.activation.messages.message import Item
from personalake.activation.templates import Refusal, Rendered, message_payloads, payload_of, render, with_messages
from personalake.activation.templates.batch import filled
from personalake.activation.templates.payloads import KINDS
from personalake.activation.templates.variables import template_variables
from personalake.config.templates import VARIABLES, Template
from tests.activation.connectors.settings import SETTINGS, connector_of

MAIL = Template.model_validate(
    {
        "kind": "email",
        "fallbacks": {"first_name": "you"},
        "unsubscribe_url": "https://shop.example/bye?p={{ person_id|urlencode }}",
        "locales": {
            "en": {
                "subject": "{{ category }} for {{ first_name }}",
                "html": "<p>{{ first_name }}</p>",
                "text": "{{ spend|number(2) }}",
            },
            "de": {"subject": "{{ category }} für {{ first_name }}", "text": "Guten Tag"},
        },
    }
)  # fmt: skip
PUSH = Template.model_validate(
    {"kind": "push", "locales": {"en": {"title": "{{ category }}", "body": "{{ orders }} orders"}}}
)
ANN = {"person_id": "p 1", "first_name": "Ann", "category": "Tea", "spend": Decimal("1234.5"), "orders": 3}


def said(template: Template, locale: str | None = None, **changes: Any) -> Rendered:
    found = render(template, locale, ANN | changes)
    assert isinstance(found, Rendered), found
    return found


def refusal(template: Template, **changes: Any) -> str:
    found = render(template, None, ANN | changes)
    assert isinstance(found, Refusal), found
    return found.reason


def test_a_person_is_told_in_their_language_or_its_nearest_or_the_default() -> None:
    subjects = {locale: said(MAIL, locale).parts["subject"] for locale in ("de", "de_AT", "DE-ch", "fr", None)}

    assert subjects == {
        "de": "Tea für Ann", "de_AT": "Tea für Ann", "DE-ch": "Tea für Ann", "fr": "Tea for Ann", None: "Tea for Ann",
    }  # fmt: skip
    assert said(MAIL).parts["text"] == "1,234.50"
    assert said(MAIL).parts["unsubscribe_url"] == "https://shop.example/bye?p=p%201"


@pytest.mark.parametrize("missing", [None, "", "  ", "\x00\u202e"])
def test_a_fallback_stands_for_what_is_missing_and_without_one_the_row_is_refused(missing: str | None) -> None:
    greeted = said(MAIL, first_name=missing)

    assert (greeted.parts["subject"], greeted.fallbacks) == ("Tea for you", ("first_name",))
    assert refusal(MAIL, category=missing) == "category is missing, and subject has no fallback for it"


def test_values_are_escaped_in_html_only_and_cannot_break_a_header() -> None:
    greeted = said(MAIL, first_name="<b>\u202eAnn\x07</b>\r\nBcc: all@example.com", category="Tea & Co")

    assert greeted.parts["html"] == "<p>&lt;b&gt;Ann&lt;/b&gt;\nBcc: all@example.com</p>"
    assert greeted.parts["subject"] == "Tea & Co for <b>Ann</b> Bcc: all@example.com"


@pytest.mark.parametrize("name", ["שלום", "محمد علي", "👩‍👩‍👧 Zoë", "=HYPERLINK(1)", "x" * 400])
def test_names_of_all_the_world_stay_as_they_are(name: str) -> None:
    assert said(MAIL, first_name=name).parts["html"] == f"<p>{name}</p>"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"category": "x" * 10_001}, "category has 10,001 characters; 10,000 at most"),
        ({"category": "x" * 5_000}, "subject has 5,008 characters; 500 at most"),
        ({"spend": "a lot"}, "text cannot be filled: ValueError"),
        ({"category": object()}, "category is a object, which no template can show"),
        ({"items": [{}] * 101}, "items has 101 entries; 100 at most"),
    ],
)
def test_what_cannot_be_shown_refuses_its_own_row(changes: dict[str, Any], reason: str) -> None:
    assert refusal(MAIL, **changes) == reason


def test_a_text_that_grows_beyond_its_bound_is_given_up() -> None:
    loop = "{% for item in items %}{{ item.name }}{% endfor %}"
    shouting = {"kind": "generic", "max_bytes": 5_000, "locales": {"en": {"values": {"all": loop}}}}

    reason = refusal(Template.model_validate(shouting), items=[{"name": "é" * 9_000}] * 100)

    assert reason == "values.all becomes longer than 5,000 bytes"


def test_an_address_that_is_none_is_refused() -> None:
    linked = {"kind": "generic", "variables": {"shop_url": "x"}, "locales": {"en": {"values": {"a": "{{ shop_url }}"}}}}

    reason = refusal(Template.model_validate(linked), shop_url="javascript:alert(1)")

    assert reason == "shop_url is neither https:// nor mailto:"


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.none() | st.text(max_size=80) | st.floats() | st.dates()))
def test_whatever_the_values_there_is_a_text_or_a_reason_and_no_markup_of_theirs(variables: dict[str, Any]) -> None:
    found = render(MAIL, None, variables)

    if isinstance(found, Rendered):
        assert found.parts["html"].removeprefix("<p>").removesuffix("</p>").count("<") == 0
        assert "\n" not in found.parts["subject"]
    else:
        assert found.reason


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in SETTINGS])
def test_every_destination_takes_what_a_template_says(kind: str) -> None:
    connector = connector_of(kind)
    template = MAIL if kind == "email" else PUSH
    fixed = {"campaign_id": "c", "event_definition_key": "k", "id_column": "id"}
    row = {"template": "t", "to": "ann@example.com", **ANN}

    (item,) = message_payloads(kind, [row], {"t": template}, fixed)

    assert isinstance(item, Item)
    delivery = Delivery("d", "p", item.operation, json.dumps(item.payload))
    assert connector.problem_of(delivery) is None


def test_rows_that_name_no_template_or_nobody_are_refused() -> None:
    rows = [{"template": "other", "to": "a", **ANN}, {"template": "t", "to": None, **ANN}]

    found = list(message_payloads("email", rows, {"t": MAIL}))

    assert found == [Refusal("no template 'other' in conf/templates/"), Refusal("no identifier")]
    lacking = payload_of("braze_send", said(MAIL), "p", {})
    assert lacking == Refusal("campaign_id is missing: a destination of kind braze_send needs it")
    assert isinstance(payload_of("tealium", said(MAIL), "p", {}), Refusal)


def test_a_batch_keeps_its_rows_in_order_with_an_item_or_a_refusal_each() -> None:
    rows = [{"template": "t", "to": "a@b.c", **ANN}, {"template": "t", "to": "d@e.f", **ANN, "category": None}]

    batch = filled("email", pa.RecordBatch.from_pylist(rows), {"t": MAIL})

    first, second = batch.to_pylist()
    assert (json.loads(first["payload"])["subject"], first["operation"], first["refusal"]) == (
        "Tea for Ann",
        "message",
        None,
    )
    assert (second["payload"], second["refusal"]) == (None, "category is missing, and subject has no fallback for it")


def test_decisions_become_messages_in_spark(spark: SparkSession) -> None:
    decisions = spark.createDataFrame(
        [("d1", "p1", date(2017, 12, 1), "push", "i1", "Tea")],
        "decision_id string, person_id string, as_of date, channel string, product_id string, category string",
    ).selectExpr("*", "'suggest' AS action")
    profiles = spark.createDataFrame([("p1", 3)], "person_id string, orders bigint")
    for name in VARIABLES:
        if name not in (*profiles.columns, *decisions.columns, "first_name", "last_name", "city", "product_name", "items"):
            profiles = profiles.selectExpr("*", f"cast(null AS string) AS {name}")
    persons = spark.createDataFrame(
        [("p1", "ann", None, None)], "person_id string, first_name string, last_name string, city string"
    )
    recommended = spark.createDataFrame(
        [("p1", date(2017, 12, 1), "all_items", rank, f"i{rank}", "why") for rank in (2, 1, 9)],
        "person_id string, as_of date, slot string, rank int, product_id string, reason string",
    )
    catalog = spark.createDataFrame(
        [("i1", "Old", 1, "s", "a"), ("i1", "Green tea", 2, "s", "b")],
        "product_id string, name string, known_at int, source string, record_id string",
    )
    template = {"kind": "push", "locales": {"en": {
        "title": "{{ product_name }} for {{ first_name|title }}", "body": "{% for i in items %}{{ i.name }};{% endfor %}",
    }}}  # fmt: skip

    rows = template_variables(decisions, profiles, persons, recommended, catalog)
    found = (
        rows.selectExpr("*", "'t' AS template", "'token' AS to")
        .transform(with_messages("fcm", {"t": Template.model_validate(template)}))
        .collect()
    )

    (row,) = found
    assert tuple(rows.columns) == tuple(VARIABLES)
    assert json.loads(row["payload"])["notification"] == {"title": "Green tea for Ann", "body": "Green tea;i2;"}
