"""The key under which persons are known after they are forgotten."""

import os
import secrets

from personalake.config import Settings
from personalake.config.secrets import resolve_secret
from personalake.errors import ConfigError
from personalake.lake import Locations


def erasure_key(settings: Settings, locations: Locations, may_make: bool = True) -> str:
    """The configured secret; a lake of folders makes one at first use, readable by its owner only.

    Whoever has lost the key can neither verify receipts nor keep erased persons from coming back.

    Args:
        settings: The configuration.
        locations: Where the lake lies.
        may_make: Whether a key is made where there is none; not for who verifies what another key has signed.

    Raises:
        ConfigError: If none is configured for a catalog, the secret is not set, or there is none and none may be made.
    """
    if settings.erasure.key is not None:
        return resolve_secret(settings.erasure.key)
    if locations.catalog:
        raise ConfigError(["erasure.key: missing; with a catalog the key lies in a secret scope, as secret://scope/key"])
    path = locations.root / "_keys" / "erasure.key"
    if not path.exists() and not may_make:
        raise ConfigError(
            [f"erasure.key: none is configured, and {path} is not there; bring back the key from where it is kept"]
        )
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.touch(0o600)
        beside.write_text(secrets.token_hex(32), encoding="utf-8")
        try:
            os.link(beside, path)  # of two at once the first one wins
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return path.read_text(encoding="utf-8").strip()
