"""Which columns look as if they held personal data: by the words of their names, and by what stands in them.

A proposal, not a proof: a person looks at it, and declares the tag or says why there is none.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from personalake.privacy.first_names import FIRST_NAMES
from personalake.privacy.pii_names import NAMES

# Of the values that are not empty, how many must look like it. One of ten numbers passes the checksum of cards by chance, so
# nearly all must; addresses among free text count from fewer on.
LIKENESS, NEARLY_ALL, FEW = 0.5, 0.9, 0.05
_LONGEST, _LONGEST_STREET = 4_000, 120
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_HASHES = ("hash", "sha")  # of an address it is still somebody's; of a text it tells nothing
_TRAILING = ("raw", "value", "number", "nr", "no", *_HASHES)
_BY_WORDS = {tuple(name.split()): kind for kind, names in NAMES.items() for name in names}
_EMAIL = re.compile(r"[^@\s,;<>]+@[\w-]+(\.[\w-]+)+")
_PHONE = re.compile(
    r"(\+|00)[1-9][\d ()/.-]{7,18}|\(?0\d{1,4}\)?[ /.-][\d ()/.-]{5,14}|\(\d{3}\) ?\d{3}-\d{4}|\d{3}-\d{3}-\d{4}"
)
_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")
_CARD = re.compile(r"\d{4}([ -]?)\d{4}\1\d{4}\1\d{4,7}|3[47]\d{2}([ -]?)\d{6}\2\d{5}")
# Without a sign between, so nearly all must look like it: a number of a phone in North America, or one with its zero.
_BARE_PHONE = re.compile(r"[2-9]\d{2}[2-9]\d{6}|0[1-9]\d{8,9}")
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_STREET = re.compile(
    r"\d+[a-z]? (?:[\w.'-]+ ){1,4}(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct)\.?(?:[, ].*)?"
    r"|[\w .'-]*(?:stra(?:ß|ss)e|str\.|weg|platz|allee|gasse) \d+ ?[a-z]?(?:,.*)?"
    r"|(?:\d+,? )?(?:rue|calle|via) [\w .'-]+,? ?\d*(?:,.*)?",
    re.IGNORECASE,
)
_DAY = re.compile(r"(?P<year>(?:18[89]|19\d|20[012])\d)-[01]\d-[0-3]\d(?:[T ]00:00(?::00)?)?")
_WRITTEN = re.compile(r"[0-3]?\d[./-][0-3]?\d[./-]\d{2,4}")  # a day, which resembles a phone number with its zero
_WRITTEN_DAY = re.compile(r"[0-3]?\d([./])[0-3]?\d\1(?P<year>(?:18[89]|19\d|20[012])\d)")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Finding:
    """A column that looks like personal data.

    Args:
        column: Name of the column.
        pii: The tag that is proposed.
        because: What makes it look so; never a value.
    """

    column: str
    pii: str
    because: str


def words_of(name: str) -> tuple[str, ...]:
    """The words of a column's name, however it is written.

    >>> words_of("billingEmail_Address"), words_of("GUEST-ZIP2")
    (('billing', 'email', 'address'), ('guest', 'zip', '2'))
    >>> words_of("Straße"), words_of("Prénom"), words_of("Empfänger")
    (('strasse',), ('prenom',), ('empfaenger',))
    """
    spelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", name).translate(_UMLAUTS))
    plain = "".join(letter for letter in spelled if not unicodedata.combining(letter))
    return tuple(word.lower() for word in _WORDS.findall(plain))


def by_name(column: str) -> Finding | None:
    """What a column's name says, or None.

    >>> by_name("guestEmail").pii, by_name("package_size")
    ('identifier', None)
    """
    words = words_of(column)
    rows = [words[start:end] for start in range(len(words)) for end in range(start + 1, len(words) + 1)]
    # A name that ends in other words is about something else: email_campaign, age_of_store.
    trimmed = [row for row in rows if row[-1:] == words[-1:] or words[-1] in _TRAILING or words[-1].isdigit()]
    for row in sorted(trimmed, key=len, reverse=True):
        if row in _BY_WORDS and not (_BY_WORDS[row] == "payload" and words[-1] in _HASHES):
            return Finding(column, _BY_WORDS[row], f"its name says {' '.join(row)}")
    return None


def by_values(column: str, values: Iterable[object]) -> Finding | None:
    """What a column's values look like, or None; the strictest test that most of them pass."""
    texts = [text[:_LONGEST] for value in values if value is not None and (text := str(value).strip())]
    if not texts:
        return None
    for what, kind, fits, share in _TESTS:
        found = sum(map(fits, texts)) / len(texts)
        if found >= share:
            return Finding(column, kind, f"{found:.0%} of its values look like {what}")
    return None


