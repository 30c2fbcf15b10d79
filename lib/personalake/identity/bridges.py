"""The weakest bridge of each person: without that link, the person would be two."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree

from personalake.identity.graph import KINDS, Links, Positions

# Above every match weight and every link that needs no likeness.
_CEILING = 10_000.0


def spanning_links(nodes: int, links: Links) -> Links:
    """Of all links, the strongest ones that hold each group together; taking any away would split a group.

    Args:
        nodes: Number of nodes.
        links: The links of a resolution.
    """
    ordered = links.strongest_first()
    pairs = pd.DataFrame({"low": np.minimum(ordered.left, ordered.right), "high": np.maximum(ordered.left, ordered.right)})
    chosen = ordered.where((~pairs.duplicated()).to_numpy() & (ordered.left != ordered.right))
    costs = coo_matrix((_CEILING - chosen.weight, (chosen.left, chosen.right)), shape=(nodes, nodes))
    tree = minimum_spanning_tree(costs.tocsr()).tocoo()
    kept = pd.MultiIndex.from_arrays([tree.row, tree.col])
    return chosen.where(pd.MultiIndex.from_arrays([chosen.left, chosen.right]).isin(kept))


def weakest_by_group(nodes: int, group: Positions, links: Links) -> NDArray[np.float64]:
    """For each record, the match weight of its group's weakest bridge; NaN where the group needs no likeness.

    Args:
        nodes: Number of records.
        group: The group of each.
        links: The links that hold groups together.
    """
    bridges = spanning_links(nodes, links)
    alike = bridges.where(bridges.kind == KINDS.index("match"))
    weakest = pd.Series(alike.weight).groupby(group[alike.left], sort=False).min()
    return np.asarray(pd.Series(group).map(weakest), np.float64)
