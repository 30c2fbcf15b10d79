"""What a registered recommender needs to know to rank; plain values, so that a server needs no settings."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How candidates and features are made; meaning, unit and default of each are in `config/recommending.py`.

    The names are those of `RecipeSettings`, whose values fill it: `Recipe(**settings.recipe.model_dump())`.
    """

    list_length: int
    half_life_days: float
    short_half_life_days: float
    popular_days: int
    trend_days: int
    own_candidates: int
    new_candidates: int
    neighbour_items: int
    neighbour_strength: float
    affinity_strength: float
