"""What guards refused, as rows that a person can read: hubs, refused links, decisions that contradict each other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from personalake.identity.blocking import RulePairs
from personalake.identity.resolution import Resolution

EVENTS = pa.schema(
    {
        "guard": pa.string(),
        "namespace": pa.string(),
        "value": pa.string(),
        "links": pa.int64(),
        "persons": pa.int64(),
        "match_weight": pa.float64(),
    }
)
# One popular value can make a million refusals; the strongest of each guard are told one by one, all are counted.
MOST_TOLD = 1_000
PAIR, OVERRIDE, BLOCKING = "pair", "override", "blocking"
UNKNOWN = "override_unknown"
_FIRST_LIKENESS_WEIGHT = 900.0


def guard_events(resolution: Resolution, rules: Sequence[RulePairs] = ()) -> pa.Table:
    """Rows of `silver.identity_guard` for one resolution.

    Args:
        resolution: Who is who, with what was refused.
        rules: What blocking compared, and which keys it left out.
    """
    rows = [*_hubs(resolution), *_refusals(resolution), *_decisions(resolution), *_oversized(rules)]
    return pa.Table.from_pylist(rows, EVENTS)


def _row(
    guard: str, namespace: str, value: str | None, links: int, persons: int | None = None, weight: float | None = None
) -> dict[str, object]:
    told = {"guard": guard, "namespace": namespace, "value": value}
    return {**told, "links": links, "persons": persons, "match_weight": weight}


def _hubs(resolution: Resolution) -> Iterable[dict[str, object]]:
    for hub in resolution.hubs.itertuples():
        yield _row("hub", str(hub.namespace), str(hub.value), int(str(hub.persons)), int(str(hub.persons)))


def _refusals(resolution: Resolution) -> Iterable[dict[str, object]]:
    refused = pd.DataFrame(
        [(each.guard, each.left, each.right, each.weight) for each in resolution.refusals],
        columns=["guard", "left", "right", "weight"],
    )
    for guard, links in refused.groupby("guard", sort=True):
        strongest = links.nlargest(MOST_TOLD, "weight")
        for link in strongest.itertuples(index=False):
            places = [int(str(link.left)), int(str(link.right))]
            pair = " ".join(sorted(resolution.graph.keys[places]))
            weight = float(str(link.weight))
            yield _row(str(guard), PAIR, pair, 1, 2, weight if weight < _FIRST_LIKENESS_WEIGHT else None)
        if len(links) > MOST_TOLD:
            yield _row(str(guard), PAIR, None, len(links) - MOST_TOLD)


def _decisions(resolution: Resolution) -> Iterable[dict[str, object]]:
    for pair in resolution.decisions.conflicts:
        yield _row("override_conflict", OVERRIDE, pair, 1)
    for identifier in resolution.decisions.unknown:
        yield _row(UNKNOWN, OVERRIDE, identifier, 0)


def _oversized(rules: Sequence[RulePairs]) -> Iterable[dict[str, object]]:
    for rule in rules:
        if rule.oversized_keys:
            yield _row("oversized_key", BLOCKING, rule.rule, rule.pairs_avoided)


def merged_events(
    told: pa.Table, before: Sequence[Mapping[str, Any]], resolution: Resolution, gone: Sequence[str]
) -> pa.Table:
    """What guards refused in all, after a run that looked at a part of the records.

    Args:
        told: Rows of `guard_events` of that part.
        before: Rows of `silver.identity_guard` before.
        resolution: Who is who in that part.
        gone: Keys of records that are no longer there.
    """
    records = {*resolution.graph.keys[~resolution.is_settled], *gone}
    told_before = {text for row in before for text in (str(row["value"]), str(row["value"]).partition(":")[2])}
    known = resolution.judged[resolution.judged["value"].isin(told_before)]
    judged = set(zip(known["namespace"], known["value"], strict=True))
    rows = [row for row in told.to_pylist() if row["guard"] != UNKNOWN]
    blocked = {row["value"] for row in rows if row["namespace"] == BLOCKING}
    for row in before:
        namespace, value = str(row["namespace"]), str(row["value"])
        is_over = {
            PAIR: bool(records & set(value.split(" "))),
            OVERRIDE: tuple(value.split(":", 1)) in judged,
            BLOCKING: value in blocked,
        }.get(namespace, (namespace, value) in judged)
        if not is_over:
            rows.append(dict(row))
    unique = {(row["guard"], row["namespace"], row["value"]): row for row in reversed(rows)}
    return pa.Table.from_pylist(list(unique.values()), EVENTS)
