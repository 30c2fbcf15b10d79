"""What a person names besides the identifier by which they ask: resolution may not know that it is theirs."""

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from personalake.common.spellings import spelled, spellings
from personalake.privacy.subject import NAMESPACES, Identifier, Subject, in_pairs

Accounts = frozenset[Identifier]


def with_further(
    subject: Subject, further: Collection[Identifier], links: pa.Table, records: pa.Table, calling_code: str
) -> Subject:
    """Add identifiers that the person names, the accounts that hold them, and persons who are nothing but these accounts.

    A cookie that never met a sign-in is a person without an account, and becomes the subject's whole. Of a person who has
    other accounts, too, only what was named and its account are the subject's: whoever merged them may have been wrong.

    Args:
        subject: The subject, with links.
        further: What they name.
        links: Rows of `silver.person_link`.
        records: Rows of `silver.customer_record`.
        calling_code: Country calling code of numbers that have none.
    """
    named = {(kind, text) for kind, value in further for text in spellings(kind, value, calling_code)}
    accounts = {account for held in accounts_of(further, records, calling_code).values() for account in held}
    own = subject.identifiers | named | accounts
    own |= _told_by(own, accounts, records, calling_code)
    found = set(links.filter(in_pairs(links["namespace"], links["value"], own))["person_id"].to_pylist())
    theirs = links.filter(pc.is_in(links["person_id"], pa.array(sorted(found), pa.string())))
    is_account = in_pairs(theirs["namespace"], theirs["value"], _accounts(records))
    is_own = in_pairs(theirs["namespace"], theirs["value"], own)
    others = set(theirs.filter(pc.and_(is_account, pc.invert(is_own)))["person_id"].to_pylist())
    return replace(subject, identifiers=frozenset(own), person_ids=subject.person_ids | (found - others))


def are_shared(
    subject: Subject, further: Collection[Identifier], links: pa.Table, records: pa.Table, calling_code: str
) -> bool:
    """Whether something that is named stands in accounts of several persons, the subject not the only one: nobody's alone.

    Args:
        subject: The subject before anything further was added.
        further: What they name.
        links: Rows of `silver.person_link`; an account without one is a person of its own.
        records: Rows of `silver.customer_record`.
        calling_code: Country calling code of numbers that have none.
    """
    held = accounts_of(further, records, calling_code).values()
    theirs = links.filter(in_pairs(links["namespace"], links["value"], {each for accounts in held for each in accounts}))
    person = {(row["namespace"], row["value"]): row["person_id"] for row in theirs.to_pylist()}
    return any(
        len({person.get(each, each) for each in accounts}) > 1 and accounts - subject.identifiers for accounts in held
    )


def accounts_of(further: Collection[Identifier], records: pa.Table, calling_code: str) -> dict[Identifier, Accounts]:
    """The accounts (`namespace`, `customer_id`) whose records hold each identifier, however they write it."""
    found = {}
    for kind, value in further:
        if kind in NAMESPACES and kind in records.column_names:
            wanted = spelled(kind, value, calling_code)
            written = [each for each in _values(records[kind]) if spelled(kind, each, calling_code) == wanted]
            found[kind, value] = _accounts(records.filter(pc.is_in(records[kind], pa.array(written, pa.string()))))
    return found


def _told_by(own: Collection[Identifier], accounts: Collection[Identifier], records: pa.Table, code: str) -> set[Identifier]:
    """What the records of these accounts hold, and no record of anybody else."""
    if not accounts:
        return set()
    told = records.filter(in_pairs(records["namespace"], records["customer_id"], accounts))
    others = records.filter(pc.invert(in_pairs(records["namespace"], records["customer_id"], own)))
    found = set()
    for kind in [name for name in NAMESPACES if name in records.column_names]:
        values = _values(told[kind])
        elsewhere = {spelled(kind, each, code) for each in _values(others[kind])} if values else set()
        alone = [each for each in values if spelled(kind, each, code) not in elsewhere]
        found |= {(kind, text) for each in alone for text in spellings(kind, each, code)}
    return found


def _values(column: pa.ChunkedArray) -> list[str]:
    return [value for value in pc.unique(column).to_pylist() if value and value.strip()]


def _accounts(records: pa.Table) -> Accounts:
    named = records.select(["namespace", "customer_id"]).group_by(["namespace", "customer_id"]).aggregate([])
    pairs = zip(named["namespace"].to_pylist(), named["customer_id"].to_pylist(), strict=True)
    return frozenset((namespace, number) for namespace, number in pairs if namespace and number)
