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


def which_of(value: str, words: Collection[str]) -> list[str]:
    """Of the few words that a setting may be, the one that a misspelt one means, or those of the family that it means.

    Two letters that changed places tell a short word, too, and what stands before `_` is a family: kinds are called by
    their vendor.

    >>> words = ["csv", "braze_send", "braze_track"]
    >>> which_of("cvs", words), which_of("brase", words), which_of("xml", words)
    (['csv'], ['braze_send', 'braze_track'], [])
    """
    meant = closest(value, words)
    if meant is not None:
        return [meant]
    letters = sorted(value.strip().lower())
    family = closest(value, {word.partition("_")[0] for word in words if "_" in word})
    return [word for word in words if sorted(word.lower()) == letters or (family and word.startswith(f"{family}_"))]
