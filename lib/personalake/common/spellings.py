"""An identifier as it is written, and in its one spelling: `standard_value` of `common.standardise`, in Python."""

import re
from collections.abc import Iterator

from personalake.common.standardise import EMAIL_LENGTH, FEWEST_DIGITS, MOST_DIGITS, WRITTEN_PHONE_LENGTH

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+", re.ASCII)
_NO_DIGIT = re.compile(r"[^0-9]")


def spellings(namespace: str, value: str, calling_code: str) -> Iterator[str]:
    """An identifier as it is written, and in its one spelling."""
    yield value
    if namespace == "email":
        small = value[: EMAIL_LENGTH + 1].strip(" ").lower()
        if _EMAIL.fullmatch(small) and len(small) <= EMAIL_LENGTH:
            yield small
    if namespace == "phone":
        yield from _phone(value[:WRITTEN_PHONE_LENGTH].strip(" "), calling_code)


def _phone(written: str, calling_code: str) -> Iterator[str]:
    digits = _NO_DIGIT.sub("", written)
    full = calling_code + digits.removeprefix("0")
    if written.startswith("+"):
        full = digits
    elif digits.startswith("00"):
        full = digits[2:]
    if FEWEST_DIGITS <= len(full) <= MOST_DIGITS and digits.strip("0"):
        yield full
