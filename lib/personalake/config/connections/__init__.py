"""How destinations are reached: one model for each kind of connection, with the vendors' numbers as defaults."""

from typing import Annotated

from pydantic import Field

from personalake.config.connections.base import Bounds, Connection, Patience, Rate, UnknownPolicy
from personalake.config.connections.braze import BrazeSendConnection, BrazeSubscriptionConnection, BrazeTrackConnection
from personalake.config.connections.files import (
    CsvDropConnection,
    ObjectStoreConnection,
    SftpConnection,
    TealiumFileConnection,
)
from personalake.config.connections.open import EmailConnection, WebhookConnection
from personalake.config.connections.push import FcmConnection, OneSignalConnection, OneSignalUserConnection
from personalake.config.connections.salesforce import (
    SalesforceJourneyConnection,
    SalesforceRowsConnection,
    SalesforceRowsetConnection,
)
from personalake.config.connections.segment import SegmentConnection, SegmentSuppressionConnection
from personalake.config.connections.tealium import TealiumConnection

AnyConnection = Annotated[
    SegmentConnection
    | SegmentSuppressionConnection
    | TealiumConnection
    | TealiumFileConnection
    | SalesforceRowsConnection
    | SalesforceRowsetConnection
    | SalesforceJourneyConnection
    | BrazeTrackConnection
    | BrazeSendConnection
    | BrazeSubscriptionConnection
    | FcmConnection
    | OneSignalConnection
    | OneSignalUserConnection
    | WebhookConnection
    | EmailConnection
    | CsvDropConnection
    | SftpConnection
    | ObjectStoreConnection,
    Field(discriminator="kind"),
]

__all__ = [
    "AnyConnection",
    "Bounds",
    "BrazeSendConnection",
    "BrazeSubscriptionConnection",
    "BrazeTrackConnection",
    "Connection",
    "CsvDropConnection",
    "EmailConnection",
    "FcmConnection",
    "ObjectStoreConnection",
    "OneSignalConnection",
    "OneSignalUserConnection",
    "Patience",
    "Rate",
    "SalesforceJourneyConnection",
    "SalesforceRowsConnection",
    "SalesforceRowsetConnection",
    "SegmentConnection",
    "SftpConnection",
    "TealiumConnection",
    "TealiumFileConnection",
    "UnknownPolicy",
    "WebhookConnection",
]
