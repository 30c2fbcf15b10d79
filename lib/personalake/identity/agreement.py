"""When two values of one person can stand beside each other: the same first name in two forms, a birth date mistyped."""

from collections.abc import Collection

_PREFIX = 2


def names_agree(left: str, right: str) -> bool:
    """Whether two first names can be one person's: alike but for a slip, an initial, or the same beginning.

    >>> names_agree("kate", "katherine"), names_agree("j", "john"), names_agree("jonh", "john"), names_agree("ann", "john")
    (True, True, True, False)
    """
    if len(left) == 1 or len(right) == 1:
        return left[:1] == right[:1]
    return left[:_PREFIX] == right[:_PREFIX] or one_slip_apart(left, right)


def days_agree(left: str, right: str) -> bool:
    """Whether two ISO days can be one birth date: at most two digits apart, or day and month swapped.

    >>> days_agree("1980-01-02", "1980-02-01"), days_agree("1980-01-02", "1975-06-30")
    (True, False)
    """
    differing = sum(one != other for one, other in zip(left, right, strict=False)) + abs(len(left) - len(right))
    swapped = left[:4] == right[:4] and left[5:7] == right[8:10] and left[8:10] == right[5:7]
    return differing <= 2 or swapped


def one_slip_apart(left: str, right: str) -> bool:
    """Whether one letter replaced, lost, added, or swapped with its neighbour makes one word the other.

    >>> one_slip_apart("smith", "smiht"), one_slip_apart("smith", "smth"), one_slip_apart("smith", "smythe")
    (True, True, False)
    """
    if len(left) > len(right):
        left, right = right, left
    if len(right) - len(left) > 1:
        return False
    place = next((i for i, letter in enumerate(left) if letter != right[i]), len(left))
    if len(left) < len(right):
        return left[place:] == right[place + 1 :]
    swapped = left[place : place + 2] == right[place : place + 2][::-1] and left[place + 2 :] == right[place + 2 :]
    return left[place + 1 :] == right[place + 1 :] or swapped


def first_names_agree(
    left: Collection[str], right: Collection[str], left_last: Collection[str], right_last: Collection[str]
) -> bool:
    """Whether two groups of records can be one person by their first names; initials count only where there is no more.

    Args:
        left: First names of one group.
        right: First names of the other one.
        left_last: Last names of one group: first and last name may have been swapped.
        right_last: Last names of the other one.
    """
    if not left or not right:
        return True
    ours, theirs = _told(left), _told(right)
    if any(names_agree(one, other) for one in ours for other in theirs):
        return True
    return _swapped(ours, right_last, left_last, theirs)


def birth_dates_agree(left: Collection[str], right: Collection[str]) -> bool:
    """Whether two groups of records can be one person by their birth dates."""
    return not left or not right or any(days_agree(one, other) for one in left for other in right)


def _told(names: Collection[str]) -> Collection[str]:
    return [name for name in names if len(name) > 1] or names


def _swapped(
    first: Collection[str], other_last: Collection[str], last: Collection[str], other_first: Collection[str]
) -> bool:
    first_is_last = any(one_slip_apart(one, other) for one in first for other in other_last if len(other) > 1)
    return first_is_last and any(one_slip_apart(one, other) for one in last for other in other_first if len(one) > 1)
