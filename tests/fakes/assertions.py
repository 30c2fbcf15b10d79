"""Google's check of a service account: a key file, and assertions that must be signed by it."""

import base64
import binascii
import json
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPES = ("https://www.googleapis.com/auth/firebase.messaging", "https://www.googleapis.com/auth/cloud-platform")
_HOUR = 3_600
_SKEW = 300
_TIMEFRAME = (
    "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
    "Check your iat and exp values in the JWT claim."
)


class ServiceAccount:
    """A service account whose key is made when it is first needed, so that no key lies in a repository."""

    def __init__(self, project: str) -> None:
        self.project = project
        self.email = f"messenger@{project}.iam.gserviceaccount.com"
        self.key_id = "0123456789abcdef0123456789abcdef01234567"

    @cached_property
    def key(self) -> rsa.RSAPrivateKey:
        """The private key."""
        return rsa.generate_private_key(65_537, 2_048)

    def key_file(self) -> dict[str, str]:
        """What a user downloads."""
        form = serialization.PrivateFormat.PKCS8
        pem = self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return {
            "type": "service_account",
            "project_id": self.project,
            "private_key_id": self.key_id,
            "private_key": pem.decode(),
            "client_email": self.email,
            "client_id": "100000000000000000000",
            "token_uri": AUDIENCE,
        }

    def problem(self, form: bytes, now: float, audiences: tuple[str, ...]) -> tuple[str, str] | None:
        """Google's error and its description, if an assertion is worth nothing."""
        fields = dict(parse_qsl(form.decode("latin-1")))
        if fields.get("grant_type") != GRANT:
            return "unsupported_grant_type", "Invalid grant_type"
        try:
            signed, _, signature = fields["assertion"].rpartition(".")
            header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
            raw = _decoded(signature)
        except (KeyError, ValueError, binascii.Error):
            return "invalid_grant", "Bad Request"
        if header.get("alg") != "RS256" or header.get("kid", self.key_id) != self.key_id:
            return "invalid_grant", "Invalid JWT Signature."
        if claims.get("iss") != self.email:
            return "invalid_grant", "Invalid grant: account not found"
        try:
            self.key.public_key().verify(raw, signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return "invalid_grant", "Invalid JWT Signature."
        return _claims_problem(claims, now, audiences)


def _claims_problem(claims: dict[str, Any], now: float, audiences: tuple[str, ...]) -> tuple[str, str] | None:
    if claims.get("aud") not in audiences:
        return "invalid_grant", "Invalid JWT: Failed audience check."
    issued, ends = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or not isinstance(ends, int):
        return "invalid_grant", _TIMEFRAME
    if not 0 < ends - issued <= _HOUR or ends <= now or issued > now + _SKEW:
        return "invalid_grant", _TIMEFRAME
    if not set(str(claims.get("scope", "")).split()) & set(SCOPES):
        return "invalid_scope", "Invalid OAuth scope or ID token audience provided."
    return None


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
