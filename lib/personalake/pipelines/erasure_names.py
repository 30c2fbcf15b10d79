"""By which names a destination is asked to forget a person: those of one label are not those of another."""

from personalake.activation.connectors.braze import EXTERNAL, labelled, name_in
from personalake.activation.connectors.onesignal import SUBSCRIPTION
from personalake.activation.delivery import Name
from personalake.activation.receipts.addresses import DEVICE, address_of
from personalake.config import Settings
from personalake.config.audiences import Sync
from personalake.config.connections import Connection
from personalake.config.connections.braze import BrazeConnection
from personalake.config.connections.push import OneSignalConnection, OneSignalUserConnection
from personalake.privacy.subject import Subject

_CUSTOMER = "customer_id"
_USUAL = "external_id"


def aliases_in(destination: str, payload: str | None, connection: Connection | None) -> set[tuple[str, str, str]]:
    """The name in a payload for who knows people by names of several kinds: destination, kind, name; none of all others.

    Args:
        destination: Who was sent the payload.
        payload: The item as it left; null if it is gone.
        connection: The destination's settings; null if it has none any more.

    >>> aliases_in("app", '{"include_aliases": {"crm": ["77"]}}', None)
    {('app', 'crm', '77')}
    """
    if isinstance(connection, BrazeConnection):
        told = name_in(payload) if payload else None
        return set() if told is None or told.label is None else {(destination, told.label, told.value)}
    address = address_of(payload, destination) if payload else None
    if address is None:
        return set()
    if address.namespace == DEVICE:
        return {(destination, SUBSCRIPTION, address.value)}
    label, _, name = address.value.removeprefix(f"{destination}/").partition("/")
    return {(destination, label, name)}


def names_at(settings: Settings, destination: str, subject: Subject) -> list[Name]:
    """What one destination is asked for about one person.

    Where it knows people by names of several kinds, each name is asked for as the kind that it is: another person may have
    the same as another kind, and what is deleted there is gone. A customer number counts as what a sync says that it is,
    and at Braze as the external id; a person id is nobody else's as any.
    """
    ids, connection = subject.ids_at(destination), settings.connections[destination]
    if isinstance(connection, OneSignalConnection | OneSignalUserConnection):
        of_persons, of_customers = {*connection.alias_labels}, set[str]()
    elif isinstance(connection, BrazeConnection):
        of_persons, of_customers = {EXTERNAL, *map(labelled, connection.alias_labels)}, {EXTERNAL}
    else:
        return [Name(one) for one in sorted(ids)]
    named = {Name(name, label) for place, label, name in subject.aliases if place == destination}
    persons = {Name(one, label) for one in subject.person_ids & ids for label in of_persons}
    told = {key for place, key in subject.told if place == destination} - {name.value for name in named}
    customers = subject.destination_ids - subject.person_ids - told
    of_customers |= _labels_of_customers(settings, destination)
    numbered = {Name(one, label) for one in customers for label in of_customers}
    return sorted(named | persons | {Name(key) for key in told} | numbered, key=lambda name: (name.value, name.label or ""))


def _labels_of_customers(settings: Settings, destination: str) -> set[str]:
    syncs = (sync for sync in settings.audiences.values() if sync.destination == destination)
    return {_label(sync) for sync in syncs if sync.key.source == _CUSTOMER and sync.key.hashing == "none"}


def _label(sync: Sync) -> str:
    return labelled(sync.alias_label) if sync.alias_label is not None else sync.key_field or _USUAL
