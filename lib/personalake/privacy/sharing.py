"""What several persons have: a family's e-mail or phone, which links give to one of them.

Such a value is the key of some rows (a call, an answer by that address), and those belong to whom links give it to. In rows
with another key it says nothing: the record of a son that holds the family's e-mail is the son's.
"""

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from personalake.common.spellings import spelled, spellings
from personalake.privacy.subject import NAMESPACES, Identifier, Subject, in_pairs


def with_shared(
    subject: Subject, records: pa.Table, links: pa.Table, calling_code: str, going: Collection[str] = ()
) -> Subject:
    """Say which of the subject's identifiers stand in records of other persons, too.

    Args:
        subject: The subject with all identifiers.
        records: Rows of `silver.customer_record`.
        links: Rows of `silver.person_link`. An account without a link is nobody else's: it may be the subject's.
        calling_code: Country calling code of numbers that have none.
        going: Ids of persons who are erased together with the subject: what only they have, nobody will have.
    """
    going = subject.person_ids.union(going)
    is_own = in_pairs(records["namespace"], records["customer_id"], subject.identifiers)
    own, others = records.filter(is_own), records.filter(pc.invert(is_own))
    shared = set[Identifier]()
    for column, namespace in NAMESPACES.items():
        forms = {value: {*spellings(namespace, value, calling_code)} for value in subject.values(namespace)}
        if forms and column in others.column_names:
            theirs = _held_by_others(others, column, set[str]().union(*forms.values()), going, links, calling_code)
            shared |= {(namespace, value) for value, told in forms.items() if not told.isdisjoint(theirs)}
    keys = zip(own["namespace"].to_pylist(), own["customer_id"].to_pylist(), strict=True)
    accounts = set[Identifier]()
    for kind, key in keys:
        told = {(kind, form) for form in spellings(kind, key, calling_code)} if kind and key else set[Identifier]()
        accounts |= told if told & shared else set()
    return replace(subject, shared=frozenset(shared), accounts=frozenset(accounts))


def _held_by_others(
    others: pa.Table, column: str, wanted: set[str], going: Collection[str], links: pa.Table, calling_code: str
) -> set[str]:
    """Which of the wanted values, in their one spelling, records of other persons hold in a column."""
    namespace = NAMESPACES[column]
    written = [value for value in pc.unique(others[column]).to_pylist() if value]
    alike = {value: ending for value in written if (ending := spelled(namespace, value, calling_code)) in wanted}
    held = others.filter(pc.is_in(others[column], pa.array(sorted(alike), pa.string())))
    if not held.num_rows:
        return set()
    keys = list(zip(held["namespace"].to_pylist(), held["customer_id"].to_pylist(), strict=True))
    named = {(kind, key) for kind, key in keys if kind and key}
    linked = links.filter(in_pairs(links["namespace"], links["value"], named))
    linked = linked.filter(pc.invert(pc.is_in(linked["person_id"], pa.array(sorted(going), pa.string()))))
    theirs = set(zip(linked["namespace"].to_pylist(), linked["value"].to_pylist(), strict=True))
    return {alike[value] for key, value in zip(keys, held[column].to_pylist(), strict=True) if key in theirs}
