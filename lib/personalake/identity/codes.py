"""Numbers in the place of texts: what a run looks for in long columns it looks for by a 64-bit hash.

Two texts share a hash once in 2^64 pairs. Whoever follows a hash takes such a text along, so that it may only be asked where
more is looked at than had to be, or where what was found is compared as text.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from personalake.identity.scratch import scratch

Codes = NDArray[np.uint64]
NOTHING = 0
_LEAST_BITS, _MOST_BITS = 10, 22


def codes_of(rows: pa.Table, *columns: Sequence[str]) -> list[Codes]:
    """A hash of each row's values; the same values have the same hash in every table of a run.

    Args:
        rows: A table.
        columns: Which columns make up each hash; a text in quotes stands for itself in every row.

    Returns:
        As many arrays as lots of columns; where one of a lot is null, `NOTHING`.

    >>> told = pa.table({"kind": ["login", "email"], "value": ["ann", None], "login": ["ann", "ann"]})
    >>> (pairs, logins) = codes_of(told, ("kind", "value"), ("'login'", "login"))
    >>> bool(pairs[0] == logins[0] == logins[1]), int(pairs[1])
    (True, 0)
    """
    named = dict.fromkeys(name for lot in columns for name in lot if not name.startswith("'"))
    told = (
        f"CASE WHEN {' OR '.join(f'{name} IS NULL' for name in lot)} THEN {NOTHING} ELSE hash({', '.join(lot)}) END"
        for lot in columns
    )
    with scratch() as opened:
        opened.register("told", rows.select(list(named)))
        listed = ", ".join(f"({sql})::UBIGINT AS code_{place}" for place, sql in enumerate(told))
        found = opened.sql(f"SELECT {listed} FROM told").fetchnumpy()
    return [np.asarray(found[f"code_{place}"], np.uint64) for place in range(len(columns))]


def places_of(codes: Codes, wanted: Codes) -> NDArray[np.int64]:
    """Where codes are that are wanted; most of the others are ruled out by their last bits, which are as good as random.

    >>> places_of(np.array([7, 0, 9, 7], np.uint64), np.array([7, 0], np.uint64)).tolist()
    [0, 3]
    """
    sought = np.unique(wanted[wanted != NOTHING])
    if not sought.size:
        return np.zeros(0, np.int64)
    size = 1 << min(max(int(sought.size).bit_length() + 4, _LEAST_BITS), _MOST_BITS)
    could_be = np.zeros(size, bool)
    could_be[_last_bits(sought, size)] = True
    places = np.flatnonzero(could_be[_last_bits(codes, size)]).astype(np.int64)
    candidates = codes[places]
    nearest = np.searchsorted(sought, candidates)
    nearest[nearest == sought.size] = 0
    found: NDArray[np.int64] = places[sought[nearest] == candidates]
    return found


def _last_bits(codes: Codes, size: int) -> NDArray[np.int64]:
    return (codes & np.uint64(size - 1)).view(np.int64)


def without(rows: pa.Table, keys: pa.Table, codes: Codes | None = None) -> pa.Table:
    """Rows whose values in the columns of `keys` are none of these keys, compared as text where the hash is the same.

    Args:
        rows: A table.
        keys: The keys, none of them null.
        codes: The hash of each row's values in those columns, if it is there already.
    """
    columns = keys.column_names
    ours = codes_of(rows, columns)[0] if codes is None else codes
    places = places_of(ours, codes_of(keys, columns)[0])
    if not places.size:
        return rows
    with scratch() as opened:
        opened.register("candidates", rows.select(columns).take(pa.array(places)).append_column("place", pa.array(places)))
        opened.register("keys", keys)
        over = opened.sql(f"SELECT place FROM candidates SEMI JOIN keys USING ({', '.join(columns)})").fetchnumpy()["place"]
    stays = np.ones(rows.num_rows, bool)
    stays[over] = False
    return rows.filter(pa.array(stays))
