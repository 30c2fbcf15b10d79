"""Models: what is predicted, from when, and how hard to search."""

from pydantic import Field

from personalake.config.base import Section


class ModelSettings(Section):
    """conf/models.yml."""

    seed: int = Field(17, description="Seed of every random choice in training")
