"""A recipe with the defaults of the settings, but for what a test says."""

from personalake.config.recommending import RecipeSettings
from personalake.recommenders.recipe import Recipe


def recipe(**changes: float) -> Recipe:
    """The recipe."""
    return Recipe(**RecipeSettings(**changes).model_dump())
