"""What a person has seen to where no job could: settlements of receipts, and what may be written in them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from personalake.privacy.receipts import verifies

Row = Mapping[str, Any]
SETTLED, FAILED = "settled", "failed"
# In `reference`: later requests find the place settled, too.
FOR_GOOD = "settled for every request"
LONGEST = 400
_FEWEST_WORDS = 3
_DAYS = re.compile(r"\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b")
_PERSONAL = {
    "an e-mail address": re.compile(r"\S@\S"),
    "a number as phones, cards and customers have": re.compile(r"\d(?:[\s()/.+-]*\d){5,}"),
    "an id or a hash": re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w{12,}\b"),
}


def why_problem(why: str) -> str | None:
    """What is wrong with a reason, or None; names of people are nothing that could be told from other words.

    >>> why_problem("the folder went with the old server on 2026-03-01") is None, why_problem("ann@x.example is gone now")
    (True, 'it holds an e-mail address')
    """
    if len(why.split()) < _FEWEST_WORDS:
        return "it says too little"
    if len(why) > LONGEST:
        return f"it has more than {LONGEST} characters"
    if not why.isprintable():
        return "it holds line ends or characters that nobody sees"
    told = _DAYS.sub(" ", why)
    return next((f"it holds {what}" for what, pattern in _PERSONAL.items() if pattern.search(told)), None)


def newest_of_places(rows: Iterable[Row]) -> Iterator[Row]:
    """The last receipt of each request and place."""
    newest = {(row["request_id"], row["place"]): row for row in sorted(rows, key=lambda row: str(row["recorded_at"]))}
    yield from newest.values()


def settlements(key: str, rows: Iterable[Row]) -> dict[tuple[str | None, str], str]:
    """Request and place to what was written when it was settled; no request where it is settled for every one.

    Args:
        key: The erasure key; what is not as it was written settles nothing.
        rows: Rows of `gold.erasure_receipt`.
    """
    found: dict[tuple[str | None, str], str] = {}
    for row in rows:
        if row["outcome"] == SETTLED and verifies(key, row):
            found[row["request_id"], row["place"]] = str(row["detail"])
            if row["reference"] == FOR_GOOD:
                found[None, row["place"]] = f"{row['detail']} (on {row['recorded_at']:%Y-%m-%d}, for every request)"
    return found
