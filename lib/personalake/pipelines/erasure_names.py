"""By which names a destination is asked to forget a person: those of one label are not those of another."""

from personalake.activation.connectors.onesignal import SUBSCRIPTION
from personalake.activation.delivery import Name
from personalake.activation.receipts.addresses import DEVICE, address_of
from personalake.config import Settings
from personalake.config.connections.push import OneSignalConnection, OneSignalUserConnection
from personalake.privacy.subject import Subject

_CUSTOMER = "customer_id"
_USUAL = "external_id"


def aliases_in(destination: str, payload: str | None) -> set[tuple[str, str, str]]:
    """The name in a payload for an app that knows people by labels: destination, label, name; none of all other payloads.

    >>> aliases_in("app", '{"include_aliases": {"crm": ["77"]}}')
    {('app', 'crm', '77')}
    """
    address = address_of(payload, destination) if payload else None
    if address is None:
        return set()
    if address.namespace == DEVICE:
        return {(destination, SUBSCRIPTION, address.value)}
    label, _, name = address.value.removeprefix(f"{destination}/").partition("/")
    return {(destination, label, name)}


def names_at(settings: Settings, destination: str, subject: Subject) -> list[Name]:
    """What one destination is asked for about one person.

    Where it knows people by labels, each name is asked for under its own label: another person may have the same under
    another, and what is deleted there is gone. A customer number counts under labels that a sync fills with it; a person id
    is nobody else's under any.
    """
    ids, connection = subject.ids_at(destination), settings.connections[destination]
    if not isinstance(connection, OneSignalConnection | OneSignalUserConnection):
        return [Name(one) for one in sorted(ids)]
    named = {Name(name, label) for place, label, name in subject.aliases if place == destination}
    persons = {Name(one, label) for one in subject.person_ids & ids for label in connection.alias_labels}
    told = {key for place, key in subject.told if place == destination} - {name.value for name in named}
    customers = subject.destination_ids - subject.person_ids - told
    numbered = {Name(one, label) for one in customers for label in _labels_of_customers(settings, destination)}
    return sorted(named | persons | {Name(key) for key in told} | numbered, key=lambda name: (name.value, name.label or ""))


def _labels_of_customers(settings: Settings, destination: str) -> set[str]:
    syncs = (sync for sync in settings.audiences.values() if sync.destination == destination)
    return {sync.key_field or _USUAL for sync in syncs if sync.key.source == _CUSTOMER and sync.key.hashing == "none"}
