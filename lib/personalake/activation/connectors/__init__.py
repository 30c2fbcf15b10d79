"""Connectors by kind. A new one is a module here, its settings in `config/connections`, and a line below."""

from collections.abc import Callable
from importlib import import_module

from personalake.activation.clock import Clock
from personalake.activation.contract import Connector
from personalake.config.connections import Connection
from personalake.config.secrets import resolve_secret

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
        ConfigError: If a secret is not set, or not what it should be.
    """
    kind: str = connection.kind  # type: ignore[attr-defined]
    module, maker = _MAKERS[kind].split(".")
    made: Connector = getattr(import_module(f"personalake.activation.connectors.{module}"), maker)(
        name, connection, clock, resolve
    )
    return made
