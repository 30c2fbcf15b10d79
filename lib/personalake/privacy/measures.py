"""Measures against the risks of an impact assessment, each with how it is set: what is off is said to be off."""

from collections.abc import Iterator
from typing import NamedTuple

from personalake.config import Settings
from personalake.config.lawful import requires_tls
from personalake.config.purposes import purposes_of_models
from personalake.privacy.data_map import personal_tables, recipients
from personalake.privacy.places import landed_days
from personalake.tables import ALL

NOT_SET = "**Not set**"


class Measure(NamedTuple):
    """One line of the assessment.

    Args:
        risk: What may happen to somebody.
        measure: What the product does against it.
        state: What of it these settings turn on, and what they do not.
    """

    risk: str
    measure: str
    state: str


def measures(settings: Settings) -> Iterator[Measure]:
    """All risks, in the order of what they do to people."""
    yield from _of_will(settings)
    yield from _of_sight(settings)
    yield from _of_rights(settings)
    yield Measure(
        "A decision harms somebody",
        "reasons with each score and decision, rules that people read, a holdout from every action",
        _decisions(settings),
    )


def _of_will(settings: Settings) -> Iterator[Measure]:
    yield Measure(
        "Persons are acted upon against their will",
        "consent per purpose, which fails closed, is asked before features, scores, segments and recommendations are made "
        "of somebody or anything is learnt from them, by decisions, and again when sending",
        _consents(settings),
    )
    signals = settings.privacy.signals
    yield Measure(
        "A withdrawal comes late or gets lost",
        "an append-only ledger by identifier; merges of persons keep every answer; the next run removes what was computed "
        "of who withdrew, at every as-of, and says of how many",
        "built in; signals that count as answers: " + (_listed(signals) if signals else "none"),
    )
    declared = settings.privacy.purposes
    yield Measure(
        "Data is used for something else",
        "purposes on columns and destinations; a feature without a purpose is refused",
        f"{len(declared)} purposes are declared; another one is refused"
        if declared
        else f"{NOT_SET}: `privacy.purposes` names none, so that anything may be asked for as a purpose",
    )


def _of_sight(settings: Settings) -> Iterator[Measure]:
    yield Measure("More people see persons than need to", "masks from tags for analysts, grants by group", _masks(settings))
    yield Measure(
        "A recipient joins data with others'",
        "keyed pseudonyms, a key for each destination, keys that are rotated",
        _pseudonyms(settings),
    )
    yield Measure("Data is read on its way", "TLS for Kafka, databases and connections", _encrypted_ways(settings))
    published, people = settings.privacy.publishing, _least_people(settings)
    yield Measure(
        "Published figures give somebody away",
        "least sizes of cells and audiences, noise with a budget that runs out",
        f"cells of at least {published.minimum_cell} persons; epsilon {published.budget:g} and delta "
        f"{published.delta_budget:g} in {published.period_days} days, of `publish_counts` alone: the report and gold are "
        f"exact figures for the house; {people}",
    )
    yield Measure(
        "Somebody looks at persons without need",
        "a log of who looked at or exported what, written before anything is shown",
        "built in, for this product's own commands; who reads files or tables past them is in the platform's log only",
    )
    excepted = sorted(f"`{name}`" for name, source in settings.active_sources().items() if source.not_personal)
    yield Measure(
        "Personal data lies where nobody expects it",
        "a detector over all columns and mappings; an untagged one is refused",
        "built in; sources that declare columns not to be personal: " + (", ".join(excepted) or "none"),
    )


