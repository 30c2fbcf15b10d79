"""Writes down one wish of a person, as the preference centre would: a line that lands, and counts from the next run on."""

import json
import os
from collections.abc import Iterator
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path

from personalake.config.sources import Source
from personalake.errors import EnvironmentProblem, InputError
from personalake.ingestion.wishes import PREFERENCE, breach_of
from personalake.pipelines.erasure_requests import identifiers_named
from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.subject import Identifier
from personalake.tables.silver import PERSON_LINK

_FIELDS = ("customer_id", "preference", "value", "occurred_at")


def run(context: JobContext) -> JobResult:
    """Let a wish land in the first source of preferences that knows the person.

    Raises:
        InputError: If nobody is named or known so, the wish is not declared, or no source of preferences can name the
            person.
    """
    asked = identifiers_named(context)
    preference, value = context.options.get("preference"), context.options.get("value")
    if len(asked) != 1 or not preference:
        raise InputError(
            "Name one person and what the wish is about.",
            "Pass --identifier namespace=value and --preference; a further wish is a further run.",
        )
    wish = None if value is None else str(value)
    breach = breach_of(str(preference), wish, context.settings.profiles.preferences)
    if breach is not None:
        known = ", ".join(context.settings.profiles.preferences)
        raise InputError(f"The wish is not let in: {breach}.", f"There are: {known}; conf/profiles.yml says which values.")
    source, customer = _named_in(context, next(iter(asked)))
    if context.dry_run:
        return JobResult(message=f"a wish about {preference} would land")
    _land(source, customer, str(preference), wish, context)
    done = "is taken back" if wish is None else "has landed"
    return JobResult(message=f"the wish about {preference} {done}; it counts from the next run on")


def _named_in(context: JobContext, asked: Identifier) -> tuple[Source, str]:
    """A source of preferences, and what it calls the person: as asked, or by another identifier of the same person."""
    sources = [source for source in context.settings.active_sources(PREFERENCE).values() if _takes_lines(source)]
    for namespace, value in _identifiers(context, asked):
        for source in sources:
            if source.namespace == namespace:
                return source, value
    there_are = ", ".join(sorted({source.namespace for source in sources})) or "none"
    raise InputError(
        f"No source of preferences can name this person; such sources know people by: {there_are}.",
        "Name the person so, or map a source of files of JSON lines onto the contract preference with that namespace.",
    )


def _takes_lines(source: Source) -> bool:
    """Whether a line that is written here comes through the source's mapping as it was meant."""
    mapped = [source.columns.get(name) for name in _FIELDS]
    is_plain = all(one is not None and one.column and one.format is None for one in mapped)
    is_whole = source.where is None and source.each is None and fnmatch("wish-0.json", source.glob.removeprefix("**/"))
    return (source.kind, source.format, source.layout) == ("files", "json", "lines") and is_plain and is_whole


def _identifiers(context: JobContext, asked: Identifier) -> Iterator[Identifier]:
    ledger, columns = context.lake.ledger, ["namespace", "value", "person_id"]
    found = ledger.read(PERSON_LINK, columns, [("namespace", "=", asked[0]), ("value", "=", asked[1])])
    if not found:
        raise InputError("Nobody is known by this identifier.", "Name the person as a source does; mind the spelling.")
    yield asked
    others = ledger.read(PERSON_LINK, columns, [("person_id", "=", found[0]["person_id"])])
    yield from sorted((row["namespace"], row["value"]) for row in others)


def _land(source: Source, customer: str, preference: str, value: str | None, context: JobContext) -> None:
    at = context.run_started_at.isoformat()
    wish_id = sha256("\x1f".join((context.run_id, customer, preference, at)).encode()).hexdigest()[:24]
    told = {"record_id": wish_id, "customer_id": customer, "preference": preference, "value": value,
            "origin": context.options["by"], "occurred_at": at}  # fmt: skip
    columns = {name: mapped.column for name, mapped in source.columns.items()}
    line = json.dumps({columns[name]: text for name, text in told.items() if columns.get(name)})
    folder = Path(str(source.path)).expanduser()
    beside = folder / f"_{wish_id}.tmp"  # such names are not taken in
    try:
        folder.mkdir(parents=True, exist_ok=True)
        beside.write_text(f"{line}\n", encoding=source.encoding)
        os.replace(beside, folder / f"wish-{wish_id}.json")
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise EnvironmentProblem(f"Cannot write {folder}: {error.strerror or error}.", "Check its permissions.") from error
