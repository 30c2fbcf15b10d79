"""Who is who: the links of a graph to groups of records under the guards, and identifiers to groups.

What comes out depends on the records, the scored pairs and the decisions alone, so that a run after every delivery and one
run over everything give the same groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from personalake.config.identity import IDENTIFIERS, IdentitySettings
from personalake.identity.graph import KINDS, SETTLED, Graph, Links, Positions, component_of, different_values, stars
from personalake.identity.groups import Forest, Group, Limits, Refusal
from personalake.identity.overrides import Decisions, decisions
from personalake.identity.sole_users import joined_to_sole_users

_TOLD = ("first_name", "last_name", "birth_date")


@dataclass(frozen=True)
class Resolution:
    """Who is who.

    Args:
        graph: The records.
        group: The group of each record, by position.
        is_settled: Whether each record's group was given, and is only there to be counted.
        judged: `namespace`, `value`: identifiers of which every holder is there, so that their owner can be told.
        links: Links that hold groups together, those that were refused left out.
        refusals: Links that a guard refused.
        hubs: `namespace`, `value`, `persons`: values that too many share.
        decisions: What people decided, with conflicts.
    """

    graph: Graph
    group: Positions
    is_settled: NDArray[np.bool_]
    judged: pd.DataFrame
    links: Links
    refusals: Sequence[Refusal]
    hubs: pd.DataFrame
    decisions: Decisions


def resolve(
    records: pd.DataFrame,
    edges: pd.DataFrame,
    settings: IdentitySettings,
    settled: "pd.Series[Any] | None" = None,
    left_behind: pd.DataFrame | None = None,
) -> Resolution:
    """Group records by person.

    Args:
        records: Rows of `silver.match_record`, in any order.
        edges: Rows of `silver.match_edge`: `left_key`, `right_key`, `match_weight`.
        settings: Identifiers, guards, the weight of a link, decisions.
        settled: Record key: the person, of records whose group stays as it is; no link changes theirs.
        left_behind: `namespace`, `value` that vanished records held: their owner is told anew, too.
    """
    graph = Graph.of(records, settings)
    given = _settled_codes(graph, settled)
    is_settled = given >= 0
    decided = decisions(settings.overrides, graph, settings.calling_code)
    account = graph.account_links()
    hubs = {kind: _crowded(graph, kind) for kind, told in settings.identifiers.items() if told.links}
    strong = [graph.identifier_links(kind, values) for kind, values in hubs.items()]
    alike = graph.match_links(edges, settings.matching.link_weight)
    links = Links.joined(decided.links, account, *strong, alike)
    links = links.where(~(is_settled[links.left] | is_settled[links.right]))
    links = Links.joined(stars(given, SETTLED, "settled"), links)
    group, refusals = _grouped(graph, links, decided, settings)
    group, sole, kept_apart = joined_to_sole_users(graph, group, is_settled, decided.apart, _limits(settings))
    links, refusals = Links.joined(links, sole), [*refusals, *kept_apart]
    stands = group[links.left] == group[links.right]
    judged = _judged(graph, is_settled, left_behind)
    told = _hub_rows(graph, group, hubs, judged)
    return Resolution(graph, group, is_settled, judged, links.where(stands), refusals, told, decided)


def _judged(graph: Graph, is_settled: NDArray[np.bool_], left_behind: pd.DataFrame | None) -> pd.DataFrame:
    """Identifiers that a record holds whose group is not settled, and those of vanished records."""
    moving = graph.records[~is_settled]
    own = moving[["namespace", "customer_id"]].rename(columns={"customer_id": "value"})
    parts = [own, *(pd.DataFrame({"namespace": kind, "value": moving[kind].dropna()}) for kind in IDENTIFIERS)]
    return pd.concat([*parts, *([] if left_behind is None else [left_behind])], ignore_index=True).drop_duplicates()


def _settled_codes(graph: Graph, settled: "pd.Series[Any] | None") -> Positions:
    """The code of the person of each settled record, -1 for the others."""
    if settled is None or settled.empty:
        return np.full(graph.size, -1, np.int64)
    codes, _ = pd.factorize(graph.keys.to_series().map(settled), use_na_sentinel=True)
    return codes.astype(np.int64)


def _crowded(graph: Graph, kind: str) -> Positions:
    """Codes of the values of a linking kind that more accounts hold than one person can have."""
    codes, values = graph.values[kind]
    held = pd.DataFrame({"code": codes, "account": graph.accounts})[codes >= 0].drop_duplicates()
    counts = np.bincount(held["code"], minlength=len(values))
    return np.flatnonzero(counts > graph.settings.guards.max_merges + 1).astype(np.int64)


def _grouped(graph: Graph, links: Links, decided: Decisions, settings: IdentitySettings) -> tuple[Positions, list[Refusal]]:
    """Components in which nothing can break a guard as they are; the others link by link."""
    component = component_of(graph.size, links)
    is_suspect = (_suspect(graph, component, decided, settings) | _weak(component, links, _limits(settings)))[component]
    suspects = np.flatnonzero(is_suspect)
    forest = Forest(_first_groups(graph, suspects, decided, settings), _limits(settings))
    refusals = []
    doubtful = links.where(is_suspect[links.left]).strongest_first()
    match, settled = KINDS.index("match"), KINDS.index("settled")
    rows = zip(*(column.tolist() for column in (doubtful.left, doubtful.right, doubtful.weight, doubtful.kind)), strict=True)
    for left, right, weight, kind in rows:
        refusal = forest.join(left, right, weight, kind == match)
        if refusal is not None and kind != settled:
            refusals.append(refusal)
    group = component.copy()
    # Groups of their own are numbered beyond all components, by the record that stands for them.
    group[suspects] = [component.size + forest.root(node) for node in suspects.tolist()]
    return group, refusals


def _suspect(graph: Graph, component: Positions, decided: Decisions, settings: IdentitySettings) -> NDArray[np.bool_]:
    """Whether a guard could break within each component."""
    count = int(component.max()) + 1 if component.size else 0
    sizes = np.bincount(component, minlength=count)
    identifiers = sizes.copy()
    suspect = sizes > settings.guards.max_merges + 1
    for kind, told in settings.identifiers.items():
        different = different_values(component, graph.values[kind][0], count)
        identifiers += different
        if told.per_person is not None:
            suspect |= different > told.per_person
    suspect |= identifiers > settings.guards.max_identifiers
    for detail in settings.guards.contradictions:
        codes, _ = pd.factorize(graph.records[detail], use_na_sentinel=True)
        suspect |= different_values(component, codes.astype(np.int64), count) > 1
    if decided.apart:
        suspect[component[np.fromiter(decided.apart, np.int64)]] = True
    return suspect


def _weak(component: Positions, links: Links, limits: Limits) -> NDArray[np.bool_]:
    """Whether a link of each component could be too weak for the groups that it joins, however they come about."""
    sizes = np.bincount(component)
    smaller, larger = limits.side_weights
    most = limits.link_weight + smaller * np.log2(np.maximum(sizes / 2, 1)) + larger * np.log2(np.maximum(sizes - 1, 1))
    alike = links.where(links.kind == KINDS.index("match"))
    found = np.zeros(sizes.size, bool)
    found[component[alike.left[alike.weight < most[component[alike.left]]]]] = True
    return found


def _first_groups(graph: Graph, nodes: Positions, decided: Decisions, settings: IdentitySettings) -> dict[int, Group]:
    """Each suspicious record as a group of its own."""
    records = graph.records.iloc[nodes]
    limited = [kind for kind, told in settings.identifiers.items() if told.per_person is not None]
    counts = 1 + records[list(IDENTIFIERS)].notna().sum(axis=1).to_numpy()
    groups = {
        node: Group(records=1, identifiers=int(count), apart=decided.apart.get(node, frozenset()))
        for node, count in zip(nodes.tolist(), counts, strict=True)
    }
    for names, place in ((_TOLD, "details"), (limited, "limited")):
        for name in names:
            held = records[name]
            for node, value in held[held.notna()].items():
                getattr(groups[int(str(node))], place)[name] = frozenset((value,))
    return groups


def _limits(settings: IdentitySettings) -> Limits:
    kinds = settings.identifiers.items()
    return Limits(
        per_person={kind: told.per_person for kind, told in kinds if told.per_person is not None},
        max_merges=settings.guards.max_merges,
        max_identifiers=settings.guards.max_identifiers,
        contradictions=settings.guards.contradictions,
        overruled_weight=settings.guards.overruled_weight,
        link_weight=settings.matching.link_weight,
        side_weights=(settings.guards.smaller_side_weight, settings.guards.larger_side_weight),
    )


def _hub_rows(graph: Graph, group: Positions, linking: dict[str, Positions], judged: pd.DataFrame) -> pd.DataFrame:
    """Values that more persons share than their kind allows."""
    found = []
    for kind, told in graph.settings.identifiers.items():
        codes, values = graph.values[kind]
        held = pd.DataFrame({"code": codes, "group": group})[codes >= 0].drop_duplicates()
        persons = np.bincount(held["code"], minlength=len(values))
        hubs = linking[kind] if kind in linking else np.flatnonzero(persons > told.persons)
        hubs = hubs[values[hubs].isin(judged.loc[judged["namespace"] == kind, "value"])]
        found.append(pd.DataFrame({"namespace": kind, "value": values[hubs], "persons": persons[hubs]}))
    return pd.concat(found, ignore_index=True)
