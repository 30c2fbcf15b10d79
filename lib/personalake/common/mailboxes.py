"""Addresses of e-mail as headers write them."""

import re
from email.utils import getaddresses

# A bare mailbox of letters, digits and what is usual beside them, as nearly every one is: there is nothing to take apart.
_BARE = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def one_address(text: str) -> tuple[str, str] | None:
    """Name and mailbox of a text that is one address; null if it is none, or more than one.

    >>> one_address("Ann <ann@home.example>"), one_address("ann@home.example, bob@home.example")
    (('Ann', 'ann@home.example'), None)
    """
    if _BARE.fullmatch(text):
        return "", text
    found = getaddresses([text])
    if len(found) != 1 or found[0][1].count("@") != 1 or " " in found[0][1]:
        return None
    return found[0]
