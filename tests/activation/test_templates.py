"""Templates filled for people: who gets which words, and who is refused and why."""

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from personalake.activation.templates import Refusal, Rendered, Saying, body_of, render
from personalake.activation.templates.batch import filled
from personalake.activation.templates.variables import listed_items
from personalake.config.templates import VARIABLES, Template

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


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(sorted(VARIABLES)), st.none() | st.text(max_size=80) | st.floats() | st.dates()))
def test_whatever_the_values_there_is_a_text_or_a_reason_and_no_markup_of_theirs(variables: dict[str, Any]) -> None:
    found = render(MAIL, None, variables)

    if isinstance(found, Rendered):
        assert found.parts["html"].removeprefix("<p>").removesuffix("</p>").count("<") == 0
        assert "\n" not in found.parts["subject"]
    else:
        assert found.reason


def test_each_destination_is_told_in_its_own_words() -> None:
    mail, push = said(MAIL), said(PUSH)

    assert body_of("email", mail) == dict(mail.parts)
    assert body_of("fcm", push) == {"notification": {"title": "Tea", "body": "3 orders"}}
    assert body_of("onesignal", mail) == {"email_subject": "Tea for Ann", "email_body": "<p>Ann</p>"}
    assert body_of("onesignal", push) == {"contents": {"en": "3 orders"}, "headings": {"en": "Tea"}}
    assert body_of("webhook", push) == {"locale": "en", "title": "Tea", "body": "3 orders"}
    assert body_of("braze_send", push) == {"title": "Tea", "body": "3 orders"}


def test_a_plain_mail_is_no_markup_where_mails_are_html() -> None:
    plain = {"subject": "Tea for {{ category }}", "text": "Dear {{ first_name }},\nlook & see"}
    template = Template.model_validate(
        {"kind": "email", "unsubscribe_url": "https://shop.example", "locales": {"en": plain}}
    )

    mail = render(template, None, {"category": "you", "first_name": "<img src=//evil>"})

    assert isinstance(mail, Rendered)
    assert body_of("onesignal", mail)["email_body"] == "Dear &lt;img src=//evil&gt;,<br>\nlook &amp; see"
    assert body_of("email", mail)["text"] == "Dear <img src=//evil>,\nlook & see"


def test_a_batch_keeps_its_rows_in_order_with_a_body_or_a_reason_each() -> None:
    row = {"key": "a", "refusal": None, "_locale": None, "_said_category": "Tea", "_said_orders": 3}
    rows = [row, {**row, "key": "b", "_said_category": None}, {**row, "key": "c", "refusal": "no consent"}]
    schema = pa.schema({name: pa.int64() if name == "_said_orders" else pa.string() for name in row})

    batch = filled(Saying("fcm", PUSH, ("category", "orders")), pa.RecordBatch.from_pylist(rows, schema))

    assert batch.to_pylist() == [
        {"key": "a", "refusal": None, "body": '{"notification":{"title":"Tea","body":"3 orders"}}', "unsaid": None},
        {"key": "b", "refusal": None, "body": None, "unsaid": "category is missing, and title has no fallback for it"},
        {"key": "c", "refusal": "no consent", "body": None, "unsaid": None},
    ]


def test_the_items_of_a_person_come_best_first_with_their_newest_names_and_each_name_once(spark: SparkSession) -> None:
    recommended = spark.createDataFrame(
        [("p1", "all_items", rank, f"i{rank}", "why") for rank in (2, 1, 3, 9)],
        "person_id string, slot string, rank int, product_id string, reason string",
    )
    catalog = spark.createDataFrame(
        [("i1", "Old", 1, "s", "a"), ("i1", "Green tea", 2, "s", "b"), ("i3", "Green tea", 2, "s", "c")],
        "product_id string, name string, known_at int, source string, record_id string",
    )

    (row,) = listed_items(recommended, catalog).toArrow().to_pylist()

    assert row == {
        "person_id": "p1",
        "items": [
            {"product_id": "i1", "name": "Green tea", "reason": "why"},
            {"product_id": "i2", "name": "i2", "reason": "why"},
        ],
    }
