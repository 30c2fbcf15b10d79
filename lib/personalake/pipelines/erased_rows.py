"""What comes in again of somebody who was erased, and requests to be forgotten that are done."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial

import pyarrow as pa
from pyspark.sql import functions as F

from personalake.common.hashing import keyed_hash_of
from personalake.common.transformation import Transformation
from personalake.config.sources import Source
from personalake.ingestion.contracts import Contract
from personalake.lake import Ledger
from personalake.pipelines.consents_now import LINKS, addressees_now
from personalake.pipelines.erasure_requests import last_states
from personalake.pipelines.job import JobContext
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.payloads import identifying
from personalake.privacy.reach_now import holders
from personalake.privacy.receipts import PERSON as NAMED
from personalake.privacy.suppression import ACCOUNT, ERASED, KEY, marked_done, marked_erased
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_ASKED
from personalake.tables.receipts import DELIVERY_RECEIPT, SUPPRESSION
from personalake.tables.silver import CONSENT, CUSTOMER_RECORD, PERSON_LINK

_ADDRESS = "address"
# Which rows by an address count for whoever has it by now. A grant does not: it may be one that was given before.
_HEARD: Mapping[Table, str] = {CONSENT: "coalesce(status <> 'granted', true)", DELIVERY_RECEIPT: "true"}


def without_erased_rows(context: JobContext, name: str, source: Source, contract: Contract, row: str) -> Transformation:
    """Rows of somebody who was erased are refused, and kept nowhere; who asks once more is heard, and no request twice.

    Args:
        context: The run.
        name: The source.
        source: Its settings.
        contract: What its rows become.
        row: Column that numbers the rows.
    """
    lake = context.lake
    if not lake.ledger.count(SUPPRESSION, [("reason", "=", ERASED)]):
        return lambda rows: rows
    key, code = erasure_key(context.settings, lake.locations), context.settings.identity.calling_code
    if contract.table is ERASURE_ASKED:
        return marked_done([one for one, row in last_states(lake).items() if row["state"] == "done"], key, name)
    named = identifying(source)
    heard = _HEARD.get(contract.table)
    if heard is None:  # whoever refuses by an address, or is reported by it, may be any of those who share it
        named = [*named, *((name, f"{ACCOUNT}{kind}") for name, kind in named if name == KEY)]
    if _ADDRESS in source.columns:
        named = [*named, *((_ADDRESS, kind) for kind in ("email", "phone"))]
    accounts = None
    if KEY in source.columns and lake.ledger.rows(CUSTOMER_RECORD):
        accounts = lake.read(CUSTOMER_RECORD).where(F.col("namespace") == source.namespace).select(KEY)
    suppressed = lake.read(SUPPRESSION)
    if heard is None:
        return marked_erased(suppressed, key, code, row, named, accounts)
    held = partial(held_by_others, lake.ledger, key, code, {kind for _, kind in named})
    return marked_erased(suppressed, key, code, row, named, accounts, held, heard)


def held_by_others(ledger: Ledger, key: str, calling_code: str, kinds: Collection[str]) -> frozenset[str]:
    """Hashes of identifiers of who was erased that somebody who was not has by now, by a link or by the golden record.

    Args:
        ledger: The tables.
        key: Key of the hashes.
        calling_code: Country calling code of phone numbers that are written without one.
        kinds: Kinds of identifiers that are asked for; of others nobody is looked at.
    """
    erased = ledger.read(SUPPRESSION, ("namespace", "identifier_hash"), [("reason", "=", ERASED)])
    barred = {row["identifier_hash"] for row in erased}
    hashes: dict[str, set[str]] = {}
    for row in erased:
        if row["namespace"] in kinds:
            hashes.setdefault(row["namespace"], set()).add(row["identifier_hash"])
    found = {(person, hashed) for person, hashed in holders(hashes, _held(ledger, hashes), key, calling_code)}
    gone = {person for person, _ in found if keyed_hash_of(key, f"{NAMED}|{person}") in barred}
    return frozenset(hashed for person, hashed in found if person not in gone)


def _held(ledger: Ledger, kinds: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Who has which identifier of some kinds: links, and addresses to which people are written."""
    if kinds:
        yield from ledger.scan(PERSON_LINK, [("namespace", "in", sorted(kinds))]).reader(LINKS)
    yield from addressees_now(ledger, kinds)
