"""Everything by which one person can be found: persons, identifiers, records, rows."""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from personalake.common.hashing import person_hash_of
from personalake.common.spellings import spelled, spellings

Identifier = tuple[str, str]
# Columns that hold an identifier, and the namespace that it is of.
NAMESPACES = {name: name for name in ("email", "phone", "login", "loyalty_id", "device_id", "cookie_id", "handle")}
# Shorter ones stand everywhere by chance: "12" is a customer, a price and a day.
SEARCHABLE_LENGTH = 6
_TUPLES = ("identifiers", "shared", "accounts", "told", "aliases", "left", "files")
_EMAIL_SHA256 = "email_sha256"


@dataclass(frozen=True)
class Subject:
    """One person who is asked for.

    Args:
        asked: The identifier by which they were asked for.
        person_ids: The person, and whoever was merged into them.
        identifiers: Theirs, in every spelling that was seen: a row that has one as its key is theirs.
        shared: Those that records of others hold, too, such as a family's e-mail; see `privacy.sharing`.
        accounts: Those of them that are the key of an account of the person's own, in every spelling.
        record_keys: Their customer records, as `source:record_id`.
        row_ids: Their events, records and deliveries.
        payload_hashes: SHA-256 of their payloads in quarantine.
        destination_ids: Ids by which any destination may know them.
        told: Keys by which single destinations know them, as `(destination, key)`: told to no other.
        aliases: Those of which the kind is known, as `(destination, label, key)`, where a destination has several kinds.
        drops: Folders of file destinations in which they stand, as `destination/as_of`.
        left: Rows about them that went into files of connections, as `(destination, payload)`.
        files: Those files, as `(destination, path)`; only the name where nobody wrote down the folder, `*` in it where
            nobody wrote down the name.
    """

    asked: Identifier
    person_ids: frozenset[str] = frozenset()
    identifiers: frozenset[Identifier] = frozenset()
    shared: frozenset[Identifier] = frozenset()
    accounts: frozenset[Identifier] = frozenset()
    record_keys: frozenset[str] = frozenset()
    row_ids: frozenset[str] = frozenset()
    payload_hashes: frozenset[str] = frozenset()
    destination_ids: frozenset[str] = frozenset()
    told: frozenset[Identifier] = frozenset()
    aliases: frozenset[tuple[str, str, str]] = frozenset()
    drops: frozenset[str] = frozenset()
    left: frozenset[Identifier] = frozenset()
    files: frozenset[Identifier] = frozenset()

    @property
    def alone(self) -> frozenset[Identifier]:
        """Identifiers that are nobody else's: a row that holds one in any column is theirs."""
        return self.identifiers - self.shared

    def values(self, namespace: str) -> frozenset[str]:
        """Their identifiers of one kind, by which rows may be keyed."""
        return frozenset(value for kind, value in self.identifiers if kind == namespace)

    def values_alone(self, namespace: str) -> frozenset[str]:
        """Those of one kind that are nobody else's."""
        return frozenset(value for kind, value in self.alone if kind == namespace)

    def loosely(self) -> "Subject":
        """As one whose identifiers are all theirs alone, for rows of which nobody knows any more what their key was."""
        return replace(self, shared=frozenset())

    def ids_at(self, destination: str) -> frozenset[str]:
        """What one destination may know them by."""
        return self.destination_ids | {key for name, key in self.told if name == destination}

    @property
    def needles(self) -> frozenset[str]:
        """What a search through files can look for: ids, and identifiers that are long enough to be nobody else's."""
        told = {value for _, value in self.alone if len(value) >= SEARCHABLE_LENGTH}
        return frozenset(told | self.person_ids)

    def joined(self, other: "Subject") -> "Subject":
        """Everything by which either is found; asked for as this one was."""
        sets = {name: value | getattr(other, name) for name, value in vars(self).items() if isinstance(value, frozenset)}
        return replace(self, **sets)

    def as_json(self) -> str:
        """The subject as text, for a run that goes on where another one died."""
        return json.dumps(
            {name: sorted(value) if isinstance(value, frozenset) else value for name, value in vars(self).items()}
        )

    @classmethod
    def from_json(cls, text: str) -> "Subject":
        """The subject that `as_json` wrote."""
        read: dict[str, Any] = json.loads(text)
        kind, value = read.pop("asked")
        kept = {name: map(tuple, values) if name in _TUPLES else values for name, values in read.items()}
        return cls((kind, value), **{name: frozenset(values) for name, values in kept.items()})


def persons_of(asked: Identifier, links: pa.Table, calling_code: str) -> frozenset[str]:
    """Persons whom links give an identifier to: none, or one.

    Args:
        asked: The identifier.
        links: Rows of `silver.person_link`.
        calling_code: Country calling code of numbers that have none.
    """
    wanted = spellings(*asked, calling_code)
    found = links.filter(pc.and_(pc.equal(links["namespace"], asked[0]), _is_in(links["value"], wanted)))
    return frozenset(found["person_id"].to_pylist())


