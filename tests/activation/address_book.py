"""An address book in which one row of a hundred is broken, and many of the others are odd."""

import csv
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from personalake.activation.delivery import Delivery
from personalake.activation.templates import Refusal, body_of, render
from personalake.config.templates import Template

TEMPLATE = Template.model_validate(
    {
        "kind": "generic",
        "fallbacks": {"first_name": "you"},
        "locales": {"en": {"values": {"greeting": "{{ first_name }}, {{ category }}"}}},
    }
)
# Odd, and none of them broken: nothing of them may be lost, and no spreadsheet may run one.
ODD = (
    "Ann",
    "=HYPERLINK(1)",
    "@SUM(1)",
    "-1+1",
    "שלום",
    "محمد",
    "👩‍👩‍👧",
    'O"Neill, Zoë',
    "x" * 5_000,
    "Jane\x07\x00Doe",
    None,
)
BROKEN: tuple[tuple[dict[str, Any], str], ...] = (
    ({"to": ""}, "no identifier"),
    ({"category": None}, "category is missing, and values.greeting has no fallback for it"),
    ({"category": "x" * 10_001}, "category has 10,001 characters; 10,000 at most"),
    ({"first_name": {"a": 1}}, "first_name is a dict, which no template can show"),
    ({"category": "ü" * 9_000}, "oversize"),
)


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows as a sync gives them; every hundredth is broken."""
    for number in range(count):
        row = {"to": f"id\x1f{number:07d}", "first_name": ODD[number % len(ODD)], "category": "=Tea"}
        yield row | BROKEN[number // 100 % len(BROKEN)][0] if number % 100 == 0 else row


class Book:
    """Deliveries out of the rows, and what was refused before there were any."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.refused: Counter[str] = Counter()

    def deliveries(self) -> Iterator[Delivery]:
        """One for each row that could be filled."""
        for number, row in enumerate(rows(self.count)):
            said = render(TEMPLATE, None, row) if row["to"] else Refusal("no identifier")
            if isinstance(said, Refusal):
                self.refused[said.reason] += 1
            else:
                payload = {"id": row["to"], **body_of("csv_drop", said)}
                yield Delivery(f"d{number:07d}", f"p{number}", "row", json.dumps(payload, ensure_ascii=False))


def problems(folder: Path, count: int, refused: Counter[str], rejected: Counter[str]) -> list[str]:
    """What is wrong, if anything: every sound row is in the files once, and in order; no broken one is; each has its reason.

    Args:
        folder: Where the files lie.
        count: Rows of the book.
        refused: Reasons of rows that could not be filled.
        rejected: First words of the reasons for which deliveries were rejected, up to a colon.
    """
    csv.field_size_limit(1 << 20)
    found: list[str] = []
    wild = 0
    for path in sorted(folder.rglob("*.csv")):
        with path.open(newline="", encoding="utf-8") as lines:
            for row in list(csv.reader(lines))[1:]:
                found.append(row[0])
                wild += row[1].startswith(("=", "+", "-", "@", "\t", "\r"))
    broken = {number for number in range(0, count, 100)}
    wanted = [f"id\x1f{number:07d}" for number in range(count) if number not in broken]
    kinds = Counter(BROKEN[number // 100 % len(BROKEN)][1] for number in sorted(broken))
    told = refused + rejected
    return [
        *([f"{len(found)} rows in the files, {len(wanted)} wanted, or out of order"] if found != wanted else []),
        *([f"{wild} cells that a spreadsheet would run"] if wild else []),
        *([f"refused {dict(told)}, wanted {dict(kinds)}"] if told != kinds else []),
    ]
