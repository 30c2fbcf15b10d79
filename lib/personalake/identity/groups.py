"""Groups of nodes under guards: links are taken from the strongest to the weakest, and one that would break a guard goes.

The result depends on the set of links alone, never on the order in which they came.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from personalake.identity.agreement import birth_dates_agree, first_names_agree
from personalake.identity.graph import ALWAYS

Values = frozenset[str]
NOTHING: Values = frozenset()


@dataclass(frozen=True)
class Limits:
    """What a group must keep to.

    Args:
        per_person: Kind of identifier: how many values of it a group may hold.
        max_merges: Records beyond the first.
        max_identifiers: Identifiers in all.
        contradictions: Details in which joined groups must not disagree.
        overruled_weight: Match weight from which a link stands although details disagree, bits.
        link_weight: Match weight from which two single records are joined, bits.
        side_weights: Bits that a link must add for each doubling of the smaller and of the larger group.
    """

    per_person: Mapping[str, int]
    max_merges: int
    max_identifiers: int
    contradictions: Sequence[str] = ()
    overruled_weight: float = 22
    link_weight: float = 0
    side_weights: tuple[float, float] = (0, 0)

    def needed(self, one: int, other: int) -> float:
        """Match weight from which groups of so many records are joined, bits.

        One person's records are compared each with each, so that two groups of one person have a strong pair among many; a
        weak one as the best of them rather tells of a household. And joining them says as much of every pair between them.

        >>> limits = Limits({}, 100, 1_000, side_weights=(2, 0.5))
        >>> limits.needed(1, 1), limits.needed(1, 4), limits.needed(8, 2)
        (0.0, 1.0, 3.5)
        """
        smaller, larger = sorted((one, other))
        return self.link_weight + self.side_weights[0] * math.log2(smaller) + self.side_weights[1] * math.log2(larger)


@dataclass
class Group:
    """What is known about a group so far.

    Args:
        records: Number of its records.
        identifiers: Number of its identifiers.
        details: Detail (first_name, last_name, birth_date): the values that its records hold.
        limited: Kind of identifier with a limit: the values that it holds.
        apart: Sides of decisions on which it stands, see `side_of`: the two sides of one are kept apart.
    """

    records: int
    identifiers: int
    details: dict[str, Values] = field(default_factory=dict)
    limited: dict[str, Values] = field(default_factory=dict)
    apart: Values = NOTHING

    def take(self, other: "Group") -> None:
        """Take in all of another group."""
        self.records += other.records
        self.identifiers += other.identifiers
        self.apart |= other.apart
        for mine, theirs in ((self.details, other.details), (self.limited, other.limited)):
            for name, values in theirs.items():
                mine[name] = mine.get(name, NOTHING) | values


def broken_guard(left: Group, right: Group, weight: float, is_match: bool, limits: Limits) -> str | None:
    """The guard that joining two groups would break, None if they may be joined.

    What people decided about two accounts overrules every guard but a decision to keep apart: they know of the second login.
    What comes later is measured by the more that a group holds by such a decision.

    Args:
        left: One group.
        right: The other one.
        weight: How strong the link is, bits.
        is_match: True for a link by likeness; a shared identifier stands although details disagree.
        limits: The guards.
    """
    if left.apart and right.apart and any(_other_side(side) in right.apart for side in left.apart):
        return "never_link"
    if weight >= ALWAYS:
        return None
    if left.records + right.records - 1 > limits.max_merges:
        return "max_merges"
    if left.identifiers + right.identifiers > limits.max_identifiers:
        return "max_identifiers"
    for kind, most in limits.per_person.items():
        ours, theirs = left.limited.get(kind), right.limited.get(kind)
        if ours and theirs and len(ours | theirs) > max(most, len(ours), len(theirs)):
            return f"per_person_{kind}"
    if is_match and weight < limits.needed(left.records, right.records):
        return "weak_for_groups"
    return _contradiction(left.details, right.details, weight, limits) if is_match else None


def _contradiction(left: Mapping[str, Values], right: Mapping[str, Values], weight: float, limits: Limits) -> str | None:
    if weight >= limits.overruled_weight:
        return None
    last = [side.get("last_name", NOTHING) for side in (left, right)]
    for detail in limits.contradictions:
        ours, theirs = left.get(detail, NOTHING), right.get(detail, NOTHING)
        if detail == "first_name" and not first_names_agree(ours, theirs, *last):
            return "contradiction_first_name"
        if detail == "birth_date" and not birth_dates_agree(ours, theirs):
            return "contradiction_birth_date"
    return None


def side_of(decision: int, side: str) -> str:
    """The mark of one side of a decision to keep two identifiers apart: `l` or `r`."""
    return f"{decision}{side}"


def _other_side(mark: str) -> str:
    return mark[:-1] + ("r" if mark[-1] == "l" else "l")


@dataclass(frozen=True)
class Refusal:
    """A link that was not taken.

    Args:
        left: One node.
        right: The other one.
        weight: How strong it was, bits.
        guard: Which guard it would have broken.
    """

    left: int
    right: int
    weight: float
    guard: str


class Forest:
    """Disjoint groups of nodes (union by size, path halving).

    Args:
        groups: What each node is at first.
        limits: The guards.
    """

    def __init__(self, groups: Mapping[int, Group], limits: Limits) -> None:
        self.limits = limits
        self.parent = {node: node for node in groups}
        self.groups = dict(groups)

    def root(self, node: int) -> int:
        """The node that stands for the group of a node."""
        parent = self.parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def join(self, left: int, right: int, weight: float, is_match: bool) -> Refusal | None:
        """Join the groups of two nodes, or say why not; joining a group with itself does nothing."""
        one, other = self.root(left), self.root(right)
        if one == other:
            return None
        ours, theirs = self.groups[one], self.groups[other]
        guard = broken_guard(ours, theirs, weight, is_match, self.limits)
        if guard is not None:
            return Refusal(left, right, weight, guard)
        if (ours.records, ours.identifiers) < (theirs.records, theirs.identifiers):
            one, other, ours, theirs = other, one, theirs, ours
        ours.take(theirs)
        self.parent[other] = one
        del self.groups[other]
        return None
