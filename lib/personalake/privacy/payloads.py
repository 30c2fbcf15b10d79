"""Whose a raw row is: told by the columns that its source maps onto identifiers, never by a number that happens to occur."""

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from personalake.common.sieve import words_in
from personalake.config.sources import ColumnMap, Source
from personalake.config.sql import columns_of
from personalake.privacy.subject import NAMESPACES, Subject

# What may stand before and after an identifier that is whole: `ann@x.example` is no part of `jo.ann@x.example`.
_BEFORE, _AFTER = r"(?:^|[^A-Za-z0-9._%+@-])", r"(?:$|[^A-Za-z0-9._@-]|[.](?:$|[^A-Za-z0-9]))"
_NOBODY = r"\b\B"
_FOLDED = ("email",)
_KEY = "customer_id"
# Contracts whose rows are of one person: a report on a message may name them in an address, or in the reason alone.
_OF_ONE = ("delivery_receipt",)


def needle_pattern(needles: Iterable[str]) -> str:
    """A regular expression (of Python and of RE2 alike) that finds any of some texts where it stands alone."""
    texts = sorted({form for needle in needles for form in _forms(needle)}, key=len, reverse=True)
    if not texts:
        return _NOBODY
    return f"{_BEFORE}(?i:{'|'.join(re.escape(text) for text in texts)}){_AFTER}"


def _anywhere(subject: Subject) -> str:
    """The same for a subject; a phone number stands alone behind a plus, too."""
    return needle_pattern(subject.needles | {f"+{phone}" for phone in subject.values_alone("phone") if phone.isdigit()})


def payload_pattern(source: Source, subject: Subject) -> str:
    """A regular expression that a JSON line of a source meets if one of its identifier columns holds the subject's."""
    parts = [
        _key_and_value(column, values, mapped.column is None, namespace in _FOLDED)
        for namespace, mapped, held in _identifying(source, subject)
        if (values := sorted(held))
        for column in _columns(mapped)
    ]
    return "|".join(parts) if parts else _NOBODY


class PayloadRows:
    """Judges rows with `source` and `payload`, source by source.

    Args:
        sources: Every configured source.
        is_loose: Whether a long identifier anywhere in the row counts, as in rows that nobody could read; rows of unknown
            sources are always judged so.
    """

    def __init__(self, sources: Mapping[str, Source], is_loose: bool) -> None:
        self._sources, self._is_loose = sources, is_loose
        self._patterns = cache(self._pattern)

    def __call__(self, batch: pa.RecordBatch, subject: Subject) -> pa.Array:
        """Whether each row of a batch is the subject's."""
        found = pa.array([False] * len(batch))
        for name in pc.unique(batch["source"]).to_pylist():
            rows = pc.fill_null(pc.equal(batch["source"], name), False)
            told = pc.match_substring_regex(batch["payload"], self._patterns(name, subject))
            found = pc.or_(found, pc.and_(rows, pc.fill_null(told, False)))
        if subject.payload_hashes:
            found = pc.or_(found, self._as_refused(batch["payload"], subject))
        return found

    def _as_refused(self, payloads: pa.Array, subject: Subject) -> pa.Array:
        """Rows that were refused are known by their hash; only those that name the person need to be hashed."""
        named = pc.fill_null(pc.match_substring_regex(payloads, needle_pattern(subject.needles)), False).to_pylist()
        told = zip(named, payloads.to_pylist(), strict=True)
        return pa.array([is_named and _sha256(text) in subject.payload_hashes for is_named, text in told], pa.bool_())

    def _pattern(self, name: str, subject: Subject) -> str:
        source = self._sources.get(name)
        parts = [] if source is None else [payload_pattern(source, subject)]
        if self._is_loose or source is None or source.contract in _OF_ONE:
            parts.append(_anywhere(subject if source else subject.loosely()))
        return "|".join(parts)


class LineTest:
    """Whether a line of one source's text file is the subject's.

    Args:
        source: The source; of its CSV files, the header must be given.
        subject: Whose lines are looked for.
        header: Columns of a CSV file.
        is_loose: Whether a long identifier anywhere in the line counts.
    """

    def __init__(
        self, source: Source, subject: Subject, header: tuple[str, ...] | None = None, is_loose: bool = False
    ) -> None:
        self._source, self._header, self._hashes = source, header, subject.payload_hashes
        self._json = re.compile(payload_pattern(source, subject)) if header is None else None
        self._anywhere = re.compile(_anywhere(subject))
        self._is_loose = is_loose or source.contract in _OF_ONE
        self._wanted = [
            (_columns(mapped), {value.casefold() for value in held}) for _, mapped, held in _identifying(source, subject)
        ]
        told = {value for _, _, held in _identifying(source, subject) for value in held}
        self.words = words_in(told | subject.needles)
        """Words of which one stands in every line that is the subject's; None if that cannot be said."""

    def __call__(self, line: str) -> bool:
        """Whether it is."""
        is_named = self._anywhere.search(line) is not None
        if is_named and (self._is_loose or _sha256(line.rstrip("\r\n")) in self._hashes):
            return True
        if self._json is not None:
            return self._json.search(line) is not None
        fields = next(csv.reader([line], delimiter=self._source.separator, quotechar=self._source.quote), [])
        if len(fields) != len(self._header or ()):
            return is_named
        return self.has(dict(zip(self._header or (), fields, strict=True)))

    def has(self, row: Mapping[str, object]) -> bool:
        """Whether a row of columns is."""
        return any(
            str(row.get(column)).strip().casefold() in values for columns, values in self._wanted for column in columns
        )


def identifying(source: Source) -> list[tuple[str, str]]:
    """Fields of a source's contract that hold identifiers, each with the kind of it."""
    own = [(_KEY, source.namespace), *NAMESPACES.items()]
    return [(name, namespace) for name, namespace in own if name in source.columns]


def _identifying(source: Source, subject: Subject) -> Iterator[tuple[str, ColumnMap, frozenset[str]]]:
    """What the source maps onto identifiers: the namespace of each, the columns, and the subject's values there."""
    for name, namespace in identifying(source):
        held = subject.values(namespace) if name == _KEY else subject.values_alone(namespace)
        yield namespace, source.columns[name], held


def _columns(mapped: ColumnMap) -> tuple[str, ...]:
    if mapped.expression is not None:
        return columns_of(mapped.expression)
    return (mapped.column,) if mapped.column else ()


def _key_and_value(column: str, values: Iterable[str], is_computed: bool, is_folded: bool) -> str:
    """`"column": "value"`; what an expression makes of a column can stand anywhere behind its name."""
    any_value = "|".join(re.escape(form) for value in values for form in _forms(value))
    any_value = f"(?i:{any_value})" if is_folded else f"(?:{any_value})"
    key = f'"{re.escape(column)}"\\s*:'
    if is_computed:
        return f"{key}.*{_BEFORE}{any_value}{_AFTER}"
    return f'{key}\\s*"?\\s*{any_value}\\s*"?\\s*[,}}]'


def _forms(text: str) -> Iterable[str]:
    """A text as it stands, and as JSON writes it with and without letters beyond ASCII."""
    return {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}


def _sha256(text: str | None) -> str:
    return hashlib.sha256((text or "").encode()).hexdigest()
