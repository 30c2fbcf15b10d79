"""Everything that the lake knows a person by, read from its tables."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from personalake.activation.syncs.wanted import APART
from personalake.common.spellings import spelled, spellings
from personalake.config import Settings
from personalake.lake import Lake
from personalake.lake.erasing import batches_of
from personalake.pipelines.erasure_names import aliases_in
from personalake.pipelines.left_in_files import files_with, may_hold
from personalake.pipelines.payload_vault import Vault
from personalake.privacy.further import accounts_of, are_shared, with_further
from personalake.privacy.payloads import PayloadRows
from personalake.privacy.sharing import with_shared
from personalake.privacy.subject import (
    Identifier,
    Subject,
    in_pairs,
    persons_of,
    with_derived,
    with_links,
    with_merged,
    with_records,
)
from personalake.privacy.ways import rows_of, way_of
from personalake.tables import ALL, SILVER, TOUCHPOINTS, Table
from personalake.tables.gold import ACTIVATION_OUTBOX, CUSTOMER_PROFILE
from personalake.tables.identity import PERSON_CHANGE
from personalake.tables.silver import CUSTOMER_RECORD, PERSON_LINK, QUARANTINE

_IDENTIFIERS = ("email", "phone", "login", "loyalty_id", "device_id", "cookie_id")
_RECORD_COLUMNS = ("source", "record_id", "namespace", "customer_id", *_IDENTIFIERS)
_DELIVERED = ["delivery_id", "destination", "as_of", "sync_key", "decision_id", "payload"]
_ROW_IDS = ("event_id", "record_id")


def personal_tables(lake: Lake) -> list[Table]:
    """Tables that hold anything of a person and have been created."""
    return [table for table in ALL if not way_of(table).is_empty and lake.exists(table)]


def find_subject(
    settings: Settings,
    lake: Lake,
    asked: Identifier,
    further: Collection[Identifier] = (),
    going: Collection[str] = (),
) -> Subject:
    """The person whom an identifier belongs to, with all their identifiers, persons merged into them, records and rows.

    Somebody unknown has no person; what was asked for is looked for nevertheless.

    Args:
        settings: The configuration.
        lake: The tables.
        asked: The identifier by which the person asks.
        further: Others that they say are theirs.
        going: Ids of persons who are erased together with this one.
    """
    code = settings.identity.calling_code
    links = lake.ledger.arrow(PERSON_LINK)
    alive = set(pc.unique(links["person_id"]).to_pylist())
    records = lake.ledger.arrow(CUSTOMER_RECORD, _RECORD_COLUMNS)
    given = frozenset((asked[0], text) for text in spellings(*asked, code))
    changes = lake.ledger.arrow(PERSON_CHANGE)
    persons = with_merged(persons_of(asked, links, code), changes, alive)
    subject = with_links(Subject(asked, persons, given), links)
    records = _of_somebody(settings, records, subject)
    if further:
        subject = with_links(with_further(subject, further, links, records, code), links)
        persons = with_merged(subject.person_ids, changes, alive)
        subject = replace(subject, person_ids=persons)
    if not persons:
        subject = replace(subject, identifiers=subject.identifiers | _keys_of_records(records, asked, code))
    subject = with_shared(with_records(subject, records, links, code), records, links, code, going)
    subject = with_derived(subject, alive)
    return _with_rows(settings, lake, subject)


def stands_for_nobody(settings: Settings, asked: Identifier) -> bool:
    """Whether an identifier is one that sources write for those whom they do not know: rows with it are everybody's."""
    value = spelled(*asked, settings.identity.calling_code).lower()
    return any(re.search(pattern, value) for pattern in settings.identity.guards.blocked_values)


def is_shared(settings: Settings, lake: Lake, subject: Subject, further: Collection[Identifier] = ()) -> bool:
    """Whether what was asked for, or is named besides, stands in records of several customers and is no one person's.

    The key of an account of one's own is one's own, whoever else's record holds it. What stands for nobody is everybody's,
    and so is the person whom such a key names: all guests of a shop, of whom one has the address.
    """
    if any(stands_for_nobody(settings, one) for one in (subject.asked, *further, *_keys_of_persons(lake, subject))):
        return True
    if subject.asked in subject.shared - subject.accounts:
        return True
    if further:
        alone = find_subject(settings, lake, subject.asked)
        records = _of_somebody(settings, lake.ledger.arrow(CUSTOMER_RECORD, _RECORD_COLUMNS), alone)
        if are_shared(alone, further, lake.ledger.arrow(PERSON_LINK), records, settings.identity.calling_code):
            return True
    kind = subject.asked[0]
    # A namespace may be called as the column of keys is: a key is one customer's.
    if subject.record_keys or kind not in _IDENTIFIERS:
        return False
    records = lake.ledger.arrow(CUSTOMER_RECORD, ("namespace", "customer_id", kind))
    records = _of_somebody(settings, records, subject)
    theirs = pc.is_in(records[kind], value_set=pa.array(sorted(subject.values(kind)), pa.string()))
    return len(records.filter(theirs).group_by(["namespace", "customer_id"]).aggregate([])) > 1


