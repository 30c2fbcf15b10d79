"""Planted against found: what was put into the demo's data on purpose, and what of it was caught, by id."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Caught:
    """What the suite found.

    Args:
        quarantine: Source, payload hash and reasons of each row in quarantine.
        duplicates: Source, payload hash and `is_exact` of each dropped row.
        late: Ids of planted events that were accepted a day or more after they happened.
        warned: Ids of planted events that were accepted with a warning, and their warnings.
    """

    quarantine: Collection[Row]
    duplicates: Collection[Row]
    late: Collection[str]
    warned: Mapping[str, Collection[str]]


def compare(planted: Iterable[Row], caught: Caught) -> list[dict[str, Any]]:
    """Planted and found by source, kind and what was expected of it.

    A line without a hash of its own (a row of a CSV file) is found by count: as many rows of its source are where they
    should be, beside those with a planted hash.

    Args:
        planted: `source`, `kind`, `line_sha256`, `event_key`, `expected` of each planted line.
        caught: What was found.

    Returns:
        Rows of `source`, `kind`, `expected`, `planted`, `found`, sorted.
    """
    lines = list(planted)
    hashed = {line["line_sha256"] for line in lines if line["line_sha256"]}
    exact = {row["payload_hash"] for row in caught.duplicates if row["is_exact"]}
    places: dict[str, tuple[str, Collection[Any]]] = {
        "quarantined": ("line_sha256", {row["payload_hash"] for row in caught.quarantine}),
        "duplicate": ("line_sha256", {row["payload_hash"] for row in caught.duplicates}),
        "late": ("event_key", set(caught.late)),
        "warned": ("event_key", set(caught.warned)),
    }
    found: Counter[tuple[str, str, str]] = Counter()
    counts: Counter[tuple[str, str, str]] = Counter()
    for line in lines:
        group = (line["source"], line["kind"], line["expected"])
        column, ids = places[line["expected"]]
        ids = exact if line["kind"] == "exact_duplicate" else ids
        counts[group] += 1
        found[group] += bool(line[column]) and line[column] in ids
    for group in {_group(line) for line in lines if not line["line_sha256"]}:
        rows = caught.quarantine if group[2] == "quarantined" else caught.duplicates
        found[group] = sum(row["source"] == group[0] and row["payload_hash"] not in hashed for row in rows)
    return [
        {"source": source, "kind": kind, "expected": expected, "planted": count, "found": found[source, kind, expected]}
        for (source, kind, expected), count in sorted(counts.items())
    ]


def own_refusals(planted: Iterable[Row], quarantine: Iterable[Row]) -> list[dict[str, Any]]:
    """Refused rows that nobody planted, by source and reason; sources with planted rows without a hash are left out."""
    lines = list(planted)
    hashed = {line["line_sha256"] for line in lines if line["line_sha256"]}
    counted = {line["source"] for line in lines if not line["line_sha256"] and line["expected"] == "quarantined"}
    reasons = Counter(
        (row["source"], reason)
        for row in quarantine
        if row["payload_hash"] not in hashed and row["source"] not in counted
        for reason in row["reasons"]
    )
    return [
        {"source": source, "what": f"refused, {reason}", "rows": rows}
        for (source, reason), rows in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    ]


def _group(line: Row) -> tuple[str, str, str]:
    return line["source"], line["kind"], line["expected"]
