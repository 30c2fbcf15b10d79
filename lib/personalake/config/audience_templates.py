"""Syncs that say what a template says: the template's variables become the fields that the sync reads."""

from collections.abc import Iterator, Mapping
from html import unescape

from personalake.config.audience_columns import DECIDED
from personalake.config.audience_kinds import kind_of, takes_fields_only
from personalake.config.audiences import Mapped, Sync
from personalake.config.connections import Connection
from personalake.config.connections.files import FilesConnection
from personalake.config.nearest import nearest
from personalake.config.templates import Template

# Kind of connection: kinds of templates that it takes.
_ANY = ("email", "push", "generic")
# What OneSignal puts its own address to unsubscribe in place of.
_WAY_OUT = "[unsubscribe_url]"
TAKING: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "fcm": ("push",),
    "onesignal": ("email", "push"),
    **dict.fromkeys(("webhook", "braze_send", "sfmc_journey", "csv_drop", "sftp", "object_store"), _ANY),
}


def completed(sync: Sync, templates: Mapping[str, Template]) -> Sync:
    """The sync with a field for each variable that its template reads: its own, or the column of that name.

    Args:
        sync: The sync; without a template, it stays as it is.
        templates: conf/templates/, by name.

    Raises:
        ValueError: If there is no such template, or it reads what neither the sync gives nor is known of a person.
        ValidationError: If the completed sync lacks a purpose, or says too much of the person.
    """
    if sync.template is None:
        return sync
    template = templates.get(sync.template)
    if template is None:
        raise ValueError(f"template: no template {sync.template!r}; {nearest(sync.template, sorted(templates))}")
    read = _variables(template)
    unused = sorted(sync.fields.keys() - read)
    if unused:
        raise ValueError(f"fields: the template {sync.template} does not read {', '.join(unused)}")
    known = {name: Mapped(source=name) for name in sorted(read) if name in sync.columns}
    lacking = sorted(read - known.keys() - sync.fields.keys() - template.fallbacks.keys())
    of_decisions = [name for name in lacking if name in DECIDED]
    if of_decisions:
        raise ValueError(
            f"template: {sync.template} reads {', '.join(of_decisions)}, which is known of decisions only: "
            "let the audience be decisions, give it under fields, or a fallback in the template"
        )
    if lacking:
        raise ValueError(
            f"template: {sync.template} reads {', '.join(lacking)}, which is not known of this audience; "
            "give it under fields, or a fallback in the template"
        )
    return Sync.model_validate({**sync.model_dump(), "fields": {**known, **sync.fields}})


def template_problems(sync: Sync, connection: Connection, templates: Mapping[str, Template]) -> Iterator[tuple[str, str]]:
    """Key and text of what does not fit between a sync, its template and its connection."""
    kind, template = kind_of(connection), templates.get(sync.template or "")
    if template is None:
        yield "template", f"no template {sync.template!r}; {nearest(sync.template or '', sorted(templates))}"
        return
    taken = TAKING.get(kind, ())
    if sync.event is not None and kind != "sfmc_journey":
        yield "event", "an event has fields, and no template"
    if takes_fields_only(connection):
        yield "template", "the connection takes fields by the receiver's names (form: fields), and no template"
    elif not taken:
        yield "template", f"{kind} takes no templates; those that do: {', '.join(TAKING)}"
    elif template.kind not in taken:
        yield "template", f"{kind} takes templates of kind {', '.join(taken)}; {sync.template} is of kind {template.kind}"
    if kind == "onesignal" and (template.kind == "email") != (sync.channel == "email"):
        yield "channel", f"{sync.template} is of kind {template.kind}; the channel must be email for e-mail, and only then"
    if kind == "onesignal" and template.kind == "email":
        yield from _without_way_out(sync.template or "", template)
    if sync.membership is not None:
        yield "membership", "a sync with a template says what the template says, and nothing else"
    if isinstance(connection, FilesConnection):
        said = {name.partition(".")[2] or name for it in template.locales.values() for name, _ in it.parts()}
        said |= set() if template.unsubscribe_url is None else {"unsubscribe_url"}
        said |= set() if sync.key_field is None else {sync.key_field}
        unknown = sorted(said - set(connection.columns))
        if unknown:
            yield "template", f"the file has no column {', '.join(unknown)}; it has: {', '.join(connection.columns)}"


def _without_way_out(name: str, template: Template) -> Iterator[tuple[str, str]]:
    """A template's way out is a header of an e-mail; OneSignal fills that header itself, and shows what the text has."""
    there = tuple("".join(way.split()) for way in (template.unsubscribe_url or "", _WAY_OUT))
    for locale, said in sorted(template.locales.items()):
        shown = "".join(unescape(said.html or said.text or "").split())
        if not any(way in shown for way in there):
            yield (
                "template",
                f"onesignal takes no unsubscribe_url beside the text: name the same address in the {locale} text of {name}, "
                f"or {_WAY_OUT}, which becomes an address at OneSignal",
            )


def _variables(template: Template) -> set[str]:
    # Jinja is loaded by those who have templates.
    from personalake.config.template_code import variables_of

    return {name for _, source in template.sources() for name in variables_of(source)}
