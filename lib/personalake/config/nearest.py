"""Of names that there are, the one that a misspelt name comes nearest to."""

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str]) -> str:
    """What to say of an unknown name: the one that is meant, or all that there are.

    >>> nearest("emial", ["email", "phone"]), nearest("shoe_size", ["email", "phone"])
    ('did you mean email?', 'there are: email, phone')
    """
    meant = closest(name, known)
    return f"did you mean {meant}?" if meant else f"there are: {', '.join(known) or 'none'}"


def closest(name: str, known: Collection[str], alike: float = 0.7) -> str | None:
    """The one name that a misspelt one comes so near to that it is meant, in any case of letters; none else.

    Args:
        name: The name.
        known: Names that there are.
        alike: How near, 0..1; `difflib` tells what that is.

    >>> closest(" Emial", ["email", "phone"])
    'email'
    """
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.strip().lower(), by_lower, 1, alike)
    return by_lower[close[0]] if close else None