def matching(
    settings: Settings, lake: Lake, table: Table, subject: Subject, is_strict: bool = False
) -> Iterator[pa.RecordBatch]:
    """The subject's rows of a table, all columns, piece by piece.

    Args:
        settings: The configuration; raw rows are judged by its sources.
        lake: The tables.
        table: The table.
        subject: Whose rows.
        is_strict: Leave out rows that name another person, too.
    """
    way, payloads, vault = way_of(table), payloads_of(settings, table), Vault(settings, lake)
    for batch in map(vault.opened_batch, batches_of(lake, table, table.columns)):
        found = batch.filter(rows_of(batch, way, subject, payloads, is_strict))
        if len(found):
            yield found


def payloads_of(settings: Settings, table: Table) -> PayloadRows:
    """How raw rows of a table are judged: what nobody could read is the person's if it names them anywhere."""
    return PayloadRows(settings.sources, is_loose=table is QUARANTINE)


def _of_somebody(settings: Settings, records: pa.Table, subject: Subject) -> pa.Table:
    """Records without those of nobody, but for the subject's own: a shop's guests are no other person who has an address."""
    patterns = settings.identity.guards.blocked_values
    is_plain = bool(patterns) and not any("(?" in pattern or "\\" in pattern for pattern in patterns)
    # One search for each of very many keys, where the patterns can be put side by side.
    searches = [re.compile(pattern).search for pattern in (["|".join(patterns)] if is_plain else patterns)]
    keys = [key for key in pc.unique(records["customer_id"]).to_pylist() if key]
    nobody = [key for key in keys if any(search(key.strip().lower()) for search in searches)]
    is_nobody = pc.fill_null(pc.is_in(records["customer_id"], value_set=pa.array(nobody, pa.string())), False)
    is_own = in_pairs(records["namespace"], records["customer_id"], subject.identifiers)
    return records.filter(pc.or_(pc.invert(is_nobody), pc.fill_null(is_own, False))) if nobody else records


def _keys_of_persons(lake: Lake, subject: Subject) -> list[Identifier]:
    """What links give to the subject's persons."""
    if not subject.person_ids:
        return []
    own = lake.ledger.arrow(PERSON_LINK, ("namespace", "value"), [("person_id", "in", sorted(subject.person_ids))])
    return list(zip(own["namespace"].to_pylist(), own["value"].to_pylist(), strict=True))


def _keys_of_records(records: pa.Table, asked: Identifier, calling_code: str) -> frozenset[Identifier]:
    """Before persons were resolved: the customers of the records that hold what was asked for, if it is one customer."""
    keys = accounts_of({asked}, records, calling_code).get(asked, frozenset())
    return keys if len(keys) == 1 else frozenset()


def _with_rows(settings: Settings, lake: Lake, subject: Subject) -> Subject:
    """Add ids of rows by which other tables know them, refused payloads, and what destinations know them by."""
    rows, hashes, destinations, drops = set[str](), set[str](), set(subject.person_ids), set[str]()
    told, left, dropped, aliases = set[Identifier](), set[Identifier](), set[str](), set[tuple[str, str, str]]()
    for table in (*SILVER, *TOUCHPOINTS):
        ids = [name for name in _ROW_IDS if name in table.columns and not way_of(table).is_empty]
        for batch in _chosen(settings, lake, table, subject, ids):
            rows |= {value for name in ids for value in batch[name].to_pylist()}
    for batch in _chosen(settings, lake, QUARANTINE, subject, ["payload_hash"]):
        hashes |= set(batch["payload_hash"].to_pylist())
    for batch in _chosen(settings, lake, CUSTOMER_PROFILE, subject, ["customer_id"]):
        destinations |= set(batch["customer_id"].drop_null().to_pylist())
    for batch in _chosen(settings, lake, ACTIVATION_OUTBOX, subject, [*_DELIVERED]):
        rows |= set(batch["delivery_id"].to_pylist())
        for row in batch.select(_DELIVERED).to_pylist():
            drops.add(f"{row['destination']}/{row['as_of']}")
            if row["sync_key"]:  # of a message about a decision, the decision follows the key; so does an order
                key = row["sync_key"].removesuffix(f"/{row['decision_id']}").split(APART)[0]
                told.add((row["destination"], key))
            aliases |= aliases_in(row["destination"], row["payload"], settings.connections.get(row["destination"]))
            if may_hold(settings, row["destination"]) and row["payload"]:
                left.add((row["destination"], row["payload"]))
                dropped.add(row["delivery_id"])
    return replace(
        subject,
        row_ids=subject.row_ids | rows,
        payload_hashes=frozenset(hashes),
        destination_ids=frozenset(destinations),
        told=frozenset(told),
        aliases=frozenset(aliases),
        drops=frozenset(drops),
        left=frozenset(left),
        files=files_with(lake, dropped),
    )


def _chosen(settings: Settings, lake: Lake, table: Table, subject: Subject, columns: list[str]) -> Iterator[pa.RecordBatch]:
    way, vault = way_of(table), Vault(settings, lake)
    if not columns:
        return
    for batch in map(vault.opened_batch, batches_of(lake, table, tuple(dict.fromkeys((*way.columns, *columns))))):
        found = batch.filter(rows_of(batch, way, subject, payloads_of(settings, table)))
        if len(found):
            yield found


def rows_told(batches: Iterator[pa.RecordBatch]) -> list[dict[str, Any]]:
    """Batches as plain rows."""
    return [row for batch in batches for row in batch.to_pylist(maps_as_pydicts="strict")]
