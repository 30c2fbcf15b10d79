"""conf/templates/: what is said to people, with placeholders for what is known about them."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field, model_validator

from personalake.config.base import Section
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION
from personalake.tables.identity import PERSON

# What templates may read, beside the variables that one declares itself. A decision's reason is for colleagues' eyes.
_FIELDS = {
    field.name: field
    for table, names in (
        # A map has no one value to show.
        (CUSTOMER_PROFILE, [it.name for it in CUSTOMER_PROFILE.fields if it.name != "as_of" and "map<" not in it.type]),
        (DECISION, ["decision_id", "as_of", "action", "channel", "product_id", "category"]),
        (PERSON, ["first_name", "last_name", "city"]),
    )
    for field in table.fields
    if field.name in names
}
VARIABLES: Mapping[str, str] = {
    **{name: field.comment for name, field in _FIELDS.items()},
    "product_name": "Name of the item offered; its id where the catalog has none",
    "items": "Recommended items, the best first; entries have product_id, name, reason",
}
LISTS = ("items",)
PRIVATE = tuple(name for name, field in _FIELDS.items() if field.pii in ("identifier", "contact"))
_NAME = re.compile(r"[a-z]\w{0,63}")
_NEEDED = {"email": ("subject",), "push": ("title", "body"), "generic": ()}
_TAKEN = {"email": ("subject", "text", "html"), "push": ("title", "body", "values"), "generic": ("values",)}


class TemplateText(Section):
    """What a template says in one language; each text may hold placeholders."""

    subject: str | None = Field(None, description="E-mail: subject, one line")
    text: str | None = Field(None, description="E-mail: plain text")
    html: str | None = Field(None, description="E-mail: HTML; values are escaped")
    title: str | None = Field(None, description="Push: title, one line")
    body: str | None = Field(None, description="Push: text")
    values: dict[str, str] = Field(default_factory=dict, description="Named texts: data of a push, properties of a campaign")

    def parts(self) -> Iterator[tuple[str, str]]:
        """Name and source of each text that there is, `values.<name>` for the named ones."""
        for name in ("subject", "text", "html", "title", "body"):
            source = getattr(self, name)
            if source is not None:
                yield name, source
        yield from ((f"values.{name}", source) for name, source in self.values.items())


class Template(Section):
    """One template."""

    kind: Literal["email", "push", "generic"] = Field(description="What it becomes")
    default_locale: str = Field("en", description="Language of people whose own is not known, or has no text")
    fallbacks: dict[str, str] = Field(
        default_factory=dict, description="Variable: what stands there if it is missing; without one, the row is refused"
    )
    variables: dict[str, str] = Field(
        default_factory=dict, description="Further variables that a sync gives, by name, with their meaning"
    )
    unsubscribe_url: str | None = Field(None, description="E-mail: the way out, https or mailto, with placeholders")
    max_bytes: int = Field(100_000, ge=1, le=1_000_000, description="Longest text that may come of it, bytes")
    locales: dict[str, TemplateText] = Field(min_length=1, description="Language, e.g. en or de-AT: what is said in it")

    @property
    def known(self) -> frozenset[str]:
        """Variables that it may read."""
        return frozenset(VARIABLES) | frozenset(self.variables)

    def sources(self) -> Iterator[tuple[str, str]]:
        """Key and source of each text."""
        if self.unsubscribe_url is not None:
            yield "unsubscribe_url", self.unsubscribe_url
        for locale, said in self.locales.items():
            yield from ((f"locales.{locale}.{name}", source) for name, source in said.parts())

    @model_validator(mode="after")
    def _sound(self) -> "Template":
        problems = [*self._shape(), *self._code()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _shape(self) -> Iterator[str]:
        if self.default_locale not in self.locales:
            yield f"default_locale: {self.default_locale} is not in locales ({', '.join(self.locales)})"
        for locale, said in self.locales.items():
            have = {name.partition(".")[0] for name, _ in said.parts()}
            for name in _NEEDED[self.kind]:
                if name not in have:
                    yield f"locales.{locale}.{name}: missing, a template of kind {self.kind} needs it"
            if self.kind == "email" and not have & {"text", "html"}:
                yield f"locales.{locale}: text or html is missing"
            for name in sorted(have - set(_TAKEN[self.kind])):
                yield f"locales.{locale}.{name}: not part of a template of kind {self.kind}"
        if self.kind == "email" and not (self.unsubscribe_url or "").lower().startswith(("https://", "mailto:")):
            yield "unsubscribe_url: expected one that begins with https:// or mailto:"
        if self.kind != "email" and self.unsubscribe_url is not None:
            yield f"unsubscribe_url: not part of a template of kind {self.kind}"

    def _code(self) -> Iterator[str]:
        # Jinja is loaded by those who have templates.
        from personalake.config.template_code import address_problems, problems_of

        for name in sorted({*self.fallbacks} - self.known):
            yield f"fallbacks.{name}: no such variable; there are: {', '.join(sorted(self.known))}"
        for name in self.variables:
            if not _NAME.fullmatch(name) or name == "loop" or name in VARIABLES:
                yield f"variables.{name}: expected a new name of small letters, digits and _"
        for key, source in self.sources():
            problems = problems_of(source, self.known, LISTS, key.endswith(".html"))
            if key == "unsubscribe_url" and not problems:
                problems = list(address_problems(source))
            yield from (f"{key}: {problem}" for problem in problems)
