"""One connection of each kind, by literal settings; `base` is the URL of a server on this machine."""

import base64
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import TypeAdapter

from personalake.activation.connectors import connect
from personalake.activation.contract import Connector
from personalake.config.connections import AnyConnection, Connection
from tests.activation.doubles import FakeClock

CONNECTION: TypeAdapter[Connection] = TypeAdapter(AnyConnection)
BRAZE = {"instance": "rest.fra-01.braze.eu", "api_key": "secret://braze/key"}
SALESFORCE = {
    "subdomain": "mc563885gzs27c5t9",
    "client_id": "secret://sfmc/id",
    "client_secret": "secret://sfmc/secret",
}
ROWS = {**SALESFORCE, "data_extension": "people", "keys": ["id"]}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "segment": {"write_key": "secret://segment/key", "api_token": "secret://segment/token"},
    "segment_suppression": {"api_token": "secret://segment/token"},
    "tealium": {
        "account": "acme",
        "profile": "main",
        "datasource": "abc123",
        "username": "secret://tealium/user",
        "api_key": "secret://tealium/key",
        "erasure_attribute_id": "86",
    },
    "tealium_file": {"prefix": "people", "columns": ["visitor_id", "tier"], "visitor_column": "visitor_id"},
    "sfmc_rows": ROWS,
    "sfmc_rowset": ROWS,
    "sfmc_journey": SALESFORCE,
    "braze_track": BRAZE,
    "braze_send": BRAZE,
    "braze_subscription": BRAZE,
    "fcm": {"project": "acme-app", "service_account": "secret://fcm/account"},
    "onesignal": {"app_id": "app-1", "api_key": "secret://onesignal/key", "subscribers": 100_000},
    "onesignal_user": {"app_id": "app-1", "api_key": "secret://onesignal/key"},
    "webhook": {"url": "https://desk.example/tickets", "secret": "secret://desk/secret"},
    "email": {"host": "127.0.0.1", "security": "none", "sender": "Shop <news@shop.example>"},
    "csv_drop": {"columns": ["external_id", "tier"]},
    "object_store": {"columns": ["external_id", "tier"]},
}


@cache
def key_file() -> str:
    """A service account's key file, with a key made for this run."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "client_email": "sender@acme.example", "private_key": pem}
    return json.dumps({**account, "token_uri": "https://evil.example/token"})


def secret(reference: str) -> str:
    """The value behind a reference in tests."""
    if reference == "secret://fcm/account":
        return key_file()
    if reference == "secret://desk/secret":
        return "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()
    if reference == "secret://desk/login":
        return "ann@shop.example/token:k3y"
    return f"value-of-{reference.rsplit('/', 1)[-1]}"


def connection_of(kind: str, **more: Any) -> Connection:
    """A connection of a kind."""
    return CONNECTION.validate_python({"kind": kind, **SETTINGS[kind], **more})


def connector_of(kind: str, folder: Path | None = None, clock: Any = None, **more: Any) -> Connector:
    """A connector of a kind; files go to a folder."""
    if kind in ("csv_drop", "tealium_file"):
        more = {"folder": folder or Path("/nonexistent"), **more}
    if kind == "object_store":
        more = {"uri": f"file://{folder or '/nonexistent'}", **more}
    return connect("there", connection_of(kind, **more), clock or FakeClock(), secret)
