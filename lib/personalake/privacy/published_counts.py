"""Counts that may be shown to anyone: noise by OpenDP, small cells left out, a budget that runs out.

Each person is in one cell of a publication, so that one person more or less changes one count by one. Discrete Laplace noise
of scale 1/epsilon then gives (epsilon, delta) differential privacy, where delta is the chance that a cell of one person
passes the threshold. Both add up over publications (basic composition), and each has a budget. Small cells are judged by
the noisy count: judging by the true one would tell something of it.

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


@dataclass(frozen=True)
class Budget:
    """What may be spent, or what is asked for.

    Args:
        epsilon: Of pure differential privacy.
        delta: Of chances that a cell of one person is shown.
    """

    epsilon: float
    delta: float

    def covers(self, price: "Budget") -> bool:
        """Whether a price can be paid of it, rounding aside."""
        return price.epsilon <= self.epsilon + 1e-9 and price.delta <= self.delta * (1 + 1e-9)

    def after(self, price: "Budget") -> "Budget":
        """What is left."""
        return Budget(self.epsilon - price.epsilon, self.delta - price.delta)


def price_of(epsilon: float, minimum_cell: int) -> Budget:
    """What counts with so much noise cost, whatever is counted.

    Args:
        epsilon: What they may cost; the smaller, the more noise, and the greater delta.
        minimum_cell: Fewest persons of a cell, noise included; the greater, the smaller delta.

    Raises:
        InputError: If epsilon is not above 0.
        EnvironmentProblem: If OpenDP is not installed.
    """
    return Budget(epsilon, _mechanism(epsilon, minimum_cell).map((1, 1, 1))[1])


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
    mechanism = _mechanism(epsilon, minimum_cell)
    _, delta = mechanism.map((1, 1, 1))
    noisy: dict[str, int] = mechanism({json.dumps(cell): persons for cell, persons in counts.items()})
    shown = {tuple(json.loads(cell)): persons for cell, persons in noisy.items() if persons >= minimum_cell}
    accuracy = _opendp().discrete_laplacian_scale_to_accuracy(1 / epsilon, 1 - CONFIDENCE)
    return Publication(dict(sorted(shown.items())), epsilon, delta, accuracy)


def budget_left(ledger: Iterable[Mapping[str, Any]], now: datetime, settings: PublishingSettings) -> Budget:
    """What may still be spent: prices add up, whatever table was counted, since all tables tell of the same persons.

    Args:
        ledger: Rows of `gold.privacy_budget`.
        now: The moment; what was spent a period before it no longer counts.
        settings: Budget and period.
    """
    since = now - timedelta(days=settings.period_days)
    recent = [row for row in ledger if row["spent_at"] > since]
    spent = Budget(sum(row["epsilon"] for row in recent), sum(row["delta"] for row in recent))
    return Budget(settings.budget, settings.delta_budget).after(spent)


def is_overdrawn(left: Budget, settings: PublishingSettings) -> bool:
    """Whether more was charged than there was, rounding aside.

    >>> is_overdrawn(Budget(0.0, -1e-20), PublishingSettings()), is_overdrawn(Budget(0.0, -1e-9), PublishingSettings())
    (False, True)
    """
    return left.epsilon < -1e-9 or left.delta < -1e-9 * settings.delta_budget


def _mechanism(epsilon: float, minimum_cell: int) -> Any:
    if not epsilon > 0:
        raise InputError(f"epsilon is {epsilon}; expected a number above 0.", "0.1 to 1 are usual.")
    dp = _opendp()
    space = (
        dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T=int)),
        dp.l01inf_distance(dp.absolute_distance(T=int)),
    )
    return dp.m.make_laplace_threshold(*space, scale=1 / epsilon, threshold=minimum_cell)


def _opendp() -> Any:
    try:
        import opendp.prelude as dp
    except ImportError as error:
        raise EnvironmentProblem("OpenDP is not installed.", "pip install 'personalake[publishing]'") from error
    dp.enable_features("contrib")
    return dp
