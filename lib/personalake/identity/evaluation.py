"""How right a resolution is, where the persons are known: pairwise and B-cubed precision, recall and F1."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Rightness:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """2·precision·recall / (precision + recall); 0 if both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def pairwise(found: pd.Series, actual: pd.Series) -> Rightness:
    """Over pairs of records: precision is the share of pairs put together that belong together.

    Args:
        found: The group that each record was put into.
        actual: The person whose each record is, in the same order.

    >>> pairwise(pd.Series([1, 1, 2, 2]), pd.Series(["a", "a", "a", "b"]))
    Rightness(precision=0.5, recall=0.3333333333333333)
    """
    both = pd.DataFrame({"found": found.to_numpy(), "actual": actual.to_numpy()})
    together, put, belonging = (_pairs(both, names) for names in (["found", "actual"], ["found"], ["actual"]))
    return Rightness(together / put if put else 1.0, together / belonging if belonging else 1.0)


def b_cubed(found: pd.Series, actual: pd.Series) -> Rightness:
    """Over records (Bagga and Baldwin 1998): the mean share of a record's group that is its person's, and of its person
    that is in its group.

    >>> b_cubed(pd.Series([1, 1, 2, 2]), pd.Series(["a", "a", "a", "b"]))
    Rightness(precision=0.75, recall=0.6666666666666666)
    """
    both = pd.DataFrame({"found": found.to_numpy(), "actual": actual.to_numpy()})
    shared = both.groupby(["found", "actual"], sort=False).size().rename("n").reset_index()
    of_group = shared.groupby("found")["n"].transform("sum")
    of_person = shared.groupby("actual")["n"].transform("sum")
    squares = shared["n"] ** 2
    return Rightness(float((squares / of_group).sum() / len(both)), float((squares / of_person).sum() / len(both)))


def _pairs(rows: pd.DataFrame, names: list[str]) -> int:
    sizes = rows.groupby(names, sort=False).size()
    return int((sizes * (sizes - 1) // 2).sum())
