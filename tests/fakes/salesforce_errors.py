"""How Marketing Cloud says no."""

from typing import Any

from tests.fakes.vendor import Reply

_DOCUMENTATION = "https://developer.salesforce.com/docs/atlas.en-us.mc-apis.meta/mc-apis/error-handling.htm"


def error(status: int, message: str, code: int, *more: str) -> Reply:
    """The envelope of the REST API, with further errors if there are any."""
    body: dict[str, Any] = {"message": message, "errorcode": code, "documentation": _DOCUMENTATION}
    if more:
        body["additionalErrors"] = [{"message": found, "errorcode": 10000, "documentation": ""} for found in more]
    return Reply(status, body)


def slower(seconds: int) -> Reply:
    """50100: come back in so many seconds."""
    body = {"message": "Rate limit exceeded", "errorcode": 50100, "retryAfter": seconds, "documentation": _DOCUMENTATION}
    return Reply(429, body, {"Retry-After": str(seconds)})


def oauth(status: int, code: str, description: str) -> Reply:
    """The envelope of the token endpoint."""
    body = {"error": code, "error_description": description, "error_uri": "https://developer.salesforce.com/docs"}
    return Reply(status, body)
