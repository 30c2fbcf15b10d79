"""Who grants what and who must not be reached at this moment, out of the tables and without Spark."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from personalake.common.hashing import keyed_hash_of
from personalake.config import Settings
from personalake.lake import Ledger
from personalake.lake.conditions import Conditions
from personalake.pipelines.merged import merged_persons
from personalake.pipelines.privacy_key import erasure_key
from personalake.privacy.addresses import ADDRESSES
from personalake.privacy.consent_now import lay_out_granted
from personalake.privacy.forgotten_now import identifiers_asking
from personalake.privacy.reach import ALL_CHANNELS
from personalake.privacy.reach_now import holders, lay_out_suppressed
from personalake.privacy.receipts import PERSON as NAMED
from personalake.privacy.suppression import ERASED
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_ASKED
from personalake.tables.identity import PERSON
from personalake.tables.receipts import HARD_BOUNCE, SUPPRESSION, UNREGISTERED
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, PERSON_LINK

_SUPPRESSED = ("person_id", "namespace", "identifier_hash", "scope", "reason", "since", "until")
LINKS = ("namespace", "value", "person_id")
CONSENTS: Mapping[Table, Sequence[str]] = {
    CONSENT: ("namespace", "customer_id", "purpose", "status", "occurred_at", "known_at", "record_id", "expires_at"),
    CONSENT_CURRENT: ("person_id", "purpose", "status"),
    PERSON_LINK: LINKS,
}
_BY_ADDRESS: Mapping[str, tuple[Table, Sequence[str], Conditions]] = {
    "address_consent": (CONSENT, CONSENTS[CONSENT], [("namespace", "in", list(ADDRESSES))]),
    "person": (PERSON, ("person_id", *ADDRESSES), ()),
}
_TEXT, _MOMENT = pa.string(), pa.timestamp("us", "UTC")
_BARRED = pa.schema([("person_id", _TEXT), ("scope", _TEXT), ("since", _MOMENT), ("until", _MOMENT)])
_ALLOWED = pa.schema([("person_id", _TEXT), ("purposes", pa.list_(_TEXT))])
Row = dict[str, Any]


def suppressed_now(ledger: Ledger, settings: Settings) -> pa.Table:
    """Suppressions with the person: the one who is named, and all who hold the address now, known by its hash.

    What bounced is the address, not who had it. Of an erasure only who is that person, by the hash of the id: somebody else
    may have the address by now.

    Returns:
        `person_id`, `scope`, `since`, `until`.
    """
    rows = [row for row in ledger.read(SUPPRESSION, _SUPPRESSED) if row["reason"] != UNREGISTERED]
    of_hash: dict[str, list[Row]] = {}
    hashes: dict[str, set[str]] = {}
    for row in rows:
        if row["identifier_hash"] is not None and row["namespace"] is not None:
            of_hash.setdefault(row["identifier_hash"], []).append(row)
            hashes.setdefault(row["namespace"], set()).add(row["identifier_hash"])
    barred = [row for row in rows if row["reason"] != HARD_BOUNCE or row["identifier_hash"] is None]
    if hashes:
        key, code = erasure_key(settings, ledger.locations), settings.identity.calling_code
        links = ledger.scan(PERSON_LINK, [("namespace", "in", sorted(hashes))]).reader(LINKS)
        barred += [
            {**row, "person_id": person}
            for person, hashed in holders(hashes, links, key, code)
            for row in of_hash[hashed]
            if row["reason"] != ERASED or keyed_hash_of(key, f"{NAMED}|{person}") in of_hash
        ]
        barred += [
            {**row, "person_id": person}
            for person, hashed in holders(hashes, addressees_now(ledger, hashes), key, code)
            for row in of_hash[hashed]
            if row["reason"] != ERASED
        ]
    told = [{name: row[name] for name in _BARRED.names} for row in barred if row["person_id"] is not None]
    return pa.Table.from_pylist(told, _BARRED)


def addressees_now(ledger: Ledger, namespaces: Collection[str]) -> Iterator[pa.RecordBatch]:
    """Who is written to where, as links have it: several people may share an address, and a shared one may have no link."""
    for kind in ADDRESSES:
        if kind in namespaces:
            for batch in ledger.scan(PERSON, [(kind, "!=", None)]).reader((kind, "person_id")):
                yield pa.RecordBatch.from_arrays([pa.repeat(kind, batch.num_rows), *batch.columns], names=list(LINKS))


def lend_addresses(opened: duckdb.DuckDBPyConnection, ledger: Ledger) -> None:
    """Let one query read answers by addresses, and who is written to there."""
    for name, (table, columns, where) in _BY_ADDRESS.items():
        opened.register(f"given_{name}", ledger.scan(table, where).reader(columns))


def gone_addresses_now(ledger: Ledger, at: datetime) -> frozenset[str]:
    """Keyed hashes of devices, and of users of apps, that are not there any more."""
    rows = ledger.read(SUPPRESSION, ("identifier_hash", "until"), [("reason", "=", UNREGISTERED)])
    return frozenset(row["identifier_hash"] for row in rows if row["until"] is None or row["until"] > at)


def persons_asking_now(ledger: Ledger, settings: Settings) -> frozenset[str]:
    """Who asks to be forgotten; requests are few, since each goes with its person."""
    requests = ledger.read(ERASURE_ASKED, ("namespace", "customer_id", "is_verified"))
    asking = identifiers_asking(requests, settings.identity.calling_code)
    if not asking:
        return frozenset()
    values = sorted({value for _, value in asking})
    links = ledger.read(PERSON_LINK, LINKS, [("value", "in", values)])
    return frozenset(link["person_id"] for link in links if (link["namespace"], link["value"]) in asking)


def persons_barred_now(ledger: Ledger, at: datetime) -> frozenset[str]:
    """Who is suppressed everywhere: persons whose erasure has begun, by the ids of today.

    A suppression of one channel says that an address must not be reached, not that nobody may look at the person.
    """
    named = [("scope", "=", ALL_CHANNELS), ("person_id", "!=", None)]
    rows = ledger.read(SUPPRESSION, ("person_id", "since", "until"), named)
    barred = {row["person_id"] for row in rows if row["since"] <= at and (row["until"] is None or row["until"] > at)}
    became = merged_persons(ledger) if barred else {}
    return frozenset(barred | {became[person] for person in barred if person in became})


def lay_out_consents(
    opened: duckdb.DuckDBPyConnection,
    ledger: Ledger,
    settings: Settings,
    purposes: Sequence[str],
    at: datetime,
    channel: str | None = None,
) -> None:
    """Make `granted` and `barred` (`person_id`, `purpose`), of some purposes; who asks to be forgotten is barred from all.

    Args:
        opened: Where.
        ledger: The tables.
        settings: Signals, channels, the key of hashes.
        purposes: Purposes that count.
        at: The moment.
        channel: The channel on which people are reached: who is suppressed there is barred from all; null if not known.
    """
    for table, columns in CONSENTS.items():
        opened.register(f"given_{table.name}", ledger.scan(table, ()).reader(columns))
    lend_addresses(opened, ledger)
    lay_out_granted(opened, settings.privacy.signals, at, settings.identity.calling_code, settings.privacy.purposes)
    opened.execute("DELETE FROM granted WHERE NOT list_contains($1, purpose)", [list(purposes)])
    opened.register("given_suppression", suppressed_now(ledger, settings))
    lay_out_suppressed(opened, settings.receipts.purposes)
    asking = pa.table({"person_id": pa.array(sorted(persons_asking_now(ledger, settings)), pa.string())})
    opened.register("asking", asking)
    opened.execute(
        """
        CREATE OR REPLACE TABLE barred AS
        SELECT DISTINCT person_id, coalesce(CASE WHEN scope IS DISTINCT FROM $2 THEN purpose END, 'all') AS purpose
        FROM suppressed WHERE since <= $1 AND coalesce(until > $1, true)
        UNION SELECT person_id, 'forgotten' FROM asking
        """,
        [at, channel],
    )


def allowed_now(opened: duckdb.DuckDBPyConnection, people: str) -> pa.Table:
    """What some people grant that nothing bars, as `granted_purposes` says it.

    Args:
        opened: A database with `granted` and `barred`.
        people: Table of the people, with `person_id`.

    Returns:
        `person_id` and `purposes`, sorted; who grants nothing, or is barred from all of it, has no row.
    """
    found = opened.sql(
        f"""
        SELECT person_id, list(purpose ORDER BY purpose) AS purposes FROM granted SEMI JOIN {people} USING (person_id)
        WHERE NOT EXISTS (
            SELECT 1 FROM barred
            WHERE barred.person_id = granted.person_id AND barred.purpose IN (granted.purpose, 'all', 'forgotten')
        )
        GROUP BY person_id
        """
    )
    return found.to_arrow_table().cast(_ALLOWED)
