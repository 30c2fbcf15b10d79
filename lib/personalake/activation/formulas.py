"""Cells that a spreadsheet would run: which they are, and how they are made harmless.

A cell that begins with `=`, `+`, `-` or `@`, in either width, is a formula to a spreadsheet, and so is what follows a line
break, or a semicolon where that parts cells, as in half of Europe. An apostrophe before it makes it text. A number is left
as it is, and so is a phone number of digits, spaces and brackets, which runs nothing.
See https://owasp.org/www-community/attacks/CSV_Injection
"""

import re

# Characters with which what is run begins, or a line break or tab that a spreadsheet passes over before it.
BEGINNINGS = "=+-@\t\r\n＝＋－＠"
# Patterns that Java reads as Python does. Amid a text, a sign with nothing to run behind it is one: `;-)`.
PHONE = r"^\+[0-9][0-9 ()]*$"
FURTHER = r"([;\r\n]\t*)(?=[=@＝＠]|[+\-＋－][0-9A-Za-z(])"
_phone, _further = re.compile(PHONE).match, re.compile(FURTHER)


def harmless(text: str, keeps_phones: bool = True) -> str:
    """A text as it may stand in a cell.

    Args:
        text: The text.
        keeps_phones: False as files had it that were written before phone numbers were left as they are.

    >>> [harmless(text) for text in ("=1+1", "-5.20", "+49 (30) 901820", "a;=1", "so ;-)")]
    ["'=1+1", '-5.20', '+49 (30) 901820', "a;'=1", 'so ;-)']
    """
    if ";" in text or "\n" in text or "\r" in text:
        text = _further.sub(r"\1'", text)
    if text[:1] not in BEGINNINGS or not text or _is_number(text) or (keeps_phones and _phone(text)):
        return text
    return f"'{text}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text.strip() == text
