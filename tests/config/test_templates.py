"""Templates as they are loaded: what is wrong is told with file and key, before anything starts."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from personalake.config import load_settings
from personalake.config.template_code import address_problems, day, percent, problems_of
from personalake.config.templates import VARIABLES, Template
from personalake.errors import ConfigError
from personalake.tables.gold import CUSTOMER_PROFILE

KNOWN, LISTS = {"first_name", "orders", "items", "shop_url"}, {"items"}

HOSTILE = [
    ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "attribute '__class__' is not allowed"),
    ("{{ first_name['__class__'] }}", "attribute '__class__' is not allowed"),
    ("{{ first_name|attr('__class__') }}", "no filter 'attr'"),
    ("{{ self }}", "self is not allowed"),
    ("{{ lipsum.__globals__ }}", "unknown variable lipsum"),
    ("{% for n in range(1000000000) %}x{% endfor %}", "a loop goes over a list"),
    ("{% for a in items %}{% for b in items %}{{ b.name }}{% endfor %}{% endfor %}", "a loop inside a loop"),
    ("{% for a in items recursive %}{{ loop(items) }}{% endfor %}", "does not call itself"),
    ("{% for a in items %}{{ loop.previtem }}{% endfor %}", "loop.previtem is not allowed"),
    ("{{ 'a' * 1000000000 }}", "mul is not allowed"),
    ("{{ 9 ** 9 ** 9 }}", "pow is not allowed"),
    ("{{ '%1000000000d' % 1 }}", "mod is not allowed"),
    ("{{ first_name|center(1000000000) }}", "no filter 'center'"),
    ("{{ first_name|safe }}", "no filter 'safe'"),
    ("{{ " + "first_name" + "|upper" * 5 + " }}", "more than 4 filters in a row"),
    ("{% set x = 1 %}", "assign is not allowed"),
    ("{% include 'secrets' %}", "include is not allowed"),
    ("{% macro again() %}{{ again() }}{% endmacro %}", "macro is not allowed"),
    ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", "cannot be read: RecursionError"),
    ("{{ " + "9" * 5000 + " }}", "cannot be read: ValueError"),
    ("{{ first_name", "unexpected end of template"),
    ("{{ frist_name }}", "unknown variable frist_name; there are: first_name"),
    ("x" * 100_001, "longer than 100,000 characters"),
]
UNSAFE_PLACES = [
    ('<a href="{{ first_name }}">', "first_name begins the address in href"),
    ("<a href={{ shop_url }}>", "without quotes"),
    ("<scr{% if orders %}{% endif %}ipt>{{ first_name }}</script>", "script is not allowed"),
    ("<style>p { color: {{ first_name }} }</style>", "a placeholder stands in style"),
    ('<p onclick="go({{ first_name }})">', "stands in onclick, which runs"),
    ('<p style="color: {{ first_name }}">', "stands in a style"),
    ('<p {{ first_name }}="x">', "an attribute's name"),
    ("<!-- {{ first_name }} -->", "stands in a comment"),
    ('<a title="{{ first_name }}"', "is not closed"),
]


@pytest.mark.parametrize(("source", "problem"), HOSTILE)
def test_code_that_is_hostile_or_slipped_is_refused_when_it_is_loaded(source: str, problem: str) -> None:
    found = problems_of(source, KNOWN, LISTS, is_html=False)

    assert any(problem in told for told in found), found


@pytest.mark.parametrize(("source", "problem"), UNSAFE_PLACES)
def test_a_value_may_not_stand_where_escaping_does_not_help(source: str, problem: str) -> None:
    found = problems_of(source, KNOWN, LISTS, is_html=True)

    assert any(problem in told for told in found), found


@pytest.mark.parametrize(
    ("address", "problems"),
    [
        ("https://shop.example/out?m={{ first_name }}", 1),
        ("https://shop.example/out?m={{ first_name|urlencode|upper }}&n={{ orders + 1 }}", 2),
        ("https://shop.example/out?m={% if orders %}{{ first_name }}{% endif %}", 1),
        ("https://shop.example/out?m={{ first_name|urlencode }}&n={{ 'x' }}", 0),
        ("https://shop.example/out?back={{ shop_url }}", 1),
    ],
)
def test_what_stands_in_an_address_is_written_so_that_it_leads_to_nobody_else(address: str, problems: int) -> None:
    assert len(list(address_problems(address))) == problems


def test_a_way_out_that_could_lead_to_somebody_else_is_a_problem_of_the_template() -> None:
    out = {"kind": "email", "locales": {"en": {"subject": "Hi", "text": "Hi"}}}

    with pytest.raises(ValidationError, match=r"unsubscribe_url: {{ city }} stands in an address: write {{ city\|urlencode"):
        Template.model_validate({**out, "unsubscribe_url": "https://shop.example/out?m={{ city }}"})


@pytest.mark.parametrize(
    ("written", "remedy"),
    [
        ("Hello {first_name}", "line 1: {first_name} is no placeholder here"),
        (
            "Hello\n*|FNAME|*",
            "line 2: *|FNAME|* is no placeholder here, and would be sent as it stands; write {{ first_name }}",
        ),
        ("%%First_Name%%", "write {{ first_name }}"),
        ("${orders}", "write {{ orders }}"),
        ("<%= orders %>", "write {{ orders }}"),
        ("{frist_name}", "write {{ name }}; did you mean first_name?"),
    ],
)
def test_a_placeholder_of_another_tool_is_refused_with_the_spelling_here(written: str, remedy: str) -> None:
    (found,) = problems_of(written, KNOWN, LISTS, is_html=False)

    assert remedy in found


@pytest.mark.parametrize("text", ["<style>p { color: red } b {}</style>", "100 %% off, {12} * | *", "{{ '{' }}orders}"])
def test_braces_and_signs_that_are_no_placeholders_may_stand(text: str) -> None:
    assert problems_of(text, KNOWN, LISTS, is_html=False) == []


def test_what_marketers_need_is_allowed() -> None:
    source = (
        '<p title="{{ first_name }}">{% if orders > 3 and first_name is defined %}{{ orders|number }}{% endif %}'
        '<a href="{{ shop_url }}?n={{ first_name|urlencode }}">'
        "{% for one in items[:3] %}{{ loop.index }} {{ one.name|title }}{% endfor %}</a></p>"
    )

    assert problems_of(source, KNOWN, LISTS, is_html=True) == []


@pytest.mark.parametrize("call", [lambda: day("soon"), lambda: percent("many")])
def test_a_value_that_a_filter_cannot_show_is_no_text(call: Any) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        call()


def test_every_slip_of_every_template_is_told_with_file_and_key(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "templates").mkdir()
    (tmp_path / "environments" / "local.yml").write_text("")
    (tmp_path / "base.yml").write_text("")
    (tmp_path / "rules.yml").write_text(
        "rules: [{name: r, when: orders > 1, action: a, channel: c, purpose: p, reason: why, template: lost}]\n"
    )
    (tmp_path / "templates" / "hello.yml").write_text(
        "kind: email\ndefault_locale: fr\nunsubscribe_url: 'javascript:x'\nfallbacks: {nick: you}\n"
        "locales:\n  en: {subject: '{{ nme }}', html: '<b>{{ x.__class__ }}</b>'}\n  de: {text: Hallo, title: x}\n"
    )
    (tmp_path / "templates" / "fine.yml").write_text("kind: push\nlocales: {en: {title: x, body: '{{ city }}'}}\n")

    with pytest.raises(ConfigError) as error:
        load_settings("local", tmp_path, environ={})

    (told,) = error.value.problems
    assert told.startswith(str(tmp_path / "templates" / "hello.yml") + ": templates.hello: ")
    for slip in (
        "default_locale: fr is not in locales (en, de)",
        "unsubscribe_url: expected one that begins with https:// or mailto:",
        "fallbacks.nick: no such variable",
        "locales.en.subject: unknown variable nme",
        "locales.en.html: line 1: attribute '__class__' is not allowed",
        "locales.de.subject: missing",
        "locales.de.title: not part of a template of kind email",
    ):
        assert slip in told


def test_a_rule_that_names_a_template_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments" / "local.yml").write_text("")
    (tmp_path / "base.yml").write_text("")
    (tmp_path / "rules.yml").write_text(
        "rules: [{name: r, when: orders > 1, action: a, channel: c, purpose: p, reason: why, template: lost}]\n"
    )

    with pytest.raises(ConfigError) as error:
        load_settings("local", tmp_path, environ={})

    told = "rules.yml: decisions.rules.0.template: rule 'r' names the template 'lost'; there are: none"
    assert [problem.replace(f"{tmp_path}/", "") for problem in error.value.problems] == [told]


def test_every_variable_of_a_profile_is_one_value_that_can_be_shown() -> None:
    of_profile = [field for field in CUSTOMER_PROFILE.fields if field.name in VARIABLES]

    assert "favourite_category" in {field.name for field in of_profile}
    assert [field.name for field in of_profile if "<" in field.type] == []
