"""How each table tells whose a row is; found from its declaration, so that a new table is covered from its first day."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from personalake.privacy.payloads import needle_pattern
from personalake.privacy.subject import NAMESPACES, Subject, in_pairs
from personalake.tables import Table

_PERSONS = ("person_id", "old_person_id", "new_person_id")
_RECORDS = ("record_key", "left_key", "right_key")
_ROWS = ("row_id", "delivery_id", "event_id")
_VALUES = ("customer_id", "value")
# Two record keys in one text, and the namespaces that say so.
_SEVERAL = ("pair", "override")
_TOLD = ("sync_key", "payload")
_STATUS, _ADDRESS = "status", "address"
# What a report on a message names, where it says nothing of who got it.
_REPORTED = ("delivery_id",)
PayloadTest = Callable[[pa.RecordBatch, Subject], pa.Array]


@dataclass(frozen=True)
class Way:
    """The columns of one table by which rows are found; none where a table holds nothing of a person.

    Args:
        persons: Columns with a person id.
        value: Column whose kind of identifier `namespace` tells.
        identifiers: Columns with an identifier of one kind.
        records: Columns with the key of a customer record.
        rows: Columns with the id of an event, record or delivery.
        payload: Whether the raw row in `payload` must be looked into.
        is_pair: Whether `value` can hold two record keys.
        told: Columns of what was said to others about somebody: persons who were one then may be two by now, and the row
            bears the id of the other.
        status: Column that tells whether an answer grants something.
        address: Column with an e-mail, a phone or a device token, whichever it is, as somebody else writes it.
    """

    persons: tuple[str, ...] = ()
    value: str | None = None
    identifiers: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    payload: bool = False
    is_pair: bool = False
    told: tuple[str, ...] = ()
    status: str | None = None
    address: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """What must be read to find rows."""
        value = ("namespace", self.value) if self.value else ()
        payload = ("source", "payload") if self.payload else ()
        others = tuple(filter(None, (self.status, self.address)))
        return (*self.persons, *value, *self.identifiers, *self.records, *self.rows, *payload, *self.told, *others)

    @property
    def is_empty(self) -> bool:
        """Whether the table holds nothing of a person."""
        return not self.columns


def way_of(table: Table) -> Way:
    """How rows of a person are found in a table."""
    columns = set(table.columns)
    persons = tuple(name for name in _PERSONS if name in columns)
    value = next((name for name in _VALUES if "namespace" in columns and name in columns), None)
    return Way(
        persons=persons,
        value=value,
        identifiers=tuple(field.name for field in table.fields if field.name in NAMESPACES and field.pii == "identifier"),
        records=tuple(name for name in _RECORDS if name in columns),
        rows=tuple(name for name in (_ROWS if value is None else _REPORTED) if name in columns) if not persons else (),
        payload="payload" in columns and not persons,
        is_pair=table.name == "identity_guard",
        told=tuple(name for name in _TOLD if name in columns) if _TOLD[0] in columns else (),
        address=_ADDRESS if _ADDRESS in columns else None,
        status=_STATUS if {_STATUS, "purpose"} <= columns and value is not None else None,
    )


def rows_of(batch: pa.RecordBatch, way: Way, subject: Subject, payloads: PayloadTest, is_strict: bool = False) -> pa.Array:
    """Which rows of a batch are the subject's.

    Args:
        batch: Rows with at least the way's columns.
        way: How the table tells whose a row is.
        subject: Whose rows are looked for.
        payloads: Tells for each row of `source` and `payload` whether the raw row is the subject's.
        is_strict: Leave out rows that name another person or their record, too.
    """
    masks = [*_by_ids(batch, way, subject, is_strict)]
    if way.value:
        is_keyed = in_pairs(batch["namespace"], batch[way.value], subject.identifiers)
        masks.append(is_keyed if is_strict else pc.and_not(is_keyed, _refuses_for_others(batch, way, subject)))
        masks.append(_by_first_identifier(batch, batch[way.value], way, subject))
    if way.is_pair and way.value and not is_strict:
        masks.append(_names_a_record(batch["namespace"], batch[way.value], subject))
    if way.address:
        masks.append(_is_addressed(batch[way.address], subject))
    if way.payload:
        masks.append(payloads(batch, subject))
    if way.told and not is_strict:
        named = needle_pattern(subject.needles - subject.person_ids)
        masks += [pc.match_substring_regex(batch[name], named) for name in way.told]
    found = pa.array([False] * len(batch))
    for mask in masks:
        found = pc.or_(found, pc.fill_null(mask, False))
    return found


def _refuses_for_others(batch: pa.RecordBatch, way: Way, subject: Subject) -> pa.Array:
    """A refusal by an address that others have, too, is theirs as well, and stays."""
    if way.status is None or way.value is None or not subject.shared:
        return pa.array([False] * len(batch))
    refuses = pc.fill_null(pc.not_equal(batch[way.status], "granted"), True)
    return pc.and_(refuses, in_pairs(batch["namespace"], batch[way.value], subject.shared))


def _by_ids(batch: pa.RecordBatch, way: Way, subject: Subject, is_strict: bool) -> Iterator[pa.Array]:
    for columns, wanted in (
        (way.persons, subject.person_ids),
        (way.records, subject.record_keys),
        (way.rows, subject.row_ids),
    ):
        told = [pc.is_in(batch[name], value_set=pa.array(sorted(wanted), pa.string())) for name in columns]
        if told:
            yield reduce(pc.and_ if is_strict else pc.or_, told)
    for name in way.identifiers:
        alone = subject.values_alone(NAMESPACES[name])
        yield pc.is_in(batch[name], value_set=pa.array(sorted(alone), pa.string()))


def _by_first_identifier(batch: pa.RecordBatch, keys: pa.Array, way: Way, subject: Subject) -> pa.Array:
    """Rows without a customer go by the first other identifier that they hold, as `by_other_identifiers` reads them."""
    found, is_open = pa.array([False] * len(batch)), pc.is_null(keys)
    for name in way.identifiers:
        held = pc.is_in(batch[name], value_set=pa.array(sorted(subject.values(NAMESPACES[name])), pa.string()))
        found, is_open = pc.or_(found, pc.and_(is_open, held)), pc.and_(is_open, pc.is_null(batch[name]))
    return found


def _is_addressed(addresses: pa.Array, subject: Subject) -> pa.Array:
    """Whether something was sent to an address of the subject alone, however it is written."""
    shared = {value for _, value in subject.shared}
    told = {value for _, value in subject.alone} | {key for _, key in subject.told if key not in shared}
    emails = {value.strip().lower() for value in subject.values_alone("email")}
    phones = {_digits(value) for value in subject.values_alone("phone")} - {""}
    digits = pc.replace_substring_regex(addresses, r"^[^1-9]+|[^0-9]", "")
    forms = ((addresses, told), (pc.utf8_lower(pc.utf8_trim_whitespace(addresses)), emails), (digits, phones))
    return reduce(pc.or_, (pc.is_in(form, value_set=pa.array(sorted(values), pa.string())) for form, values in forms))


def _digits(phone: str) -> str:
    return re.sub(r"^[^1-9]+|[^0-9]", "", phone)


def _names_a_record(namespaces: pa.Array, values: pa.Array, subject: Subject) -> pa.Array:
    """Whether one of two records, or of two identifiers on which people decided, is the subject's."""
    keys = subject.record_keys | {f"{kind}:{value}" for kind, value in subject.identifiers}
    if not keys:
        return pa.array([False] * len(values))
    any_key = "|".join(re.escape(key) for key in sorted(keys))
    named = pc.match_substring_regex(values, rf"(^|[\s])({any_key})($|[\s])", ignore_case=True)
    return pc.and_(pc.is_in(namespaces, value_set=pa.array(_SEVERAL)), named)
