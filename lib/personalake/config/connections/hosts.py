"""Checks of settings that bear a host: a crafted value must not send a secret elsewhere."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_NAME = re.compile(r"[\w.-]+")
_SLASHES = frozenset("/\\")
_SECRET = re.compile(r"secret://[\w.-]+/[\w.-]+")


def dns_label(text: str) -> str:
    """One label of a host name, nothing more.

    >>> dns_label("mc563885gzs27c5t9")
    'mc563885gzs27c5t9'
    >>> dns_label("evil.example/")
    Traceback (most recent call last):
    ValueError: not one label of a host name: letters, digits and hyphens, 63 at most
    """
    if not _LABEL.fullmatch(text):
        raise ValueError("not one label of a host name: letters, digits and hyphens, 63 at most")
    return text.lower()


def path_part(text: str) -> str:
    """A name that stands in a path: no slash, no question mark, nothing that climbs."""
    if not _NAME.fullmatch(text) or set(text) == {"."}:
        raise ValueError("expected letters, digits, dots, hyphens and underscores only")
    return text


def path_text(text: str) -> str:
    """A name with any letters, blanks and signs that stands in a path, spelled out there: no slash, nothing that climbs.

    >>> path_text("All people (EU)")
    'All people (EU)'
    """
    if not text.strip(".") or not text.isprintable() or text != text.strip() or not _SLASHES.isdisjoint(text):
        raise ValueError("expected letters, digits, blanks and signs without slashes, and no blank around them")
    return text


_NO_REFERENCE = "expected a reference, secret://scope/key; a secret itself does not belong into a file"


def secret_reference(text: str) -> str:
    """A reference to a secret, never the secret itself."""
    if not _SECRET.fullmatch(text):
        # The value is not repeated: it may be the secret.
        raise ValueError(_NO_REFERENCE)
    return text


def host_below(host: str, domains: Sequence[str]) -> str:
    """A bare host name that is one of the domains or below one.

    Raises:
        ValueError: If it is anything else, a port or a path included.
    """
    labels = host.lower().split(".")
    is_name = all(_LABEL.fullmatch(label) for label in labels)
    if not is_name or not any(host.lower() == domain or host.lower().endswith(f".{domain}") for domain in domains):
        raise ValueError(f"not a host of this vendor; expected one below {', '.join(domains)}")
    return host.lower()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(url: str, domains: Sequence[str]) -> str:
    """A base URL of the vendor by https, or of this machine (a gateway or a test) by any scheme.

    Raises:
        ValueError: If secrets could go elsewhere.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment or not parts.hostname:
        raise ValueError("expected a plain base URL such as https://host, without credentials, query and fragment")
    if parts.scheme not in ("http", "https"):
        raise ValueError("expected https://")
    if not is_loopback(parts.hostname):
        host_below(parts.hostname, domains)
        if parts.scheme != "https":
            raise ValueError("expected https://: secrets never travel unencrypted")
        if parts.port not in (None, 443):
            raise ValueError("a port other than 443 is not the vendor's")
    return url.rstrip("/")


DnsLabel = Annotated[str, AfterValidator(dns_label)]
PathPart = Annotated[str, AfterValidator(path_part)]
PathText = Annotated[str, AfterValidator(path_text)]
SecretReference = Annotated[str, AfterValidator(secret_reference)]
