"""Recommenders: how items are ranked for each person, and how hard to try."""

from pydantic import Field

from personalake.config.base import Section


class RecipeSettings(Section):
    """What a registered recommender needs to know to rank; it is kept beside the model."""

    list_length: int = Field(10, ge=1, le=100, description="Items in one list")
    half_life_days: float = Field(84, gt=0, description="Age at which an order counts half, days")
    short_half_life_days: float = Field(28, gt=0, description="The same for what somebody buys lately, days")
    popular_days: int = Field(56, ge=1, description="A person counts for an item's popularity for so long, days")
    trend_days: int = Field(28, ge=1, description="The same for the latest popularity, days")
    own_candidates: int = Field(60, ge=1, description="A person's own items that are ranked, the most bought lately first")
    new_candidates: int = Field(500, ge=1, description="Items new to a person that are ranked, the most popular first")
    neighbour_items: int = Field(1000, ge=1, description="Most popular items among which relations are learnt")
    neighbour_strength: float = Field(500, gt=0, description="Ridge penalty of the item-item weights; more is smoother")
    affinity_strength: float = Field(5, gt=0, description="Orders' worth of the average taste mixed into each person's")


class AlsSettings(Section):
    """MLlib's implicit ALS, the matrix factorisation candidate."""

    rank: int = Field(8, ge=1, description="Number of factors")
    iterations: int = Field(5, ge=1, description="Alternations")
    alpha: float = Field(1.0, gt=0, description="Confidence gained by one purchase")
    regularisation: float = Field(0.1, gt=0, description="Penalty on the factors")
    min_people: int = Field(30, ge=1, description="Items bought by fewer people are left out")


class RecommenderSettings(Section):
    """conf/recommender.yml."""

    purpose: str = Field("personalisation", min_length=1, description="Who does not grant it has no lists")
    training_purpose: str | None = Field(
        None, description="Who does not grant it, too, is not learnt from; only `purpose` if null"
    )
    seed: int = Field(17, description="Seed of every random choice in training")
    recipe: RecipeSettings = RecipeSettings()
    als: AlsSettings = AlsSettings()
    label_days: int = Field(28, ge=1, description="Purchases of so many days after a cut are what is to be ranked high")
    bootstrap_rounds: int = Field(1000, ge=20, description="Resamples of people behind each interval")
    min_people: int = Field(20, ge=1, description="People that a test needs; with fewer, popularity serves")
    max_interactions: int = Field(
        20_000_000, ge=1, description="Order lines that training takes to the driver; beyond it, a keyed sample of people"
    )
    driver_interactions: int = Field(
        3_000_000, ge=0, description="Order lines up to which lists are made on the driver; beyond it, by Spark in batches"
    )
    batch_interactions: int = Field(200_000, ge=1, description="Order lines in one of Spark's batches, about")

    @property
    def training_purposes(self) -> tuple[str, ...]:
        """What a person must grant to be learnt from."""
        return tuple(sorted({self.purpose, self.training_purpose or self.purpose}))
