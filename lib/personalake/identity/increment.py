"""Grouping only what new, changed or vanished records touch; the persons are those of a grouping of everything."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from personalake.config.identity import IDENTIFIERS, IdentitySettings
from personalake.identity.blocking import KEYS
from personalake.identity.codes import Codes, codes_of, places_of
from personalake.identity.person_ids import Assigned, assign_ids, members, settled_persons
from personalake.identity.resolution import Resolution, resolve
from personalake.identity.scratch import scratch
from personalake.identity.touched import touched

EDGE = ("left_key", "right_key", "match_weight")
# What is asked of links of before.
PREVIOUS = ("namespace", "value", "person_id", "first_known_at")


@dataclass(frozen=True)
class Grouped:
    """What a run came to.

    Args:
        resolution: Who is who among the records that were looked at.
        assigned: Links of their identifiers, and moves between persons.
        vanished: `namespace` and `value` of identifiers that no record holds any more.
        former: `person_id` of those whom the records that were looked at, or are gone, belonged to before.
    """

    resolution: Resolution
    assigned: Assigned
    vanished: pa.Table
    former: pa.Table


@dataclass(frozen=True)
class Earlier:
    """Links of the run before, of which a run looks up a few.

    Args:
        links: Rows of `silver.person_link`; of the columns, those of `PREVIOUS` at least.
        keys: A hash of each one's identifier.
        persons: A hash of each one's person.
    """

    links: pa.Table
    keys: Codes
    persons: Codes

    @classmethod
    def of(cls, links: pa.Table) -> "Earlier":
        """The links with their hashes."""
        keys, persons = codes_of(links, ("namespace", "value"), ("person_id",))
        return cls(links, keys, persons)

    def of_holders(self, identifiers: pa.Table) -> pa.Table:
        """All links of the persons whom any of some identifiers belonged to."""
        (held,) = codes_of(identifiers, ("namespace", "value"))
        return self._taken(self.persons[places_of(self.keys, held)])

    def named(self, persons: pa.Table) -> pa.Table:
        """All links of persons by their `person_id`."""
        return self._taken(codes_of(persons, ("person_id",))[0])

    def _taken(self, persons: Codes) -> pa.Table:
        return self.links.take(pa.array(places_of(self.persons, persons)))


def group_all(records: pa.Table, edges: pa.Table, previous: pa.Table, settings: IdentitySettings) -> Grouped:
    """Group every record.

    Args:
        records: Rows of `silver.match_record`.
        edges: Rows of `silver.match_edge`.
        previous: Rows of `silver.person_link` before.
        settings: Identifiers, guards, the weight of a link, decisions.
    """
    resolution = resolve(_frame(records), edges.select(EDGE).to_pandas(), settings)
    found = members(resolution)
    nobody = records.slice(0, 0)
    assigned = assign_ids(found, previous, vanished=previous.select(["namespace", "value"]))
    return Grouped(resolution, assigned, _vanished(_identifiers(nobody), found), _former(nobody, previous))


def unowned(records: pa.Table, links: pa.Table) -> pa.Array:
    """Keys of records that hold an identifier without a link: it was linked to somebody who has been erased.

    Args:
        records: Rows of `silver.match_record`.
        links: `namespace` and `value` of `silver.person_link`.
    """
    kinds = [f"SELECT record_key, '{kind}' AS namespace, {kind} AS value FROM records" for kind in IDENTIFIERS]
    with scratch() as opened:
        opened.register("records", records.select(["record_key", *IDENTIFIERS]))
        opened.register("links", links)
        held = " UNION ALL ".join(kinds)
        found = f"SELECT DISTINCT record_key FROM ({held}) ANTI JOIN links USING (namespace, value) WHERE value IS NOT NULL"
        return _flat(opened.sql(f"{found} ORDER BY record_key").to_arrow_table()["record_key"])


def group_touched(
    records: pa.Table,
    gone: pa.Table,
    edges: pa.Table,
    new_keys: pa.Array,
    previous: Earlier,
    settings: IdentitySettings,
    concern: Callable[[pa.Array], None] | None = None,
) -> Grouped:
    """Group the records that new or vanished ones touch; all others keep their person.

    Args:
        records: Rows of `silver.match_record`, the new ones included.
        gone: Rows that were there at the run before, and are no longer.
        edges: Rows of `silver.match_edge`, those of new and of vanished records included.
        new_keys: Keys of the new records, and of those that are `unowned`.
        previous: The links before.
        settings: The same as at the run before.
        concern: Told before anything is grouped which persons of before it may change: nobody else's links or records do.
    """
    everything = pa.concat_tables([records, gone])
    seeds = pa.concat_arrays([_flat(new_keys), _flat(gone["record_key"])])
    reach = touched(everything, edges, seeds, settings)
    ours, neighbours = (_taken(everything, chosen, records.num_rows) for chosen in (reach.is_touched, reach.is_neighbour))
    chosen = pa.concat_tables([ours, neighbours])
    concerned = previous.of_holders(pa.concat_tables([_identifiers(chosen), _identifiers(gone)]))
    if concern is not None:
        concern(pc.unique(concerned["person_id"]))
    settled = _persons(neighbours, concerned)
    pairs, left_behind = _between(ours, edges).to_pandas(), _identifiers(gone).to_pandas()
    resolution = resolve(_frame(chosen), pairs, settings, settled, left_behind)
    found = members(resolution)
    vanished = _vanished(_identifiers(gone), found)
    assigned = assign_ids(found, concerned, settled_persons(resolution, settled), previous.named, vanished)
    former = _former(pa.concat_tables([ours, gone]), concerned)
    return Grouped(resolution, assigned, vanished, former)


def _frame(records: pa.Table) -> pd.DataFrame:
    """Records without their blocking keys, of which each would become an array of its own."""
    frame: pd.DataFrame = records.select([name for name in records.column_names if name != KEYS]).to_pandas()
    return frame


def _taken(records: pa.Table, chosen: NDArray[np.bool_], end: int) -> pa.Table:
    """The chosen ones of the records before a place."""
    return records.take(pa.array(np.flatnonzero(chosen[:end])))


def _former(records: pa.Table, previous: pa.Table) -> pa.Table:
    with scratch() as opened:
        opened.register("held", records.select(["namespace", "customer_id"]))
        opened.register("previous", previous)
        return opened.sql(
            "SELECT DISTINCT person_id FROM previous SEMI JOIN held "
            "ON previous.namespace = held.namespace AND previous.value = held.customer_id"
        ).to_arrow_table()


def _flat(values: "pa.Array | pa.ChunkedArray") -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _between(records: pa.Table, edges: pa.Table) -> pa.Table:
    keys = _flat(records["record_key"])
    both = pc.and_(pc.is_in(edges["left_key"], keys), pc.is_in(edges["right_key"], keys))
    return edges.filter(both).select(EDGE)


def _persons(records: pa.Table, previous: pa.Table) -> "pd.Series[Any]":
    """The person that each record had, by its key."""
    with scratch() as opened:
        opened.register("records", records.select(["record_key", "namespace", "customer_id"]))
        opened.register("previous", previous)
        found = opened.sql(
            "SELECT record_key, person_id FROM records JOIN previous "
            "ON records.namespace = previous.namespace AND records.customer_id = previous.value"
        ).df()
    persons: pd.Series[Any] = found.set_index("record_key")["person_id"]
    return persons


def _identifiers(records: pa.Table) -> pa.Table:
    """Everything that records hold: `namespace`, `value`."""
    kinds = [f"SELECT '{kind}', {kind} FROM records WHERE {kind} IS NOT NULL" for kind in IDENTIFIERS]
    with scratch() as opened:
        opened.register("records", records)
        return opened.sql(" UNION ".join(["SELECT namespace, customer_id AS value FROM records", *kinds])).to_arrow_table()


def _vanished(identifiers: pa.Table, found: pa.Table) -> pa.Table:
    """Those that no record holds any more."""
    with scratch() as opened:
        opened.register("identifiers", identifiers)
        opened.register("found", found)
        return opened.sql("FROM identifiers ANTI JOIN found USING (namespace, value)").to_arrow_table()
