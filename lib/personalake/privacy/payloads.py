"""Whose a raw row is: told by the columns that its source maps onto identifiers, never by a number that happens to occur."""

import csv
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
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
# A value behind the name of a column: neither null nor blank.
_SOMETHING = r'\s*:\s*(?:"\s*[^"\s]|[^"\sn])'
_FOLDED = ("email",)
_KEY = "customer_id"
# Contracts whose rows are of one person: a report on a message may name them in an address, or in the reason alone.
_OF_ONE = ("delivery_receipt",)
# Contracts whose rows by a shared key count for all who have it: a raw line does not tell whether it refuses.
_OF_SEVERAL = ("consent",)
# By which other identifiers rows without a customer go, the first one first.
_UNKEYED = {"support_ticket": ("phone",), "interaction": ("cookie_id", "device_id"), "experiment_exposure": ("cookie_id",)}


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
        self._patterns, self._unkeyed = cache(self._pattern), cache(self._unkeyed_patterns)

    def __call__(self, batch: pa.RecordBatch, subject: Subject) -> pa.Array:
        """Whether each row of a batch is the subject's."""
        found = pa.array([False] * len(batch))
        for name in pc.unique(batch["source"]).to_pylist():
            rows = pc.fill_null(pc.equal(batch["source"], name), False)
            told = pc.match_substring_regex(batch["payload"], self._patterns(name, subject))
            for held, others in self._unkeyed(name, subject):
                of_others = pc.match_substring_regex(batch["payload"], others)
                told = pc.or_(told, pc.and_not(pc.match_substring_regex(batch["payload"], held), of_others))
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

    def _unkeyed_patterns(self, name: str, subject: Subject) -> list[tuple[str, str]]:
        source = self._sources.get(name)
        return [] if source is None else _unkeyed_patterns(source, subject)


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
        self._unkeyed_json = [tuple(map(re.compile, pair)) for pair in _unkeyed_patterns(source, subject)]
        self._unkeyed = [
            (_columns(mapped), {value.casefold() for value in held}, others)
            for mapped, held, others in _unkeyed(source, subject)
        ]
        told = {value for _, _, held in _identifying(source, subject) for value in held}
        told |= {value for _, held, _ in _unkeyed(source, subject) for value in held}
        self.words = words_in(told | subject.needles)
        """Words of which one stands in every line that is the subject's; None if that cannot be said."""

    def __call__(self, line: str) -> bool:
        """Whether it is."""
        is_named = self._anywhere.search(line) is not None
        if is_named and (self._is_loose or _sha256(line.rstrip("\r\n")) in self._hashes):
            return True
        if self._json is not None:
            return self._json.search(line) is not None or any(
                held.search(line) and not others.search(line) for held, others in self._unkeyed_json
            )
        fields = next(csv.reader([line], delimiter=self._source.separator, quotechar=self._source.quote), [])
        if len(fields) != len(self._header or ()):
            return is_named
        return self.has(dict(zip(self._header or (), fields, strict=True)))

    def has(self, row: Mapping[str, object]) -> bool:
        """Whether a row of columns is."""
        return any(_holds(row, columns, values) for columns, values in self._wanted) or any(
            _holds(row, columns, values) and not any(str(row.get(other) or "").strip() for other in others)
            for columns, values, others in self._unkeyed
        )


def identifying(source: Source) -> list[tuple[str, str]]:
    """Fields of a source's contract that hold identifiers, each with the kind of it."""
    own = [(_KEY, source.namespace), *NAMESPACES.items()]
    return [(name, namespace) for name, namespace in own if name in source.columns]


def _identifying(source: Source, subject: Subject) -> Iterator[tuple[str, ColumnMap, frozenset[str]]]:
    """What the source maps onto identifiers: the namespace of each, the columns, and the subject's values there."""
    for name, namespace in identifying(source):
        is_key = name == _KEY and source.contract not in _OF_SEVERAL
        held = subject.values(namespace) if is_key else subject.values_alone(namespace)
        yield namespace, source.columns[name], held


def _unkeyed(source: Source, subject: Subject) -> Iterator[tuple[ColumnMap, frozenset[str], tuple[str, ...]]]:
    """What is the key where there is no other, though others have it, too: its column, values, and the columns before it."""
    before = [source.columns[_KEY]] if _KEY in source.columns else []
    for name in _UNKEYED.get(source.contract, ()):
        mapped = source.columns.get(name)
        if mapped is None or any(one.constant is not None for one in before):
            continue
        if held := subject.values(name) - subject.values_alone(name):
            yield mapped, held, tuple(column for one in before for column in _columns(one))
        before = [*before, mapped]


def _unkeyed_patterns(source: Source, subject: Subject) -> list[tuple[str, str]]:
    """The same for JSON lines: what a line of theirs meets, and what it must not meet."""
    return [
        (
            "|".join(_key_and_value(column, sorted(held), mapped.column is None, False) for column in _columns(mapped))
            or _NOBODY,
            "|".join(f'"{re.escape(column)}"{_SOMETHING}' for column in others) or _NOBODY,
        )
        for mapped, held, others in _unkeyed(source, subject)
    ]


def _holds(row: Mapping[str, object], columns: Iterable[str], values: Collection[str]) -> bool:
    return any(str(row.get(column)).strip().casefold() in values for column in columns)


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
