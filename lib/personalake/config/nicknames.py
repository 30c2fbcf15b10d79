"""Short forms of names that stand for other short forms."""

from collections.abc import Mapping


def chained(short: str, names: Mapping[str, str]) -> str:
    """What is wrong with a short form of another short form: each is looked up once, so that a chain ends half-way.

    >>> chained("bob", {"bob": "rob", "rob": "robert"})
    "names in a chain meet half-way only: 'bob' for 'rob' for 'robert'; write 'robert' for each"
    """
    passed = [short]
    while (longer := names.get(passed[-1])) is not None and longer not in passed:
        passed.append(longer)
    told = " for ".join(map(repr, (passed[0], *passed[1:], *([] if longer is None else [longer]))))
    if longer is None:
        return f"names in a chain meet half-way only: {told}; write {passed[-1]!r} for each"
    return f"names in a circle: {told}; choose one form that the others stand for"
