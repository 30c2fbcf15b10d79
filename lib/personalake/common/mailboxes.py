"""Addresses of e-mail as headers write them."""

import re
from email.utils import getaddresses

# A bare mailbox of letters, digits and what is usual beside them, as nearly every one is: there is nothing to take apart.
_BARE = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


def one_address(text: str) -> tuple[str, str] | None:
    """Name and mailbox of a text that is one address, bare or in brackets; null if it is none, or more than one.

    What else a reader of headers would take off, e.g. a comment, would be written to under another spelling than that by
    which refusals are known.

    >>> one_address("Ann <ann@home.example>"), one_address("ann@home.example, bob@home.example")
    (('Ann', 'ann@home.example'), None)
    """
    if _BARE.fullmatch(text):
        return "", text
    found = getaddresses([text])
    if len(found) != 1:
        return None
    mailbox = found[0][1]
    is_told = mailbox == text.strip() or text.rstrip().endswith(f"<{mailbox}>")
    is_bare = mailbox.count("@") == 1 and " " not in mailbox and not mailbox.lower().startswith("mailto:")
    return found[0] if is_told and is_bare else None
