"""Why two records are one person's, or not; what holds a person together; what the model believes, and where to cut."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from personalake.config.identity import IdentitySettings, MatchSettings
from personalake.identity.bridges import spanning_links
from personalake.identity.comparisons import compared_columns
from personalake.identity.duck import RECORD, database, frequency_table, lay_out
from personalake.identity.graph import KINDS
from personalake.identity.match_model import MatchModel
from personalake.identity.resolution import resolve

PRIOR, MISSING = "prior", "missing"


@dataclass(frozen=True)
class Step:
    """What one comparison says about a pair.

    Args:
        comparison: Its name; `prior` for what is believed of any two records.
        level: How the values agree, in words.
        weight: What it adds to the match weight, bits.
        total: The match weight so far, bits.
    """

    comparison: str
    level: str
    weight: float
    total: float


def explain_pair(
    model: MatchModel, left: Mapping[str, Any], right: Mapping[str, Any], settings: MatchSettings
) -> list[Step]:
    """The waterfall of a pair: from the prior to the match weight, comparison by comparison.

    Args:
        model: The match model.
        left: A row of `silver.match_record`.
        right: Another one.
        settings: The comparisons that the model was trained for.
    """
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    columns = [RECORD, *compared_columns(settings.comparisons)]
    told = pa.schema([(name, pa.string()) for name in columns] + [("blocking_keys", pa.list_(pa.int64()))])
    nothing: dict[str, Any] = {"blocking_keys": [None] * len(settings.blocking)}
    with database(settings) as opened:
        for name, row in (("left_record", left), ("right_record", right)):
            lay_out(opened, name, pa.Table.from_pylist([{**{c: row.get(c) for c in columns}, **nothing}], told), settings)
        api = DuckDBAPI(opened)
        one, other = api.register("left_record"), api.register("right_record")
        linker = Linker(one, {**model.splink, "retain_matching_columns": True}, log_level=logging.ERROR)
        for column, shares in model.frequencies.items():
            looked_up = api.register(frequency_table(column, shares))
            linker.table_management.register_term_frequency_lookup(looked_up, column)
        pair = linker.inference.predict_between(
            one, other, blocking_rules_to_generate_predictions=["1 = 1"], warning_mode="never"
        )
        scored = opened.sql(f"FROM {pair.physical_name}").to_arrow_table().to_pylist()[0]
    return _waterfall(model, scored)


def _waterfall(model: MatchModel, scored: Mapping[str, Any]) -> list[Step]:
    prior = float(np.log2(model.prior / (1 - model.prior)))
    steps = [Step(PRIOR, "any two records", round(prior, 3), round(prior, 3))]
    for name, levels in model.levels.items():
        # Splink numbers levels from the last one, which is 0; -1 is a missing value.
        place = int(scored[f"gamma_{name}"])
        weight = float(scored[f"mw_{name}"]) + float(scored.get(f"mw_tf_adj_{name}") or 0)
        label = MISSING if place < 0 else levels[len(levels) - 1 - place].label
        steps.append(Step(name, label, round(weight, 3), round(steps[-1].total + weight, 3)))
    return steps


@dataclass(frozen=True)
class Bridge:
    """A link that holds a person together.

    Args:
        left_key: One record.
        right_key: The other one.
        kind: What it is: always, account, identifier, match, sole_user.
        match_weight: Bits; None for a link that needs no likeness.
    """

    left_key: str
    right_key: str
    kind: str
    match_weight: float | None


def explain_person(
    records: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]], settings: IdentitySettings
) -> list[Bridge]:
    """The links without which a person would fall apart, the weakest first.

    Args:
        records: The person's rows of `silver.match_record`.
        edges: Rows of `silver.match_edge` between them.
        settings: Which identifiers link, and from which weight a pair does.
    """
    pairs = pd.DataFrame([dict(row) for row in edges], columns=["left_key", "right_key", "match_weight"])
    found = resolve(pd.DataFrame([dict(row) for row in records]), pairs, settings)
    bridges = spanning_links(found.graph.size, found.links)
    match = KINDS.index("match")
    told = [
        Bridge(found.graph.keys[left], found.graph.keys[right], KINDS[kind], weight if kind == match else None)
        for left, right, weight, kind in zip(
            bridges.left.tolist(), bridges.right.tolist(), bridges.weight.tolist(), bridges.kind.tolist(), strict=True
        )
    ]
    return sorted(told, key=lambda each: (each.match_weight is None, each.match_weight or 0.0, each.left_key))


@dataclass(frozen=True)
class Cut:
    """What a threshold would mean.

    Args:
        weight: Match weight from which a pair is a link, bits.
        pairs: Pairs at or above it.
        precision: Share of them that are matches.
        recall: Share of the matches among all kept pairs that are at or above it.
    """

    weight: float
    pairs: int
    precision: float
    recall: float


def threshold_choice(
    match_weights: Sequence[float], cuts: Sequence[float], is_match: Sequence[bool] | None = None
) -> list[Cut]:
    """Precision and recall of each threshold: measured where the truth is known, else as the model expects them.

    Args:
        match_weights: Match weights of the kept pairs, bits.
        cuts: Thresholds to try.
        is_match: Whether each pair is one person's; by default a pair counts by its match probability, 1/(1 + 2^-weight).

    >>> [(cut.pairs, cut.precision, cut.recall) for cut in threshold_choice([9, 4, 1], [2], [True, False, True])]
    [(2, 0.5, 0.5)]
    """
    weights = np.asarray(match_weights, np.float64)
    right = 1 / (1 + np.exp2(-weights)) if is_match is None else np.asarray(is_match, np.float64)
    found = []
    for cut in cuts:
        above = weights >= cut
        held, total = float(right[above].sum()), float(right.sum())
        pairs = int(above.sum())
        found.append(Cut(cut, pairs, held / pairs if pairs else 1.0, held / total if total else 1.0))
    return found
