"""Counts that may be shown to anyone: noise by OpenDP, small cells left out, a budget that runs out.

Each person is in one cell of a publication, so that one person more or less changes one count by one. Discrete Laplace noise
of scale 1/epsilon then gives (epsilon, delta) differential privacy, where delta is the chance that a cell of one person
passes the threshold. Small cells are judged by the noisy count: judging by the true one would tell something of it.

Source: Dwork and Roth, The Algorithmic Foundations of Differential Privacy (2014); Canonne, Kamath and Steinke (2020).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from personalake.config.privacy import PublishingSettings
from personalake.errors import EnvironmentProblem, InputError

CONFIDENCE = 0.95
Cell = tuple[str, ...]


@dataclass(frozen=True)
class Publication:
    """Noisy counts, and what is known about their noise.

    Args:
        counts: Cell to persons, with noise; cells below the minimum are not there.
        epsilon: What it costs.
        delta: Chance that a cell of a single person is shown.
        accuracy: No count is off by as much as this, with a probability of 95 %.
    """

    counts: Mapping[Cell, int]
    epsilon: float
    delta: float
    accuracy: float


def noisy_counts(counts: Mapping[Cell, int], epsilon: float, minimum_cell: int) -> Publication:
    """Counts with noise, without the small ones.

    Args:
        counts: Cell to persons; each person is in one cell only.
        epsilon: What the publication may cost; the smaller, the more noise.
        minimum_cell: Fewest persons of a cell, noise included.

    Raises:
        InputError: If epsilon is not above 0.
        EnvironmentProblem: If OpenDP is not installed.
    """
    if not epsilon > 0:
        raise InputError(f"epsilon is {epsilon}; expected a number above 0.", "0.1 to 1 are usual.")
    dp = _opendp()
    space = (
        dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T=int)),
        dp.l01inf_distance(dp.absolute_distance(T=int)),
    )
    scale = 1 / epsilon
    mechanism = dp.m.make_laplace_threshold(*space, scale=scale, threshold=minimum_cell)
    _, delta = mechanism.map((1, 1, 1))
    noisy: dict[str, int] = mechanism({json.dumps(cell): persons for cell, persons in counts.items()})
    shown = {tuple(json.loads(cell)): persons for cell, persons in noisy.items() if persons >= minimum_cell}
    accuracy = dp.discrete_laplacian_scale_to_accuracy(scale, 1 - CONFIDENCE)
    return Publication(dict(sorted(shown.items())), epsilon, delta, accuracy)


def budget_left(ledger: Iterable[Mapping[str, Any]], now: datetime, settings: PublishingSettings) -> float:
    """What may still be spent: epsilons add up, whatever table was counted, since all tables tell of the same persons.

    Args:
        ledger: Rows of `gold.privacy_budget`.
        now: The moment; what was spent a period before it no longer counts.
        settings: Budget and period.
    """
    since = now - timedelta(days=settings.period_days)
    spent = sum(row["epsilon"] for row in ledger if row["spent_at"] > since)
    return float(settings.budget - spent)


def _opendp() -> Any:
    try:
        import opendp.prelude as dp
    except ImportError as error:
        raise EnvironmentProblem("OpenDP is not installed.", "pip install 'personalake[publishing]'") from error
    dp.enable_features("contrib")
    return dp
