"""A template filled for one person, or the reason why it cannot be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jinja2.exceptions import SecurityError, UndefinedError

from personalake.activation.templates.values import Unfit, shown
from personalake.config.template_code import compiled, variables_of
from personalake.config.templates import Template, TemplateText

_ONE_LINE = {"subject": 500, "title": 200, "unsubscribe_url": 2_000}
_MISSING = re.compile(r"'(\w+)' is undefined|has no attribute '(\w+)'")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What is said to one person.

    Args:
        locale: Language that was chosen.
        parts: Text by name: subject, text, html, unsubscribe_url, title, body.
        values: The named texts.
        fallbacks: Variables that were missing, and whose fallback stands there.
    """

    locale: str
    parts: Mapping[str, str]
    values: Mapping[str, str]
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing can be said; holds no personal data."""

    reason: str


class _TooLong(ValueError):
    pass


def render(template: Template, locale: str | None, variables: Mapping[str, Any]) -> Rendered | Refusal:
    """Fill a template. The same arguments give the same text, and nothing is asked of anyone.

    Args:
        template: The template, checked when it was loaded.
        locale: The person's language, e.g. de-AT; de stands in for it, and the template's default for both.
        variables: What is known about the person, by the names of `config.templates.VARIABLES`.

    Returns:
        The texts; or a refusal if a variable is missing and has no fallback, a value cannot be shown, or a text is empty or
        too long.
    """
    chosen = locale_of(template, locale)
    try:
        known = shown({name: variables[name] for name in template.known if name in variables})
        lacking = tuple(name for name in sorted(template.fallbacks) if name not in known)
        given = {**known, **{name: template.fallbacks[name] for name in lacking}}
        said = dict(template.locales[chosen].parts())
        if template.unsubscribe_url is not None:
            said["unsubscribe_url"] = template.unsubscribe_url
        texts = {name: _filled(name, source, given, template.max_bytes) for name, source in said.items()}
    except (Unfit, _TooLong) as problem:
        return Refusal(str(problem))
    parts = {name: text for name, text in texts.items() if "." not in name}
    values = {name.partition(".")[2]: text for name, text in texts.items() if "." in name}
    used = _read(template.locales[chosen], template.unsubscribe_url)
    return Rendered(chosen, parts, values, tuple(name for name in lacking if name in used))


def locale_of(template: Template, locale: str | None) -> str:
    """The language in which a person is spoken to.

    Args:
        template: The template.
        locale: The person's own, e.g. de-AT or de_AT; null if it is not known.
    """
    wanted = (locale or "").replace("_", "-").lower()
    there = {name.replace("_", "-").lower(): name for name in template.locales}
    return there.get(wanted) or there.get(wanted.partition("-")[0]) or template.default_locale


def _filled(name: str, source: str, given: Mapping[str, Any], max_bytes: int) -> str:
    """One text.

    Raises:
        Unfit: If it cannot be filled.
        _TooLong: If it becomes too long; it is not made any longer then.
    """
    pieces, size = [], 0
    try:
        for piece in compiled(source, name == "html").generate(given):
            pieces.append(piece)
            size += len(piece.encode("utf-8", "replace"))
            if size > max_bytes:
                raise _TooLong(f"{name} becomes longer than {max_bytes:,} bytes")
    except UndefinedError as error:
        raise Unfit(_of_undefined(name, str(error))) from None
    except (SecurityError, TypeError, ValueError, ArithmeticError, LookupError, AssertionError) as error:
        if isinstance(error, _TooLong):
            raise
        raise Unfit(f"{name} cannot be filled: {type(error).__name__}") from None
    text = "".join(pieces).strip()
    if name in _ONE_LINE:
        text = " ".join(text.split())
        if len(text) > _ONE_LINE[name]:
            raise _TooLong(f"{name} has {len(text):,} characters; {_ONE_LINE[name]:,} at most")
    if not text and "." not in name:
        raise Unfit(f"{name} is empty")
    return text


def _of_undefined(name: str, message: str) -> str:
    found = _MISSING.search(message)
    missing = (found[1] or found[2]) if found else "a variable"
    return f"{missing} is missing, and {name} has no fallback for it"


def _read(said: TemplateText, unsubscribe_url: str | None) -> set[str]:
    sources = [source for _, source in said.parts()]
    return {name for source in [*sources, unsubscribe_url or ""] for name in variables_of(source)}
