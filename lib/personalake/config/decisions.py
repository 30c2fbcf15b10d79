"""Rules: what should be done for whom."""

from pydantic import Field, field_validator

from personalake.config.base import Section
from personalake.config.sql import check_expression


class Rule(Section):
    """One rule: the first whose condition holds decides."""

    name: str = Field(description="Name of the rule, shown in the decision")
    when: str = Field(description="Spark SQL over a person's profile, segment, prediction and recommendation")
    action: str = Field(description="What to do, e.g. win_back_coupon")
    channel: str = Field(description="Channel to use, e.g. email")
    purpose: str = Field(description="Consent purpose that the action needs")
    offer: str = Field("none", pattern="^(none|favourite_category|next_best_item)$", description="What is offered")
    reason: str = Field(description="Why, in words that a marketer would write; {placeholders} name columns")

    @field_validator("when")
    @classmethod
    def _parses(cls, when: str) -> str:
        check_expression(when)
        return when


class Holdout(Section):
    """People who are left alone so that the effect of acting can be measured."""

    share: float = Field(0.05, ge=0, le=1, description="Share of people held out, 0..1")
    salt: str = Field("holdout-1", min_length=1, description="Key of the hash that chooses them; a new key, new people")


class DecisionSettings(Section):
    """conf/rules.yml."""

    rules: tuple[Rule, ...] = Field((), description="Tried in order; the first whose condition holds decides")
    holdout: Holdout = Holdout()
