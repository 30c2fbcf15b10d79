"""The identity graph: records and shared identifiers as nodes; what joins them as links, the strongest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from personalake.config.identity import DETAILS, IDENTIFIERS, IdentitySettings

Positions = NDArray[np.int64]
# Links that need no likeness stand above every match weight, and below each other in this order.
SETTLED, ALWAYS, ACCOUNT, IDENTIFIER = 4_000.0, 3_000.0, 2_000.0, 1_000.0
# A decision about a value that several accounts hold: people did not look at each of them, so that guards hold.
GUARDED_ALWAYS = 2_500.0
KINDS = ("settled", "always", "account", "identifier", "match", "sole_user")
# How ids of records begin that only visits have shown.
VISIT = "seen-"
_ANONYMOUS = (*DETAILS, "login", "loyalty_id", "email", "phone")


@dataclass(frozen=True)
class Links:
    """Links between nodes, each with its strength.

    Args:
        left: Position of one node.
        right: Position of the other one.
        weight: Strength, bits; links that need no likeness stand above all others.
        kind: Place in `KINDS`.
    """

    left: Positions
    right: Positions
    weight: NDArray[np.float64]
    kind: NDArray[np.int8]

    @classmethod
    def of(cls, left: Positions, right: Positions, weight: "NDArray[np.float64] | float", kind: str) -> "Links":
        """Links of one kind."""
        weights = np.full(len(left), weight) if isinstance(weight, float) else weight
        return cls(left.astype(np.int64), right.astype(np.int64), weights, np.full(len(left), KINDS.index(kind), np.int8))

    @classmethod
    def joined(cls, *parts: "Links") -> "Links":
        """Several lots of links as one."""
        columns = ("left", "right", "weight", "kind")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))

    def where(self, chosen: NDArray[np.bool_]) -> "Links":
        """The chosen ones."""
        return Links(self.left[chosen], self.right[chosen], self.weight[chosen], self.kind[chosen])

    def strongest_first(self) -> "Links":
        """In order of strength; equal ones by their nodes, whose positions follow the records' keys."""
        order = np.lexsort((self.right, self.left, -self.weight))
        return Links(self.left[order], self.right[order], self.weight[order], self.kind[order])


def component_of(nodes: int, links: Links) -> Positions:
    """The connected component of each node, if every link were taken."""
    found = connected_components(
        coo_matrix((np.ones(len(links.left), np.int8), (links.left, links.right)), shape=(nodes, nodes)), directed=False
    )
    components: Positions = found[1].astype(np.int64)
    return components


@dataclass(frozen=True)
class Graph:
    """Records and their identifiers by position, whatever the order in which they came.

    Args:
        records: Rows of `silver.match_record`, in order of `record_key`, with a range index; nodes come in this order.
        settings: Which identifiers link.
    """

    records: pd.DataFrame
    settings: IdentitySettings

    @classmethod
    def of(cls, records: pd.DataFrame, settings: IdentitySettings) -> "Graph":
        """The graph of records in any order."""
        return cls(records.sort_values("record_key", ignore_index=True), settings)

    @property
    def size(self) -> int:
        """Number of records."""
        return len(self.records)

    @cached_property
    def keys(self) -> "pd.Index[str]":
        """Record keys in order of their positions."""
        keys: pd.Index[str] = pd.Index(self.records["record_key"])
        return keys

    @cached_property
    def values(self) -> Mapping[str, tuple[Positions, pd.Index]]:
        """Kind of identifier: the code of each record's value (-1 for none), and the values by code."""
        return {name: _coded(self.records[name]) for name in IDENTIFIERS}

    @cached_property
    def accounts(self) -> Positions:
        """The code of each record's own key at its source; two versions of one customer share it."""
        numbers = self.records.groupby(["namespace", "customer_id"], sort=False, dropna=False).ngroup()
        return np.asarray(numbers, np.int64)

    @cached_property
    def is_anonymous(self) -> NDArray[np.bool_]:
        """Whether a record knows nothing but a device or a cookie; a visit of a known account is somebody's."""
        says_nothing: NDArray[np.bool_] = self.records[list(_ANONYMOUS)].isna().all(axis=1).to_numpy(bool)
        is_visit = self.records["record_key"].str.contains(f":{VISIT}", regex=False).to_numpy(bool)
        has_account = ~self.records["namespace"].isin(("cookie_id", "device_id")).to_numpy(bool)
        return says_nothing & ~(is_visit & has_account)

    def account_links(self) -> Links:
        """Each record with the first one of the same account."""
        return stars(self.accounts, ACCOUNT, "account")

    def identifier_links(self, kind: str, hubs: Positions) -> Links:
        """Each record with the first one that holds the same value of a linking kind; values that are hubs link nobody."""
        codes, _ = self.values[kind]
        place = list(self.settings.identifiers).index(kind)
        return stars(np.where(np.isin(codes, hubs), -1, codes), IDENTIFIER - place, "identifier")

    def match_links(self, edges: pd.DataFrame, least_weight: float) -> Links:
        """Pairs of records that are alike enough.

        Args:
            edges: `left_key`, `right_key`, `match_weight`; pairs of records that are no longer there are passed over.
            least_weight: Weight from which a pair is a link, bits.
        """
        strong = edges[edges["match_weight"] >= least_weight]
        left, right = (self.keys.get_indexer(pd.Index(strong[side])) for side in ("left_key", "right_key"))
        known = (left >= 0) & (right >= 0)
        weight = strong["match_weight"].to_numpy(np.float64)
        return Links.of(left[known], right[known], weight[known], "match")


def _coded(values: pd.Series) -> tuple[Positions, pd.Index]:
    codes, found = pd.factorize(values, use_na_sentinel=True)
    return codes.astype(np.int64), pd.Index(found)


def stars(codes: Positions, weight: float, kind: str) -> Links:
    """Each node with the first node of the same code; -1 is no code."""
    nodes = np.flatnonzero(codes >= 0)
    first = pd.Series(nodes).groupby(codes[nodes], sort=False).transform("first").to_numpy(np.int64)
    others = nodes != first
    return Links.of(first[others], nodes[others], weight, kind)


def different_values(component: Positions, codes: Positions, count: int) -> Positions:
    """Different values in each component; -1 is no value.

    Args:
        component: The component of each node.
        codes: The code of each node's value.
        count: Number of components.
    """
    held = pd.DataFrame({"component": component, "code": codes})[codes >= 0].drop_duplicates()
    return np.bincount(held["component"], minlength=count).astype(np.int64)
