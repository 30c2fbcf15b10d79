"""A short seeded search over settings; hyperopt's TPE behind one function."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Params = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """One point of the search.

    Args:
        params: The settings tried.
        score: What they reached; greater is better.
    """

    params: Params
    score: float


def search(
    objective: Callable[[Params], float],
    space: Mapping[str, Sequence[Any]],
    trials: int,
    seed: int,
    first: Params | None = None,
) -> list[Trial]:
    """Try settings, each at most once, best first.

    Tree-structured Parzen estimator (Bergstra et al. 2011), after `first`; with a handful of trials it is close to a
    random search. Trials run one after the other, since objectives use Spark themselves.

    Args:
        objective: From settings to a score; greater is better.
        space: Setting to the values it may take.
        trials: How many points to try; never more than there are.
        seed: Seed of the search.
        first: The point to begin with, e.g. what worked before.

    Returns:
        Distinct trials, best first; ties in the order in which they were tried.
    """
    import numpy as np
    from hyperopt import fmin, hp, tpe

    logging.getLogger("hyperopt").setLevel(logging.WARNING)
    tried: dict[str, Trial] = {}

    def loss(params: Params) -> float:
        key = json.dumps(params, sort_keys=True)
        if key not in tried:
            tried[key] = Trial(dict(params), float(objective(dict(params))))
        return -tried[key].score

    names = sorted(space)
    points = 1
    for name in names:
        points *= len(space[name])
    start = [{name: list(space[name]).index(first[name]) for name in names}] if first else None
    fmin(
        loss,
        {name: hp.choice(name, list(space[name])) for name in names},
        algo=tpe.suggest,
        max_evals=min(trials, points),
        points_to_evaluate=start,
        rstate=np.random.default_rng(seed),
        show_progressbar=False,
        verbose=False,
    )
    return sorted(tried.values(), key=lambda trial: -trial.score)
