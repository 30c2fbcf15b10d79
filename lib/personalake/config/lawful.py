"""What the settings must satisfy together, so that nothing is built, asked for or sent that nobody may."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from personalake.config.audience_columns import PSEUDONYM
from personalake.config.audience_kinds import channel_of
from personalake.config.nearest import nearest
from personalake.config.purposes import purposes_asked
from personalake.config.settings import Settings
from personalake.tables import ALL
from personalake.tables.gold import CUSTOMER_FEATURE

Problem = tuple[tuple[str, ...], str]
_UNENCRYPTED_AT_HOME = frozenset({"local", "demo", "world"})
_TLS_PROTOCOLS = ("SSL", "SASL_SSL")


def lawful_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong: the key at fault, and why."""
    yield from _undeclared_purposes(settings)
    yield from _unencrypted(settings)
    yield from _nameless(settings)


def misspelt_purposes(merged: Mapping[str, Any]) -> Iterator[Problem]:
    """Purposes that rules, destinations and syncs name and the company does not have, of settings that have other faults.

    A destination with a misspelt purpose is refused as one that lacks the right one: both are told, and those of rules.

    Args:
        merged: Keys and values as the files say them; what is not of the kind that is expected is passed over.
    """
    declared = _section(merged, "privacy").get("purposes")
    if not isinstance(declared, list) or not declared:
        return
    rules = _section(merged, "decisions").get("rules")
    asked: list[tuple[tuple[str, ...], list[str]]] = [
        (("decisions", "rules", str(number), "purpose"), _listed(rule, "purpose"))
        for number, rule in enumerate(rules if isinstance(rules, list) else ())
    ]
    for part in ("destinations", "audiences"):
        asked += [((part, str(name), "purposes"), _listed(one, "purposes")) for name, one in _section(merged, part).items()]
    for key, purposes in asked:
        yield from ((key, _undeclared(purpose, declared)) for purpose in purposes if purpose not in declared)


def _section(merged: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = merged.get(name)
    return found if isinstance(found, dict) else {}


def _listed(one: object, key: str) -> list[str]:
    found = one.get(key) if isinstance(one, dict) else None
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, str)]


def _undeclared(purpose: str, declared: Sequence[str]) -> str:
    return f"{purpose!r} is a purpose that privacy.purposes does not name; {nearest(purpose, list(map(str, declared)))}"


def deaf_syncs(settings: Settings) -> Iterator[tuple[str, str]]:
    """Syncs that go on writing to who unsubscribes from what they send, or complains: its name, and the purpose it lacks.

    What is withdrawn is the channel's purpose; who is asked for another one alone has not withdrawn anything.
    """
    for name, sync in sorted(settings.audiences.items()):
        connection = settings.connections.get(sync.destination)
        channel = None if connection is None else channel_of(connection, sync.channel)
        purpose = settings.receipts.purposes.get(channel or "")
        if purpose is None or purpose in sync.purposes:
            continue
        decided = sync.audience.decisions
        asked = {
            rule.purpose
            for rule in settings.decisions.rules
            if decided is not None
            and (not decided.actions or rule.action in decided.actions)
            and (not decided.channels or rule.channel in decided.channels)
        }
        if asked != {purpose}:
            yield name, purpose


def deaf_rules(settings: Settings) -> Iterator[tuple[str, str]]:
    """Rules that go on choosing for who withdrew the purpose of the rule's own channel: the name, and that purpose."""
    for rule in settings.decisions.rules:
        purpose = settings.receipts.purposes.get(rule.channel)
        if purpose is not None and rule.purpose != purpose:
            yield rule.name, purpose


def requires_tls(settings: Settings) -> bool:
    """Whether every way in and out must be encrypted; as configured, or by the environment."""
    chosen = settings.privacy.require_tls
    return settings.environment not in _UNENCRYPTED_AT_HOME if chosen is None else chosen


def _undeclared_purposes(settings: Settings) -> Iterator[Problem]:
    """Purposes that something needs and the company does not have; a feature without a purpose cannot be declared at all."""
    declared = settings.privacy.purposes
    if not declared:
        return
    for key, purpose in purposes_asked(settings):
        if purpose not in declared:
            yield key, _undeclared(purpose, declared)
    needed = {
        purpose: f"{table.full_name}.{field.name}"
        for table in ALL
        for field in table.fields
        for purpose in field.purposes
        if table is CUSTOMER_FEATURE or table.layer == "gold"
    }
    for purpose, column in sorted(needed.items()):
        if purpose not in declared:
            yield ("privacy", "purposes"), f"{purpose!r} is missing, for which {column} is made"


def _unencrypted(settings: Settings) -> Iterator[Problem]:
    if not requires_tls(settings):
        return
    remedy = "or privacy.require_tls: false where the network itself is encrypted"
    for name, source in settings.active_sources().items():
        if source.kafka is not None and source.kafka.security_protocol not in _TLS_PROTOCOLS:
            yield ("sources", name, "kafka"), f"messages would travel unencrypted; add tls: {{}}, {remedy}"
        if source.database is not None and not source.database.is_encrypted:
            told = (
                "own leaves it to the driver, and neither options nor url ask it to encrypt; add e.g. encrypt: true"
                if source.database.tls == "own"
                else "rows would travel unencrypted; use verify-full"
            )
            yield ("sources", name, "database", "tls"), f"{told}, {remedy}"
    for name, connection in settings.connections.items():
        if connection.enabled and not connection.is_encrypted:
            yield ("connections", name), f"what is sent would travel unencrypted; use https or TLS, {remedy}"


def _nameless(settings: Settings) -> Iterator[Problem]:
    if settings.privacy.pseudonyms.current is None:
        yield from (
            (("audiences", name), "reads pseudonym, which needs a key; name one under privacy.pseudonyms.keys")
            for name, sync in settings.audiences.items()
            if sync.enabled and PSEUDONYM in sync.reads
        )
    for name, destination in settings.destinations.items():
        if destination.enabled and destination.identifier == "pseudonym" and settings.privacy.pseudonyms.current is None:
            yield ("destinations", name, "identifier"), "a pseudonym needs a key; name one under privacy.pseudonyms.keys"
