"""What people would read, in the console and in the report, without Spark."""

from pathlib import Path

import pytest

from personalake.activation.templates import Rendered
from personalake.config import Settings
from personalake.config.sql import simple_value
from personalake.errors import InputError
from personalake.lake import Ledger, Locations
from personalake.pipelines.look_view import previews_view
from personalake.pipelines.report_data import gather
from personalake.pipelines.template_preview import _simple_values, previews
from personalake.reports.messages import what_they_would_read
from personalake.tables.gold import ACTIVATION_OUTBOX
from personalake.tables.identity import PERSON
from tests.pipelines.test_look import no_session, printed
from tests.reports.gold_rows import AS_OF, fill, person

MAIL = {
    "kind": "email",
    "fallbacks": {"city": "your town"},
    "unsubscribe_url": "https://shop.example/bye?p={{ person_id|urlencode }}",
    "locales": {"en": {
        "subject": "{{ category }} for {{ first_name|title }}",
        "text": "{{ city }} {% for item in items %}{{ item.name }} {% endfor %}",
    }},
}  # fmt: skip
RULE = {"name": "win_back", "when": "true", "action": "win_back_coupon", "channel": "email", "purpose": "p", "reason": "w"}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    ledger = Ledger(Locations(tmp_path), no_session)
    fill(ledger)
    ledger.append(PERSON, [{"person_id": person(1), "first_name": "josephine", "last_name": "doe"}])
    return ledger


def settings_of() -> Settings:
    rules = {"rules": [{**RULE, "template": "mail"}]}
    templates = {
        "mail": MAIL,
        "other": {"kind": "push", "locales": {"en": {"title": "x", "body": "{{ note }}"}}, "variables": {"note": "x"}},
    }
    return Settings.model_validate({"root": Path("."), "decisions": rules, "templates": templates})


def test_a_person_is_shown_the_template_of_their_decision_with_their_own_values(ledger: Ledger) -> None:
    (found,) = previews(settings_of(), ledger, person(1))

    assert isinstance(found.said, Rendered)
    assert (found.template, found.rule, found.said.fallbacks) == ("mail", "win_back", ("city",))
    assert found.said.parts["subject"] == "CHEESE for Josephine"
    assert found.said.parts["text"].startswith("your town ")
    assert len(found.said.parts["text"].split()) > 2
    shown = printed(previews_view([found.as_row()]))
    assert "CHEESE for Josephine" in shown
    assert "missing, a fallback stands there: city" in shown


def test_a_person_is_shown_the_language_and_the_values_that_the_sync_of_the_template_would_choose(ledger: Ledger) -> None:
    german = {"subject": "{{ category }} für {{ first_name|title }}", "text": "{{ city }} {{ number }}"}
    locales = {**MAIL["locales"], "de": german}  # type: ignore[dict-item]
    templates = {"mail": {**MAIL, "locales": locales, "variables": {"number": "Their own"}}}
    sync = {
        "audience": {"decisions": {}}, "destination": "relay", "mode": "insert", "purposes": ["personalisation"],
        "key": "email", "template": "mail", "locale": "coalesce(preferences['language'], 'de-AT')",
        "fields": {"number": "customer_id"},
    }  # fmt: skip
    raw = {"root": Path("."), "decisions": {"rules": [{**RULE, "template": "mail"}]}, "templates": templates}
    settings = Settings.model_validate({**raw, "audiences": {"coupons": sync}})

    (found,) = previews(settings, ledger, person(1))

    assert isinstance(found.said, Rendered)
    assert (found.said.locale, found.said.parts["subject"]) == ("de", "CHEESE für Josephine")
    number = found.said.parts["text"].removeprefix("your town ")
    assert number != found.said.parts["text"]
    with pytest.raises(LookupError):
        simple_value("if(action = 'x', 'a', 'b')", {"action": "x"})
    # What is truly empty is empty in the message, too; what cannot be reckoned here is left out.
    assert _simple_values({"a": "nickname", "b": "initcap(first_name)"}, {"nickname": None, "first_name": "ann"}) == {
        "a": None
    }
    section = what_they_would_read(gather(settings, ledger, AS_OF))
    assert section is not None
    assert "(de)" in section.blocks[0].title  # type: ignore[union-attr]
    assert number not in section.blocks[0].text  # type: ignore[union-attr]


def test_a_template_can_be_named_and_a_refusal_is_shown_with_its_reason(ledger: Ledger) -> None:
    (found,) = previews(settings_of(), ledger, person(1), "other")

    assert found.rule is None
    assert "refused: note is missing, and body has no fallback for it" in printed(previews_view([found.as_row()]))
    with pytest.raises(InputError, match="No template 'lost'"):
        previews(settings_of(), ledger, person(1), "lost")


def test_the_report_shows_a_template_that_a_sync_alone_sends(ledger: Ledger) -> None:
    sync = {
        "audience": {"where": "orders > 1"}, "destination": "relay", "mode": "insert", "purposes": ["personalisation"],
        "template": "note", "fields": {"note": "favourite_category"},
    }  # fmt: skip
    note = {"kind": "push", "locales": {"en": {"title": "Hello", "body": "{{ note }}, {{ customer_id }}"}}}
    templates = {"note": {**note, "variables": {"note": "What they like"}}}
    settings = Settings.model_validate({"root": Path("."), "audiences": {"regulars": sync}, "templates": templates})
    assert what_they_would_read(gather(settings, ledger, AS_OF)) is None
    planned = {"sync": "regulars", "plan_id": "p", "removal": False, "as_of": AS_OF}
    ledger.append(ACTIVATION_OUTBOX, [{**planned, "delivery_id": f"x{n}", "person_id": person(n)} for n in (2, 1)])

    section = what_they_would_read(gather(settings, ledger, AS_OF))

    assert section is not None
    (block,) = section.blocks
    assert block.title == "note, for a person of the sync 'regulars' (en)."  # type: ignore[union-attr]
    assert block.text.endswith(", •••")  # type: ignore[union-attr]


def test_the_report_shows_one_person_of_each_template_without_their_name(ledger: Ledger) -> None:
    section = what_they_would_read(gather(settings_of(), ledger, AS_OF))

    assert section is not None
    (block,) = section.blocks
    assert "CHEESE for •••" in block.text  # type: ignore[union-attr]
    assert "osephine" not in block.text  # type: ignore[union-attr]
    assert what_they_would_read(gather(Settings(), ledger, AS_OF)) is None