def _of_rights(settings: Settings) -> Iterator[Measure]:
    erasure = settings.erasure
    searched = (
        "every file is searched" if erasure.search else f"{NOT_SET}: `erasure.search` is off, so that nothing is proven"
    )
    beside = "receipts under a key that lies in the lake's own folder"
    lacking = f"{NOT_SET}: `erasure.key`, without which nobody is erased with a catalog"
    signed = "receipts under a configured key" if erasure.key else lacking if settings.catalog else beside
    yield Measure(
        "A person cannot find out, or be forgotten",
        "access export and erasure of all tables, files and destinations",
        f"{searched}; {signed}; files of older versions go {erasure.retention_hours} hours after an erasure",
    )
    yield Measure(
        "Rows are kept for longer than they are needed",
        "an age for each table and for landed files, after which a job removes them, with receipts",
        _ages(settings),
    )
    yield Measure(
        "A backup outlives an erasure",
        "raw payloads under a key for each person, which an erasure destroys",
        f"on, by the master key `{settings.privacy.encryption.current}`, for rows that came in since it was set"
        if settings.privacy.encryption.current
        else f"{NOT_SET}: raw payloads are clear text, and so are their backups (`privacy.encryption`)",
    )


def _consents(settings: Settings) -> str:
    assumed = sorted(f"`{name}`" for name, it in settings.active_sources().items() if it.consent == "assume_granted")
    asked = sorted({purpose for _, purpose in purposes_of_models(settings)})
    told = f"asked for models and groups: {', '.join(asked)}"
    return (
        f"{told}; **assumed, not asked**, of who comes from {', '.join(assumed)}"
        if assumed
        else f"{told}; of nobody assumed"
    )


def _masks(settings: Settings) -> str:
    access = settings.privacy.access
    if settings.catalog is None:
        return (
            f"{NOT_SET}: without a catalog, who may read the folder sees everything; `personalake query` alone masks, and "
            "shows keyed ids in the place of person ids"
        )
    return (
        f"in the catalog `{settings.catalog}`, once `protect_tables` has run: `{access.full_group}` sees all, "
        f"`{access.analyst_group}` masked columns; person ids are shown, and can be computed by who knows an identifier"
    )


def _pseudonyms(settings: Settings) -> str:
    keyed, open_ = list[str](), list[str]()
    for name, known_by, *_ in recipients(settings):
        is_keyed = known_by.startswith("pseudonym") or known_by.endswith(", hmac")
        (keyed if is_keyed else open_).append(f"{name} ({known_by})")
    current = settings.privacy.pseudonyms.current
    key = f"key version `{current}`" if current else f"{NOT_SET}: no key (`privacy.pseudonyms`)"
    under = f"under keyed names: {', '.join(keyed) or 'none'}"
    return f"{key}; {under}; under names that others may know, too: {', '.join(open_) or 'none'}"


def _encrypted_ways(settings: Settings) -> str:
    if requires_tls(settings):
        return "required; what would travel in clear text is refused at the start"
    clear = sorted(f"`{name}`" for name, it in settings.connections.items() if it.enabled and not it.is_encrypted)
    told = f"{NOT_SET} in the environment `{settings.environment}`; connections in clear text: {', '.join(clear) or 'none'}"
    return told if settings.privacy.require_tls is None else f"{told}, by `privacy.require_tls: false`"


def _least_people(settings: Settings) -> str:
    least = {f"`{name}` {sync.min_people}" for name, sync in settings.audiences.items() if sync.enabled}
    return "least audience of syncs: " + (", ".join(sorted(least)) or "no sync is on")


def _ages(settings: Settings) -> str:
    ageless = sum(table.aged_by is None for table in personal_tables(ALL))
    own = settings.maintenance.retention_days
    chosen = ", ".join(f"`{name}` {days:,} days" for name, days in sorted(own.items()))
    return (
        f"removed by `maintain_tables`, where somebody runs it; landed files after {landed_days(settings):,} days; "
        f"{'ages as declared' if not own else f'ages of your own: {chosen}'}; {ageless} tables about persons have no age"
    )


def _decisions(settings: Settings) -> str:
    rules, share = settings.decisions.rules, settings.decisions.holdout.share
    held = f"{share:.0%} of people are left alone" if share else f"{NOT_SET}: no holdout, so that no effect is measured"
    return f"{len(rules)} rules, without a person's say in single cases; {held}"


def _listed(signals: dict[str, tuple[str, ...]]) -> str:
    return "; ".join(f"`{name}` (for {', '.join(purposes)})" for name, purposes in sorted(signals.items()))
