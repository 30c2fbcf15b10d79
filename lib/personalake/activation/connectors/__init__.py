"""Connectors by kind. A new one is a module here, its settings in `config/connections`, and a line below.

`docs/destinations.md` has the steps.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module

from personalake.activation.clock import Clock
from personalake.activation.contract import Connector
from personalake.config.connections import Connection
from personalake.config.secrets import resolve_secret
from personalake.errors import ConfigError

# Imported when they are needed: a run that drops files needs no asyncssh, one that sends no pyarrow.
_MAKERS = {
    "segment": "segment.Segment",
    "segment_suppression": "segment_suppression.SegmentSuppression",
    "tealium": "tealium.Tealium",
    "tealium_file": "files.file_connector",
    "sfmc_rows": "salesforce_rows.SalesforceRows",
    "sfmc_rowset": "salesforce_rowset.SalesforceRowset",
    "sfmc_journey": "salesforce_journey.SalesforceJourney",
    "braze_track": "braze_track.BrazeTrack",
    "braze_send": "braze_send.BrazeSend",
    "braze_subscription": "braze_subscription.BrazeSubscription",
    "fcm": "fcm.Fcm",
    "onesignal": "onesignal.OneSignal",
    "onesignal_user": "onesignal_user.OneSignalUser",
    "webhook": "webhook.Webhook",
    "email": "email.Email",
    "csv_drop": "files.file_connector",
    "sftp": "files.file_connector",
    "object_store": "files.file_connector",
}
KINDS = tuple(_MAKERS)


def connect(name: str, connection: Connection, clock: Clock, resolve: Callable[[str], str] = resolve_secret) -> Connector:
    """The connector of a connection; secrets are looked up here, and kept nowhere else.

    Args:
        name: Name of the destination.
        connection: Its settings.
        clock: Time.
        resolve: Reference of a secret to its value.

    Raises:
        ConfigError: If a secret is not set, or not what it should be; it names the destination, and shows no secret.
    """
    kind: str = connection.kind  # type: ignore[attr-defined]
    module, maker = _MAKERS[kind].split(".")
    make = getattr(import_module(f"personalake.activation.connectors.{module}"), maker)
    try:
        made: Connector = make(name, connection, clock, partial(_sound, resolve))
    except ConfigError as error:
        raise ConfigError([f"{name}: {problem}" for problem in error.problems]) from None
    except ValueError as error:
        # What a library says of a key that it cannot read may show some of it.
        told = f"{name}: a secret of it cannot be read: {type(error).__name__}; look at its secrets in conf/connections.yml"
        raise ConfigError([told]) from None
    return made


def _sound(resolve: Callable[[str], str], reference: str) -> str:
    """A secret that may stand in a header or a login.

    One that ends in a line break, as `echo` into a file leaves it, would be refused there, or break each request
    after it was claimed. Keys of several lines are left as they are.

    Raises:
        ConfigError: If it is one line with a line break around it, or with a character that nobody sees.
    """
    value = resolve(reference)
    inner = value.strip("\r\n")
    if "\n" in inner:
        return value
    if inner != value:
        raise ConfigError([f"{reference} begins or ends with a line break; set it again without one"])
    if not all(character.isprintable() or character == "\t" for character in value):
        raise ConfigError([f"{reference} holds a character that cannot be seen; set it again without it"])
    return value
