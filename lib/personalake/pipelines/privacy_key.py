"""Keys that a lake has of its own: of persons who are forgotten, and of ids that analysts see."""

import os
import secrets
from pathlib import Path

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
    return _kept(path)


def analyst_key(locations: Locations) -> str:
    """The key of ids that analysts see in the place of person ids; made at first use, beside the erasure key.

    Who may not read it, or asks a catalog, gets a key for the moment: ids then fit together within one query only.

    Args:
        locations: Where the lake lies.
    """
    if locations.catalog:
        return _drawn()
    try:
        return _kept(locations.root / "_keys" / "analysts.key")
    except OSError:
        return _drawn()


def _kept(path: Path) -> str:
    """The key in a file that its owner alone reads; of two who make it at once the first one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        beside.touch(0o600)
        beside.write_text(_drawn(), encoding="utf-8")
        try:
            os.link(beside, path)
        except FileExistsError:
            pass
        finally:
            beside.unlink()
    return path.read_text(encoding="utf-8").strip()


def _drawn() -> str:
    return secrets.token_hex(32)