def with_merged(person_ids: Iterable[str], changes: pa.Table, alive: Collection[str]) -> frozenset[str]:
    """The persons, and all who were ever merged into them, over any number of steps.

    An id that belongs to somebody again is not theirs; a circle of merges ends where it began.

    Args:
        person_ids: The persons.
        changes: Rows of `silver.person_change`.
        alive: Persons that any link names today.
    """
    merged: dict[str, set[str]] = {}
    for row in changes.select(["kind", "old_person_id", "new_person_id"]).to_pylist():
        if row["kind"] == "merged":
            merged.setdefault(row["new_person_id"], set()).add(row["old_person_id"])
    found, waiting = set(person_ids), list(person_ids)
    while waiting:
        for old in merged.get(waiting.pop(), ()):
            if old not in found and old not in alive:
                found.add(old)
                waiting.append(old)
    return frozenset(found)


def with_links(subject: Subject, links: pa.Table) -> Subject:
    """Add every identifier that links give to the subject's persons."""
    own = links.filter(_is_in(links["person_id"], subject.person_ids))
    pairs = zip(own["namespace"].to_pylist(), own["value"].to_pylist(), strict=True)
    return replace(subject, identifiers=subject.identifiers | frozenset(pairs))


def with_records(subject: Subject, records: pa.Table, links: pa.Table, calling_code: str) -> Subject:
    """Add what the subject's customer records tell: record keys, and identifiers that nobody else's records share.

    Args:
        subject: The subject, with links.
        records: Rows of `silver.customer_record`.
        links: Rows of `silver.person_link`: what they give to another person is not the subject's.
        calling_code: Country calling code of numbers that have none.
    """
    is_own = in_pairs(records["namespace"], records["customer_id"], subject.identifiers)
    own, others = records.filter(is_own), records.filter(pc.invert(is_own))
    told = set[Identifier]()
    for column, namespace in NAMESPACES.items():
        if column not in records.column_names:
            continue
        values = {value for value in pc.unique(own[column]).to_pylist() if value and value.strip()}
        if not values:
            continue
        theirs = _shared(namespace, values, others[column], calling_code)
        told |= {(namespace, each) for value in values - theirs for each in spellings(namespace, value, calling_code)}
    told -= _of_others(told, subject.person_ids, links)
    keys = map(":".join, zip(own["source"].to_pylist(), own["record_id"].to_pylist(), strict=True))
    return replace(
        subject,
        identifiers=subject.identifiers | told,
        record_keys=subject.record_keys | frozenset(keys),
        row_ids=subject.row_ids | frozenset(own["record_id"].to_pylist()),
    )


def with_derived(subject: Subject, alive: Collection[str]) -> Subject:
    """Add what follows from identifiers: the hash that providers know an e-mail by, and ids of before records were matched.

    Args:
        subject: The subject with all its identifiers.
        alive: Persons that any link names today; those that are not the subject's stay out.
    """
    hashed = {
        (_EMAIL_SHA256, hashlib.sha256(spelled("email", value, "").encode()).hexdigest())
        for value in subject.values_alone("email")
    }
    own = subject.identifiers | hashed
    lone = {person_hash_of(kind, each) for kind, value in own for each in (value, f"{value}#lone")}
    others = set(alive) - subject.person_ids
    return replace(subject, identifiers=own, person_ids=subject.person_ids | (lone - others))


def in_pairs(namespaces: pa.ChunkedArray, values: pa.ChunkedArray, identifiers: Iterable[Identifier]) -> pa.ChunkedArray:
    """Whether each `(namespace, value)` is one of the identifiers."""
    joined = pc.binary_join_element_wise(namespaces, values, "\x1f")
    return _is_in(joined, [f"{kind}\x1f{value}" for kind, value in identifiers])


def _is_in(column: pa.ChunkedArray, values: Iterable[str]) -> pa.ChunkedArray:
    return pc.is_in(column, value_set=pa.array(sorted(values), pa.string()))


def _shared(namespace: str, values: set[str], others: pa.ChunkedArray, calling_code: str) -> set[str]:
    """The values that others have, too, however they write them."""
    endings = {value: spelled(namespace, value, calling_code) for value in values}
    seen = {spelled(namespace, value, calling_code) for value in pc.unique(others).to_pylist() if value}
    return {value for value, ending in endings.items() if ending in seen}


def _of_others(told: set[Identifier], person_ids: frozenset[str], links: pa.Table) -> set[Identifier]:
    linked = links.filter(in_pairs(links["namespace"], links["value"], told))
    theirs = linked.filter(pc.invert(_is_in(linked["person_id"], person_ids)))
    return set(zip(theirs["namespace"].to_pylist(), theirs["value"].to_pylist(), strict=True))
