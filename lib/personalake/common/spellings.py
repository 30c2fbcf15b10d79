"""An identifier as it is written, and in its one spelling: `standard_value` of `common.standardise`, in Python."""

import re
from collections.abc import Iterator

from personalake.common.standardise import (
    AROUND_EMAIL,
    BLANKS,
    EMAIL,
    EMAIL_LENGTH,
    FEWEST_DIGITS,
    IS_AROUND_EMAIL,
    MOST_DIGITS,
    WRITTEN_EMAIL_LENGTH,
    WRITTEN_PHONE_LENGTH,
)

_EMAIL, _IS_AROUND = re.compile(EMAIL, re.ASCII), re.compile(IS_AROUND_EMAIL)
_AROUND = [re.compile(around, re.ASCII) for around in AROUND_EMAIL]
_NO_DIGIT = re.compile(r"[^0-9]")


def spelled(namespace: str, value: str, calling_code: str) -> str:
    """An identifier in its one spelling: e-mails and phones as such, all others without blanks of any kind around them.

    Args:
        namespace: Kind of identifier.
        value: The identifier, as somebody wrote it.
        calling_code: Country calling code of phone numbers that are written without one.

    >>> spelled("email", " Ann@X.example", "1"), spelled("phone", "(212) 555-0101", "1"), spelled("login", " Ann", "1")
    ('ann@x.example', '12125550101', 'Ann')
    """
    found = None
    if namespace == "email":
        found = email_spelling(value)
    elif namespace == "phone":
        found = phone_spelling(value, calling_code)
    return (value.strip(BLANKS) or value) if found is None else found


def spellings(namespace: str, value: str, calling_code: str) -> Iterator[str]:
    """An identifier as it is written, and in its one spelling; each once.

    >>> list(spellings("email", "A@b.c ", "1")), list(spellings("login", "ann", "1"))
    (['A@b.c ', 'a@b.c'], ['ann'])
    """
    yield from dict.fromkeys((value, spelled(namespace, value, calling_code)))


def email_spelling(value: str) -> str | None:
    """An e-mail address in its one spelling; None if it is none.

    >>> email_spelling("Ann Lee <Ann@X.example>"), email_spelling("mailto:ann@x.example?subject=Hi"), email_spelling("ann")
    ('ann@x.example', 'ann@x.example', None)
    """
    small = value.strip(BLANKS)[:WRITTEN_EMAIL_LENGTH].lower()
    for around in _AROUND if _IS_AROUND.search(small) else ():
        if (found := around.fullmatch(small)) is not None:
            small = found[1].strip(BLANKS)
    return small if len(small) <= EMAIL_LENGTH and _EMAIL.fullmatch(small) else None


def phone_spelling(value: str, calling_code: str) -> str | None:
    """A phone number in its one spelling; None if it is none."""
    written = value.strip(BLANKS)[:WRITTEN_PHONE_LENGTH]
    digits = _NO_DIGIT.sub("", written)
    full = calling_code + digits.removeprefix("0")
    if written.startswith("+"):
        full = digits
    elif digits.startswith("00"):
        full = digits[2:]
    return full if FEWEST_DIGITS <= len(full) <= MOST_DIGITS and digits.strip("0") else None
