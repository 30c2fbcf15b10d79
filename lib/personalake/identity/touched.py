"""What a run must group anew: the records whose groups a new, changed or vanished record could change, and nobody else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from personalake.common.spellings import spellings
from personalake.config.identity import IDENTIFIERS, IdentitySettings
from personalake.identity.codes import Codes, codes_of, places_of
from personalake.identity.graph import Positions

# A value of more records than this joins nobody, neither before nor after.
_CROWD = 1_000
# Links that are followed one after the other; where a chain is longer than any group of people, everybody is looked at.
_LONGEST_CHAIN = 50
_Follow = Callable[[Positions], Positions]


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
        settings: Which identifiers link, from which weight a pair does, decisions.
    """
    if not len(seeds):
        nobody = np.zeros(records.num_rows, bool)
        return Touched(nobody, nobody)
    own = [("record_key",), ("namespace", "customer_id")]
    keys, accounts, *values = codes_of(records, *own, *((kind,) for kind in IDENTIFIERS))
    held = dict(zip(IDENTIFIERS, values, strict=True))
    (wanted,) = codes_of(pa.table({"record_key": seeds}), ("record_key",))
    start = places_of(keys, wanted)
    is_touched = _reached(start, records.num_rows, _links(keys, accounts, held, start, edges, settings))
    is_neighbour = np.zeros(records.num_rows, bool)
    for codes in held.values():
        is_neighbour[places_of(codes, codes[is_touched])] = True
    return Touched(is_touched, is_neighbour & ~is_touched)


def _reached(start: Positions, size: int, links: Sequence[_Follow]) -> NDArray[np.bool_]:
    """Whether each record can be reached from the first ones."""
    is_reached = np.zeros(size, bool)
    frontier = start
    for _ in range(_LONGEST_CHAIN):
        is_reached[frontier] = True
        found = np.unique(np.concatenate([follow(frontier) for follow in links]))
        frontier = found[~is_reached[found]]
        if not frontier.size:
            return is_reached
    return np.ones(size, bool)


def _links(
    keys: Codes, accounts: Codes, held: Mapping[str, Codes], start: Positions, edges: pa.Table, settings: IdentitySettings
) -> list[_Follow]:
    """Every kind of link that a guard could let pass: from records to those that they are linked with."""
    is_seed = np.zeros(keys.size, bool)
    is_seed[start] = True
    kinds = [kind for kind, told in settings.identifiers.items() if told.links or told.persons == 1]
    strong = edges.filter(pc.greater_equal(edges["match_weight"], settings.matching.link_weight))
    left, right = codes_of(strong, ("left_key",), ("right_key",))
    sides = _sides(accounts, held, settings)
    return [
        lambda frontier: places_of(accounts, accounts[frontier]),
        *(partial(_sharing, held[kind], is_seed) for kind in kinds),
        lambda frontier: _alike(keys, left, right, keys[frontier]),
        lambda frontier: _decided(*sides, frontier),
    ]


def _sharing(codes: Codes, is_seed: NDArray[np.bool_], frontier: Positions) -> Positions:
    """Records that share a value, unless a crowd had held it before the seeds came."""
    places = places_of(codes, codes[frontier])
    held = codes[places]
    values, times = np.unique(held[~is_seed[places]], return_counts=True)
    crowds = values[times > _CROWD]
    return places[~np.isin(held, crowds)] if crowds.size else places


def _alike(keys: Codes, left: Codes, right: Codes, wanted: Codes) -> Positions:
    """Records that make a pair with wanted ones; pairs of records that are no longer there are passed over."""
    ends = np.concatenate([right[places_of(left, wanted)], left[places_of(right, wanted)]])
    return places_of(keys, ends)


def _sides(accounts: Codes, held: Mapping[str, Codes], settings: IdentitySettings) -> tuple[Positions, Positions]:
    """The records on either side of each decision to join, and the number of the decision, as two columns."""
    named = [
        (number, namespace, spelling)
        for number, override in enumerate(settings.overrides)
        for namespace, _, value in (name.partition(":") for name in override.between)
        for spelling in spellings(namespace, value, settings.calling_code)
        if override.decision == "always"
    ]
    if not named:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    numbers, namespaces, values = (np.array(column) for column in zip(*named, strict=True))
    own, value = codes_of(pa.table({"namespace": namespaces, "value": values}), ("namespace", "value"), ("value",))
    lots = [(accounts, own, numbers)]
    lots += [(held[kind], value[namespaces == kind], numbers[namespaces == kind]) for kind in held]
    found = pd.concat([_holders(*lot) for lot in lots])
    return found["place"].to_numpy(np.int64), found["number"].to_numpy(np.int64)


def _holders(codes: Codes, wanted: Codes, numbers: Positions) -> pd.DataFrame:
    places = places_of(codes, wanted)
    holders = pd.DataFrame({"code": codes[places], "place": places})
    return holders.merge(pd.DataFrame({"code": wanted, "number": numbers}), on="code")


def _decided(places: Positions, numbers: Positions, frontier: Positions) -> Positions:
    """All records on both sides of the decisions to join on which records stand."""
    return places[np.isin(numbers, numbers[np.isin(places, frontier)])]
