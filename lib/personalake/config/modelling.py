"""Models: what is predicted, from when, and how hard to search."""

from pydantic import Field, field_validator

from personalake.config.base import Section
from personalake.config.nearest import nearest

SpaceValue = int | float | str
# What may be searched for each candidate: MLlib's parameters of it, those left out that say which columns are read.
_OF_TREES = (
    *("maxDepth", "maxBins", "minInstancesPerNode", "minWeightFractionPerNode", "minInfoGain"),
    *("subsamplingRate", "featureSubsetStrategy"),
)
SEARCHED: dict[str, tuple[str, ...]] = {
    "logistic_regression": ("regParam", "elasticNetParam", "maxIter", "tol", "fitIntercept", "standardization"),
    "random_forest": (*_OF_TREES, "numTrees", "impurity", "bootstrap"),
    "gbt": (*_OF_TREES, "maxIter", "stepSize", "validationTol"),
}


class CandidateSettings(Section):
    """One kind of model and what the search may try."""

    trials: int = Field(1, ge=0, description="Settings to try; 0 leaves the candidate out")
    space: dict[str, tuple[SpaceValue, ...]] = Field(
        description="MLlib parameter: the values it may take, the first one first"
    )


class ChurnSettings(Section):
    """How the churn model learns."""

    purpose: str = Field("personalisation", min_length=1, description="Who does not grant it is not scored")
    training_purpose: str | None = Field(
        None, description="Who does not grant it, too, is not learnt from; only `purpose` if null"
    )
    horizon_days: int = Field(28, ge=1, description="Length of the label window, days: churned = no purchase within it")
    first_months_back: int = Field(6, ge=2, description="Earliest training as-of, in months before the test as-of")
    last_months_back: int = Field(2, ge=1, description="Latest training as-of, in months before the test as-of")
    minimum_of_each: int = Field(100, ge=1, description="Fewest churned and fewest staying people to learn from")
    history_windows: int = Field(3, ge=1, description="Least history before the test as-of, in label windows")
    active_days: int = Field(60, ge=1, description="People who bought within so many days are also measured apart")
    bootstraps: int = Field(200, ge=20, description="Resamples for 95 % intervals")
    smallest_group: int = Field(
        50, ge=2, description="Fewest people of a group of a protected attribute for which a model is measured apart"
    )
    echo_auc: float = Field(
        0.97,
        gt=0.5,
        le=1,
        description="ROC-AUC of a single feature from which it is taken for one that knows the answer: such a model is "
        "kept, but does not become champion",
    )
    reasons: int = Field(4, ge=1, le=7, description="Strongest reasons kept with a prediction")
    partitions: int = Field(2, ge=1, description="Partitions of the training rows; near the core count, grow with the data")
    candidates: dict[str, CandidateSettings] = Field(
        default_factory=lambda: {
            "logistic_regression": CandidateSettings(trials=2, space={"regParam": (0.003, 0.01, 0.001)}),
            "random_forest": CandidateSettings(trials=2, space={"maxDepth": (6, 5), "numTrees": (60, 40)}),
            "gbt": CandidateSettings(trials=2, space={"maxIter": (15, 10), "maxDepth": (3, 2), "stepSize": (0.2, 0.15)}),
        },
        description="What competes: logistic_regression, random_forest, gbt",
    )

    @field_validator("candidates")
    @classmethod
    def _known_candidates(cls, candidates: dict[str, CandidateSettings]) -> dict[str, CandidateSettings]:
        for kind, candidate in candidates.items():
            if kind not in SEARCHED:
                raise ValueError(f"no candidate {kind!r}; {nearest(kind, SEARCHED)}")
            unknown = [name for name in candidate.space if name not in SEARCHED[kind]]
            if unknown:
                raise ValueError(f"{kind} has no parameter {unknown[0]}; {nearest(unknown[0], SEARCHED[kind])}")
            empty = [name for name, values in candidate.space.items() if not values]
            if empty:
                raise ValueError(f"{kind}.space.{empty[0]}: name one value at least")
        return candidates

    @property
    def training_purposes(self) -> tuple[str, ...]:
        """What a person must grant to be learnt from."""
        return tuple(sorted({self.purpose, self.training_purpose or self.purpose}))


class ModelSettings(Section):
    """conf/models.yml."""

    seed: int = Field(17, description="Seed of every random choice in training")
    churn: ChurnSettings = ChurnSettings()
