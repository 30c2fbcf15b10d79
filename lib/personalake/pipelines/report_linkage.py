"""Reads what the report tells about persons and their records; no identifier leaves the tables."""

import numpy as np

from personalake.config import Settings
from personalake.identity.explanation import threshold_choice
from personalake.lake import Ledger
from personalake.pipelines.match_models import latest_model
from personalake.reports.data import Linkage
from personalake.tables.identity import IDENTITY_GUARD, MATCH_EDGE, PERSON, PERSON_CHANGE

_CUTS = (-2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 10.0)


def linkage_of(settings: Settings, ledger: Ledger) -> Linkage | None:
    """How records became persons; None where none did."""
    if not ledger.rows(PERSON):
        return None
    matching = settings.identity.matching
    model = latest_model(ledger, settings.identity)
    levels = model.levels if model else {}
    weights = np.asarray(ledger.arrow(MATCH_EDGE, ["match_weight"])["match_weight"].to_numpy(), np.float64)
    cuts = threshold_choice(weights.tolist(), sorted({*_CUTS, matching.link_weight})) if levels else []
    return Linkage(
        persons=ledger.arrow(PERSON, ["records", "weakest_link"]).to_pandas(),
        guards=ledger.read(IDENTITY_GUARD, ["guard", "namespace", "links", "persons"]),
        changes=ledger.read(PERSON_CHANGE, ["kind", "identifiers"]),
        weights={name: {level.label: level.weight for level in found} for name, found in levels.items()},
        cuts=[{"weight": c.weight, "pairs": c.pairs, "precision": c.precision, "recall": c.recall} for c in cuts],
        link_weight=matching.link_weight,
    )
