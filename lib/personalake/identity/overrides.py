"""What people decided: two identifiers always one person's, or never; such links survive every run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from personalake.common.spellings import spellings
from personalake.config.identity import IDENTIFIERS, Override
from personalake.identity.graph import ALWAYS, GUARDED_ALWAYS, Graph, Links, Positions
from personalake.identity.groups import side_of

# More records than this on one side of a decision are taken by their first ones: each is joined to its own side anyway.
_MOST_RECORDS = 100


@dataclass(frozen=True)
class Decisions:
    """The decisions as the graph understands them.

    Args:
        links: Links of what is always one person's.
        apart: Record: the sides of decisions that it stands on.
        conflicts: Decisions that contradict themselves or each other, as `namespace:value namespace:value`.
        unknown: Identifiers in decisions that no record holds (so far).
    """

    links: Links
    apart: dict[int, frozenset[str]]
    conflicts: tuple[str, ...]
    unknown: tuple[str, ...]


def decisions(overrides: Sequence[Override], graph: Graph, calling_code: str) -> Decisions:
    """Find the records that decisions are about; e-mails and phones may be written as people write them.

    Where the same two identifiers are both joined and kept apart, they are kept apart: a wrong merge is worse than a missed
    one. A chain of `always` that runs into a `never` loses its last link when groups are made. Guards are overruled where
    each of the two is one account's; what several accounts hold joins those of them whom guards let pass.
    """
    found = {name: _records_of(name, graph, calling_code) for override in overrides for name in override.between}
    pairs = {override.decision: set[tuple[str, str]]() for override in overrides}
    for override in overrides:
        pairs[override.decision].add(_sorted(override.between))
    always, never = pairs.get("always", set()), pairs.get("never", set())
    both = always & never
    links = [_between(graph, found[left], found[right]) for left, right in sorted(always - both)]
    apart: dict[int, frozenset[str]] = {}
    conflicts = [*both]
    for number, (left, right) in enumerate(sorted(never)):
        if np.intersect1d(found[left], found[right]).size:
            conflicts.append((left, right))
            continue
        for side, name in (("l", left), ("r", right)):
            for record in found[name].tolist():
                apart[record] = apart.get(record, frozenset()) | {side_of(number, side)}
    return Decisions(
        Links.joined(*links) if links else _no_links(),
        apart,
        tuple(sorted(" ".join(pair) for pair in set(conflicts))),
        tuple(sorted(name for name, records in found.items() if not records.size)),
    )


def _records_of(identifier: str, graph: Graph, calling_code: str) -> Positions:
    """The records that are an account, or that hold a value."""
    namespace, _, value = identifier.partition(":")
    records = graph.records
    holds = ((records["namespace"] == namespace) & (records["customer_id"] == value)).to_numpy(bool)
    if namespace in IDENTIFIERS:
        holds |= records[namespace].isin(list(spellings(namespace, value, calling_code))).to_numpy(bool)
    return np.flatnonzero(holds).astype(np.int64)


def _between(graph: Graph, left: Positions, right: Positions) -> Links:
    is_of_accounts = all(np.unique(graph.accounts[side]).size <= 1 for side in (left, right))
    weight = ALWAYS if is_of_accounts else GUARDED_ALWAYS
    ours, theirs = left[:_MOST_RECORDS], right[:_MOST_RECORDS]
    return Links.of(np.repeat(ours, len(theirs)), np.tile(theirs, len(ours)), weight, "always")


def _no_links() -> Links:
    nothing = np.empty(0, np.int64)
    return Links.of(nothing, nothing, ALWAYS, "always")


def _sorted(pair: Iterable[str]) -> tuple[str, str]:
    left, right = sorted(pair)
    return left, right
