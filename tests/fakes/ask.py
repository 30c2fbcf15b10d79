"""A request by the plainest client, so that nothing is retried, followed or decoded behind the test's back."""

import base64
import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.fakes import Handle


class Told(NamedTuple):
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str]


def ask(vendor: Handle, path: str, body: Any = None, method: str = "POST", timeout: float = 5, **headers: str) -> Told:
    """Send a body (bytes as they are, other things as JSON) and read the reply; underscores in header names are hyphens."""
    parts = urlsplit(vendor.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    sent = {"Content-Type": "application/json", **{key.replace("_", "-"): value for key, value in headers.items()}}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    try:
        connection.request(method, f"{parts.path}{path}", raw, sent)
        response = connection.getresponse()
        text = response.read()
        lowered = {key.lower(): value for key, value in response.getheaders()}
        is_json = "json" in lowered.get("content-type", "") and text
        return Told(response.status, json.loads(text) if is_json else text, lowered)
    finally:
        connection.close()


def basic(user: str, password: str = "") -> str:
    """The value of an Authorization header."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
