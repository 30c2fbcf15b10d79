"""Whose records are that know nothing but a device or a cookie: the one person's who is known to use it.

Such a record says nothing against anybody, and nothing for two: it joins one person, whom it never joins to another.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from personalake.config.identity import IDENTIFIERS
from personalake.identity.graph import Graph, Links, Positions, different_values
from personalake.identity.groups import NOTHING, Forest, Group, Limits, Refusal, Values

_KIND = "sole_user"


def joined_to_sole_users(
    graph: Graph, group: Positions, is_settled: NDArray[np.bool_], apart: Mapping[int, Values], limits: Limits
) -> tuple[Positions, Links, list[Refusal]]:
    """Add groups of which nothing but devices and cookies is known to the one person who is known to use these.

    Args:
        graph: The records.
        group: The group of each.
        is_settled: Whether a record stays where it is.
        apart: Record: the sides of decisions that it stands on.
        limits: The guards, which hold here as for any other link.

    Returns:
        The group of each record, the links that were taken, and those that a guard refused. A group whose devices and
        cookies point to several persons joins none of them.
    """
    links = _links(graph, group, is_settled)
    if not links.left.size:
        return group, links, []
    involved = np.unique(np.concatenate([group[links.left], group[links.right]]))
    forest = Forest(_groups(graph, group, involved, apart, limits), limits)
    taken, refusals = np.zeros(len(links.left), bool), []
    for place, (user, lost) in enumerate(zip(links.left.tolist(), links.right.tolist(), strict=True)):
        refusal = forest.join(int(group[user]), int(group[lost]), 0.0, is_match=False)
        taken[place] = refusal is None
        if refusal is not None:
            refusals.append(replace(refusal, left=user, right=lost))
    roots = np.array([forest.root(number) for number in involved.tolist()], np.int64)
    joined = group.copy()
    moved = np.isin(group, involved)
    joined[moved] = roots[np.searchsorted(involved, group[moved])]
    return joined, links.where(taken), refusals


def _links(graph: Graph, group: Positions, is_settled: NDArray[np.bool_]) -> Links:
    """A record of each person with the records that may be the same person's, in order of their positions."""
    is_lost = ~np.isin(group, group[~graph.is_anonymous]) & ~is_settled
    if not is_lost.any():
        nobody = np.zeros(0, np.int64)
        return Links.of(nobody, nobody, 0.0, _KIND)
    found = [
        _of_kind(graph, kind, group, is_lost)
        for kind, told in graph.settings.identifiers.items()
        if not told.links and told.persons == 1
    ]
    claims = pd.concat([pd.DataFrame({"user": [], "lost": []}), *found]).astype(np.int64)
    # The first kind of identifier decides where a device and a cookie point to different people.
    claims = claims.drop_duplicates("lost").sort_values("lost")
    claims = claims.assign(owner=group[claims["user"]], group=group[claims["lost"]])
    owners = claims.groupby("group")["owner"].nunique()
    claims = claims[claims["group"].map(owners).eq(1)]
    return Links.of(claims["user"].to_numpy(), claims["lost"].to_numpy(), 0.0, _KIND)


def _of_kind(graph: Graph, kind: str, group: Positions, is_lost: NDArray[np.bool_]) -> pd.DataFrame:
    codes, _ = graph.values[kind]
    known = pd.DataFrame({"code": codes, "group": group, "node": np.arange(graph.size)})[codes >= 0]
    named = known[~graph.is_anonymous[known["node"]]]
    users = named.groupby("code", sort=False).agg(groups=("group", "nunique"), node=("node", "min"))
    sole = users.loc[users["groups"] == 1, "node"]
    lost = known[is_lost[known["node"]] & known["code"].isin(sole.index).to_numpy()]
    return pd.DataFrame({"user": sole.loc[lost["code"]].to_numpy(), "lost": lost["node"].to_numpy()})


def _groups(
    graph: Graph, group: Positions, involved: Positions, apart: Mapping[int, Values], limits: Limits
) -> dict[int, Group]:
    """What the guards ask of groups that may be joined; details may contradict where no likeness is the reason."""
    nodes = np.flatnonzero(np.isin(group, involved))
    place = np.searchsorted(involved, group[nodes]).astype(np.int64)
    records = np.bincount(place, minlength=involved.size)
    identifiers = records + sum(different_values(place, graph.values[kind][0][nodes], involved.size) for kind in IDENTIFIERS)
    groups = {
        number: Group(int(many), int(named))
        for number, many, named in zip(involved.tolist(), records, identifiers, strict=True)
    }
    for kind in limits.per_person:
        held = graph.records[kind].iloc[nodes].dropna()
        for node, value in held.items():
            limited = groups[int(group[int(str(node))])].limited
            limited[kind] = limited.get(kind, NOTHING) | {value}
    for node, sides in apart.items():
        if (concerned := groups.get(int(group[node]))) is not None:
            concerned.apart |= sides
    return groups
