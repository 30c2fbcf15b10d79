"""The key under which persons are known after they are forgotten."""

import os
import secrets

from personalake.config import Settings
from personalake.config.secrets import resolve_secret
from personalake.errors import ConfigError
from personalake.lake import Locations


def erasure_key(settings: Settings, locations: Locations) -> str:
    """The configured secret; a lake of folders makes one at first use, readable by its owner only.

    Whoever has lost the key can neither verify receipts nor keep erased persons from coming back.

    Raises:
        ConfigError: If none is configured for a catalog, or the secret is not set.
    """
    if settings.erasure.key is not None:
        return resolve_secret(settings.erasure.key)
    if locations.catalog:
        raise ConfigError(["erasure.key: missing; with a catalog the key lies in a secret scope, as secret://scope/key"])
    path = locations.root / "_keys" / "erasure.key"
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
