"""What a run must group anew: the records whose groups a new, changed or vanished record could change, and nobody else."""

from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from personalake.config.identity import IDENTIFIERS, IdentitySettings
from personalake.identity.graph import ACCOUNT, Links, Positions, component_of, stars

# A value of more records than this joins nobody, neither before nor after.
_CROWD = 1_000


@dataclass(frozen=True)
class Touched:
    """Where new things meet what is there.

    Args:
        is_touched: Whether each record's group may change.
        is_neighbour: Whether each other record holds a value that a touched one holds: its group stays, and is counted.
    """

    is_touched: NDArray[np.bool_]
    is_neighbour: NDArray[np.bool_]


def touched(records: pa.Table, edges: pa.Table, seeds: pa.Array, settings: IdentitySettings) -> Touched:
    """Follow every link, whether or not a guard would refuse it, from the seeds to the end.

    Args:
        records: Rows of `silver.match_record`, those that are gone included.
        edges: Rows of `silver.match_edge`, with those of new records.
        seeds: Keys of the records that are new or gone.
        settings: Which identifiers link, and from which weight a pair does.
    """
    if not len(seeds):
        nobody = np.zeros(records.num_rows, bool)
        return Touched(nobody, nobody)
    is_seed = np.asarray(
        pc.is_in(records["record_key"], seeds.combine_chunks() if isinstance(seeds, pa.ChunkedArray) else seeds)
    )
    # Arrow leaves the interpreter while it hashes a column, so that each thread has a core.
    with ThreadPoolExecutor(settings.matching.threads) as threads:
        component = component_of(records.num_rows, _links(records, edges, is_seed, settings, threads))
        is_touched = np.isin(component, component[is_seed])
        held = threads.map(lambda kind: _shares(records[kind], is_touched), IDENTIFIERS)
        is_neighbour = np.logical_or.reduce(list(held))
    return Touched(is_touched, is_neighbour & ~is_touched)


def _links(
    records: pa.Table, edges: pa.Table, is_seed: NDArray[np.bool_], settings: IdentitySettings, threads: Executor
) -> Links:
    """Every link that a guard could let pass."""
    kinds = [kind for kind, told in settings.identifiers.items() if told.links or told.persons == 1]
    strong = edges.filter(pc.greater_equal(edges["match_weight"], settings.matching.link_weight))
    alike = threads.submit(_alike, records["record_key"].combine_chunks(), strong)
    accounts = pc.binary_join_element_wise(records["namespace"], records["customer_id"], ":")
    account, *held = threads.map(_codes, (accounts, *(records[kind] for kind in kinds)))
    shared = [stars(_without_crowds(codes, is_seed), ACCOUNT, "identifier") for codes in held]
    return Links.joined(stars(account, ACCOUNT, "account"), *shared, alike.result())


def _shares(values: pa.ChunkedArray, is_touched: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which records hold a value that a touched one holds."""
    return np.asarray(pc.is_in(values, pc.unique(values.filter(pa.array(is_touched)).drop_null())))


def _alike(keys: pa.Array, pairs: pa.Table) -> Links:
    """Pairs by the positions of their records; pairs of records that are no longer there are passed over."""
    ends = pa.concat_arrays([pairs[side].combine_chunks() for side in ("left_key", "right_key")])
    left, right = np.split(np.asarray(pc.fill_null(pc.index_in(ends, keys), -1), np.int64), 2)
    known = (left >= 0) & (right >= 0)
    return Links.of(left[known], right[known], 0.0, "match")


def _codes(values: pa.ChunkedArray) -> Positions:
    indices = values.combine_chunks().dictionary_encode().indices
    return np.asarray(pc.fill_null(indices, -1), np.int64)


def _without_crowds(codes: Positions, is_seed: NDArray[np.bool_]) -> Positions:
    """No code for values that a crowd has held before the seeds came."""
    settled = codes[(codes >= 0) & ~is_seed]
    crowds = np.flatnonzero(np.bincount(settled, minlength=int(codes.max(initial=0)) + 1) > _CROWD)
    return np.where(np.isin(codes, crowds), -1, codes)
