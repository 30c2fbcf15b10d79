"""Who was merged into whom, as ledgers have to be read that are never rewritten."""

import pyarrow as pa

from personalake.common.merged_persons import survivors
from personalake.lake import Ledger
from personalake.tables.identity import PERSON_CHANGE
from personalake.tables.silver import PERSON_LINK

_MERGES = ("kind", "changed_at", "old_person_id", "new_person_id")


def merged_persons(ledger: Ledger) -> dict[str, str]:
    """Old person id to the person whom it has become, for everyone who was ever merged into another."""
    changes = ledger.arrow(PERSON_CHANGE, _MERGES, [("kind", "=", "merged")])
    gone = sorted(set(changes["old_person_id"].to_pylist()))
    if not gone:
        return {}
    alive = {row["person_id"] for row in ledger.read(PERSON_LINK, ("person_id",), [("person_id", "in", gone)])}
    return survivors(changes, alive)


def merged_table(ledger: Ledger) -> pa.Table:
    """The same as rows: `old_person_id`, `new_person_id`."""
    became, text = merged_persons(ledger), pa.string()
    return pa.table({"old_person_id": pa.array(list(became), text), "new_person_id": pa.array(list(became.values()), text)})