def findings(rows: Sequence[Mapping[str, object]]) -> list[Finding]:
    """Columns of sample rows that look like personal data, each once, in the order in which they are met."""
    columns = dict.fromkeys(column for row in rows for column in row)
    found = [by_values(column, (row.get(column) for row in rows)) or by_name(column) for column in columns]
    return [finding for finding in found if finding is not None]


def is_iban(text: str) -> bool:
    """Whether a text is an IBAN by its checksum (ISO 13616, modulo 97).

    >>> is_iban("DE89 3704 0044 0532 0130 00"), is_iban("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    compact = re.sub(r"\s", "", text).upper()
    if not _IBAN.fullmatch(compact):
        return False
    return int("".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])) % 97 == 1


def is_card_number(text: str) -> bool:
    """Whether a text is the number of a payment card by its length and checksum (ISO/IEC 7812, Luhn).

    >>> is_card_number("4111 1111 1111 1111"), is_card_number("4111 1111 1111 1112")
    (True, False)
    """
    if not _CARD.fullmatch(text):
        return False
    digits = [int(digit) for digit in text if digit.isdigit()]
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_address_of_a_machine(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "." in text or text.count(":") > 1


def _is_name(text: str) -> bool:
    words = [word.lower() for word in _WORD.findall(text)]
    first = _WORD.findall(text.partition(",")[2].lower())[:1] if text.count(",") == 1 else words[:1]
    return 0 < len(words) <= 4 and bool(first) and first[0] in FIRST_NAMES


def _is_birthday(text: str) -> bool:
    day = _DAY.fullmatch(text) or _WRITTEN_DAY.fullmatch(text)
    return day is not None and day["year"] < "2012"


_TESTS: tuple[tuple[str, str, Callable[[str], bool], float], ...] = (
    ("IBANs", "identifier", is_iban, LIKENESS),
    ("payment cards", "identifier", is_card_number, NEARLY_ALL),
    ("e-mail addresses", "identifier", lambda text: bool(_EMAIL.fullmatch(text)), LIKENESS),
    ("addresses of machines", "identifier", _is_address_of_a_machine, LIKENESS),
    ("social security numbers", "identifier", lambda text: bool(_SSN.fullmatch(text)), LIKENESS),
    ("phone numbers", "identifier", lambda text: bool(_PHONE.fullmatch(text)) and not _WRITTEN.fullmatch(text), LIKENESS),
    ("phone numbers", "identifier", lambda text: bool(_BARE_PHONE.fullmatch(text)), NEARLY_ALL),
    (
        "streets with house numbers",
        "contact",
        lambda text: len(text) <= _LONGEST_STREET and bool(_STREET.fullmatch(text)),
        LIKENESS,
    ),
    ("names of persons", "contact", _is_name, LIKENESS),
    ("days of birth", "demographic", _is_birthday, NEARLY_ALL),
    ("texts with e-mail addresses in them", "payload", lambda text: bool(_EMAIL.search(text)), FEW),
    ("texts with IBANs in them", "payload", lambda text: any(map(is_iban, _IBAN.findall(text))), FEW),
)
