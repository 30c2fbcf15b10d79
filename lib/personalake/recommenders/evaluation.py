"""Full ranking on a time split: every item competes, none is sampled."""

from dataclasses import dataclass

import numpy as np

from personalake.recommenders.interactions import Floats, History, Ints
from personalake.recommenders.items import ItemTable
from personalake.recommenders.ranking import Ranked


@dataclass(frozen=True)
class Judged:
    """How good lists were, person by person.

    Args:
        people: Places of the persons who bought something that counts.
        metrics: Metric to one value per person.
        coverage: Share of the items ever bought that came up in any list, 0..1.
        mean_people: Mean number of persons who ever bought a listed item; low is adventurous.
    """

    people: Ints
    metrics: dict[str, Floats]
    coverage: float
    mean_people: float

    @property
    def main(self) -> Floats:
        """The metric by which recommenders are compared: nDCG."""
        return next(iter(self.metrics.values()))


@dataclass(frozen=True)
class Measured:
    """One figure with its interval, if it has one."""

    metric: str
    value: float
    low: float | None = None
    high: float | None = None


def judge(lists: Ranked, bought: Ints, history: History, items: ItemTable) -> Judged:
    """Compare lists with what was bought.

    Only people with a history and a purchase that counts are judged. For a list of length k and T purchased items:

    - nDCG@k = Σ hit(r) / log2(r + 1), divided by the same sum for min(k, T) hits at the top
    - precision@k = hits / k; recall@k = hits / T; hit rate = any hit
    - MAP@k = Σ hit(r) · precision@r, divided by min(k, T)

    Items that nobody had bought before the cut count in T, though no list can have them.

    Example: hits at ranks 1 and 3 of 10, T = 2: nDCG = (1 + 1/2) / (1 + 1/log2(3)) = 0.9197, MAP = (1 + 2/3) / 2.

    Args:
        lists: The lists.
        bought: Keys of what was bought, ascending, see `bought_between`.
        history: What was known at the cut.
        items: The items at the cut.
    """
    wanted = np.bincount(bought // history.items, minlength=history.people)
    people = np.intersect1d(np.flatnonzero(wanted > 0), history.active)
    listed, wanted = lists.items[people], wanted[people]
    hits = (listed >= 0) & np.isin(people[:, None] * history.items + listed, bought)
    shown = np.unique(listed[listed >= 0])
    seen = int((items.people > 0).sum())
    mean_people = float(items.people[listed[listed >= 0]].mean()) if len(shown) else 0.0
    return Judged(people, _metrics(hits.astype(np.float64), wanted), len(shown) / max(seen, 1), mean_people)


def new_only(bought: Ints, history: History) -> Ints:
    """Of what was bought, what the person had never bought before."""
    return bought[~np.isin(bought, history.keys)]


def _metrics(hits: Floats, wanted: Ints) -> dict[str, Floats]:
    length = hits.shape[1]
    ranks = np.arange(1, length + 1)
    discounts = 1 / np.log2(ranks + 1)
    reachable = np.minimum(wanted, length)
    found = hits.sum(axis=1)
    return {
        f"ndcg_at_{length}": hits @ discounts / np.cumsum(discounts)[reachable - 1],
        f"recall_at_{length}": found / wanted,
        f"precision_at_{length}": found / length,
        f"map_at_{length}": (hits * np.cumsum(hits, axis=1) / ranks).sum(axis=1) / reachable,
        f"hit_rate_at_{length}": (found > 0).astype(np.float64),
    }


def measured(judged: Judged, rounds: int, seed: int) -> list[Measured]:
    """Means over people with 95 % percentile intervals by bootstrap over people; coverage and popularity as they are."""
    values = np.column_stack(list(judged.metrics.values()))
    means = _resampled(values, rounds, seed)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    found = zip(judged.metrics, values.mean(axis=0), low, high, strict=True)
    figures = [Measured(name, float(value), float(least), float(most)) for name, value, least, most in found]
    return [*figures, Measured("coverage", judged.coverage), Measured("mean_people_per_item", judged.mean_people)]


def difference(better: Floats, worse: Floats, rounds: int, seed: int) -> Measured:
    """Mean paired difference over the same people, with its 95 % bootstrap interval."""
    paired = (better - worse)[:, None]
    low, high = np.percentile(_resampled(paired, rounds, seed), [2.5, 97.5])
    return Measured("difference", float(paired.mean()), float(low), float(high))


def _resampled(values: Floats, rounds: int, seed: int) -> Floats:
    """Column means of resampled people, rounds × columns."""
    chance = np.random.default_rng(seed)
    people = len(values)
    draws = (np.bincount(chance.integers(0, people, people), minlength=people) for _ in range(rounds))
    return np.vstack([draw @ values for draw in draws]) / people
