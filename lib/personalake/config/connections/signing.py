"""Keys by which webhooks are signed, as Standard Webhooks has them."""

import base64
import binascii
from collections.abc import Iterator, Mapping

from personalake.config.connections.base import Connection
from personalake.config.connections.open import WebhookConnection
from personalake.config.secrets import resolve_secret, variable_of

# How Standard Webhooks marks a secret, and how long its key is, bytes.
_BRAND, _LEAST, _MOST = "whsec_", 24, 64


def signing_key(secret: str, is_former: bool = False) -> bytes:
    """The key's bytes: base64, with or without `whsec_` before it; without, any other text is the key itself.

    Args:
        secret: What receivers know, too.
        is_former: Whether another one takes its place: receivers may know it as it is.

    Raises:
        ValueError: If it is empty, of another length than the specification wants, or no base64 behind `whsec_`.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_BRAND), validate=True)
    except binascii.Error:
        if secret.startswith(_BRAND):
            raise ValueError(f"no base64 behind {_BRAND}") from None
        key = secret.encode()
    if not key:
        raise ValueError("an empty key signs nothing")
    if not is_former and not _LEAST <= len(key) <= _MOST:
        raise ValueError(
            f"a key of {len(key)} bytes, and Standard Webhooks wants {_LEAST} to {_MOST}; "
            "make one by `openssl rand -base64 32`, and name the one that receivers know as former_secret until they have it"
        )
    return key


def unfit_keys(connections: Mapping[str, Connection], environ: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Secrets of webhooks that are set and sign nothing, or too weakly: the key at fault, and why."""
    for name, connection in connections.items():
        if not isinstance(connection, WebhookConnection) or not connection.enabled:
            continue
        for field in ("secret", "former_secret"):
            reference = getattr(connection, field)
            if reference is None or not environ.get(variable_of(reference)):
                continue
            try:
                signing_key(resolve_secret(reference, environ), field == "former_secret")
            except ValueError as problem:
                yield ("connections", name, field), f"{reference} is no secret of a webhook: {problem}"
