"""Grouping only what new, changed or vanished records touch; the persons are those of a grouping of everything."""

from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from personalake.config.identity import IDENTIFIERS, IdentitySettings
from personalake.identity.person_ids import Assigned, assign_ids, members, settled_persons
from personalake.identity.resolution import Resolution, resolve
from personalake.identity.touched import touched

EDGE = ("left_key", "right_key", "match_weight")


@dataclass(frozen=True)
class Grouped:
    """What a run came to.

    Args:
        resolution: Who is who among the records that were looked at.
        assigned: Links of their identifiers, and moves between persons.
        vanished: `namespace` and `value` of identifiers that no record holds any more.
    """

    resolution: Resolution
    assigned: Assigned
    vanished: pa.Table


def group_all(records: pa.Table, edges: pa.Table, previous: pa.Table, settings: IdentitySettings) -> Grouped:
    """Group every record.

    Args:
        records: Rows of `silver.match_record`.
        edges: Rows of `silver.match_edge`.
        previous: Rows of `silver.person_link` before.
        settings: Identifiers, guards, the weight of a link, decisions.
    """
    resolution = resolve(records.to_pandas(), edges.select(EDGE).to_pandas(), settings)
    found = members(resolution)
    return Grouped(resolution, assign_ids(found, previous), _vanished(_identifiers(records.slice(0, 0)), found))


def group_touched(
    records: pa.Table, gone: pa.Table, edges: pa.Table, new_keys: pa.Array, previous: pa.Table, settings: IdentitySettings
) -> Grouped:
    """Group the records that new or vanished ones touch; all others keep their person.

    Args:
        records: Rows of `silver.match_record`, the new ones included.
        gone: Rows that were there at the run before, and are no longer.
        edges: Rows of `silver.match_edge`, those of new and of vanished records included.
        new_keys: Keys of the new records.
        previous: Rows of `silver.person_link` before.
        settings: The same as at the run before.
    """
    everything = pa.concat_tables([records, gone])
    seeds = pa.concat_arrays([_flat(new_keys), _flat(gone["record_key"])])
    reach = touched(everything, edges, seeds, settings)
    is_here = ~pd.Series(range(everything.num_rows)).ge(records.num_rows).to_numpy()
    ours = everything.filter(pa.array(reach.is_touched & is_here))
    neighbours = everything.filter(pa.array(reach.is_neighbour & is_here))
    settled = _persons(neighbours, previous)
    chosen = pa.concat_tables([ours, neighbours])
    resolution = resolve(
        chosen.to_pandas(), _between(ours, edges).to_pandas(), settings, settled, _identifiers(gone).to_pandas()
    )
    found = members(resolution)
    assigned = assign_ids(found, previous, settled_persons(resolution, settled))
    return Grouped(resolution, assigned, _vanished(_identifiers(gone), found))


def former_persons(grouped: Grouped, gone: pa.Table, previous: pa.Table) -> pa.Table:
    """Whom the records that were looked at, or are gone, belonged to before: one column, `person_id`."""
    found = grouped.resolution
    accounts = found.graph.records.loc[~found.is_settled, ["namespace", "customer_id"]]
    own = pa.Table.from_pandas(accounts, preserve_index=False)
    with duckdb.connect(":memory:") as opened:
        opened.register("own", own)
        opened.register("gone", gone.select(["namespace", "customer_id"]))
        opened.register("previous", previous)
        return opened.sql(
            "SELECT DISTINCT person_id FROM previous SEMI JOIN (FROM own UNION ALL FROM gone) AS held "
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
    with duckdb.connect(":memory:") as opened:
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
    with duckdb.connect(":memory:") as opened:
        opened.register("records", records)
        return opened.sql(" UNION ".join(["SELECT namespace, customer_id AS value FROM records", *kinds])).to_arrow_table()


def _vanished(identifiers: pa.Table, found: pa.Table) -> pa.Table:
    """Those that no record holds any more."""
    with duckdb.connect(":memory:") as opened:
        opened.register("identifiers", identifiers)
        opened.register("found", found)
        return opened.sql("FROM identifiers ANTI JOIN found USING (namespace, value)").to_arrow_table()
