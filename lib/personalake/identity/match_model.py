"""The trained model of a match as plain data: one frozen file, the same for DuckDB and for Spark."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EQUAL = "equal"
# A level that training saw too seldom says nothing for or against a pair.
_UNSEEN = 0.01
# What never happened in training may still happen: no level weighs more than this many bits against a match.
_LEAST_M = 1e-5
_LEAST_U = 1e-9


@dataclass(frozen=True)
class Level:
    """One level of a comparison.

    Args:
        label: What it means, in words.
        m: Probability of the level among pairs that match.
        u: Probability of the level among pairs that do not.
    """

    label: str
    m: float
    u: float

    @property
    def weight(self) -> float:
        """Match weight, bits: log2(m / u).

        >>> Level("equal", 0.8, 0.1).weight
        3.0
        """
        return math.log2(self.m / self.u)


@dataclass(frozen=True)
class MatchModel:
    """A trained model (Fellegi and Sunter 1969, by Splink).

    Args:
        splink: Splink's settings with the trained probabilities.
        frequencies: Column: the share of records that hold each frequent value.
        household_share: Share of evidently two persons among pairs of one address, see `households`; None if unknown.
    """

    splink: Mapping[str, Any]
    frequencies: Mapping[str, Mapping[str, float]]
    household_share: float | None = None

    @property
    def prior(self) -> float:
        """Probability that two random records match."""
        return float(self.splink["probability_two_random_records_match"])

    @property
    def levels(self) -> dict[str, list[Level]]:
        """The levels of each comparison, the strongest agreement first."""
        return {
            comparison["output_column_name"]: [
                Level(level["label_for_charts"], level["m_probability"], level["u_probability"])
                for level in comparison["comparison_levels"]
                if not level.get("is_null_level")
            ]
            for comparison in self.splink["comparisons"]
        }

    @property
    def version(self) -> str:
        """Twelve hex digits of a hash over everything in it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """The model as the text of its file."""
        told = {"splink": self.splink, "frequencies": self.frequencies}
        # A model that was trained before this was asked keeps its text, and so its version.
        known = {} if self.household_share is None else {"household_share": self.household_share}
        return json.dumps({**told, **known}, sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "MatchModel":
        """The model that a file holds."""
        read = json.loads(text)
        return cls(read["splink"], read["frequencies"], read.get("household_share"))


def settled(splink: Mapping[str, Any], random_pairs: int, coincidences: Mapping[str, float]) -> dict[str, Any]:
    """Splink's trained settings made fit for use: every level has both probabilities, none of them absurd.

    Args:
        splink: What `save_model_to_json` of a linker gives.
        random_pairs: Pairs from which chance agreement was estimated; what none of them showed is rarer than that.
        coincidences: Comparison: chance agreement of its `equal` level, where that is known better than from random pairs.
    """
    rarest = 1 / random_pairs
    comparisons = [
        {
            **each,
            "comparison_levels": [
                _settled_level(level, rarest, coincidences.get(each["output_column_name"]))
                for level in each["comparison_levels"]
            ],
        }
        for each in splink["comparisons"]
    ]
    return {**splink, "comparisons": comparisons}


def _settled_level(level: Mapping[str, Any], rarest: float, coincidence: float | None) -> dict[str, Any]:
    if level.get("is_null_level"):
        return dict(level)
    m, u = level.get("m_probability"), level.get("u_probability") or rarest
    if m is None:
        return {**level, "m_probability": _UNSEEN, "u_probability": _UNSEEN}
    if coincidence is not None and level["label_for_charts"] == EQUAL:
        u = max(coincidence, _LEAST_U)
    return {**level, "m_probability": _rounded(max(m, _LEAST_M)), "u_probability": _rounded(u)}


def _rounded(probability: float) -> float:
    """Six digits that count: sums of many threads differ in the last ones."""
    return float(f"{probability:.6g}")
