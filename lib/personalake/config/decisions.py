"""Rules: what should be done for whom."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Section
from personalake.config.nearest import nearest
from personalake.config.sql import check_row_condition
from personalake.tables.gold import CUSTOMER_PROFILE

# What rules may read, and what each means; `decisions.candidates` gives exactly these.
DECISION_COLUMNS: dict[str, str] = {
    "person_id": "the resolved human",
    "first_order_date": "day of the first order",
    "last_order_date": "day of the latest order",
    "days_since_last_order": "days from the latest order to the as-of",
    "orders": "orders so far",
    "order_lines": "order lines so far",
    "spend": "paid so far, returns deducted, in currency",
    "currency": "ISO 4217 code of the amounts",
    "average_order_value": "spend by orders",
    "days_between_orders": "mean days between days with an order",
    "favourite_category": "category with most orders",
    "favourite_store_id": "shop with most orders",
    "discount_share": "discounts by undiscounted spend, 0..1",
    "coupons_redeemed": "coupons redeemed so far",
    "age_band": "age group",
    "income_band": "income group",
    "household_size": "persons in the household",
    "kids_count": "children in the household",
    "lifecycle_stage": "prospect, new, active, at_risk, lapsed or reactivated",
    "region": "region of most visits to web shop or app",
    "preferences": "what the person wishes, by name, e.g. preferences['language']",
    "rfm_segment": "named RFM segment",
    "kmeans_segment": "name of the cluster",
    "churn_probability": "calibrated probability of leaving, 0..1",
    "churn_percentile": "share of people with a lower or equal probability of leaving, 0..1",
    "churn_reason": "strongest reason for that probability, in words",
    "next_best_item": "product ranked first over all items",
    "next_best_item_name": "its name, or its id where the catalog has none",
    "next_best_item_reason": "why it is first, in words",
    "next_new_item": "product ranked first among those never bought",
    "next_new_item_name": "its name, or its id where the catalog has none",
    "next_new_item_reason": "why it is first, in words",
}
# Columns of DECISION_COLUMNS that are no text, beside the shares and what the profile has.
_TYPES = {"days_since_last_order": "int"}
SHARES = ("discount_share", "churn_probability", "churn_percentile")
_PROFILE = {field.name: field.type for field in CUSTOMER_PROFILE.fields}
DECISION_TYPES: dict[str, str] = {
    name: "double" if name in SHARES else _TYPES.get(name, _PROFILE.get(name, "string")) for name in DECISION_COLUMNS
}
PLACEHOLDER = re.compile(r"\{(\w*)\}")


class Rule(Section):
    """One rule: the first that applies decides. A rule whose offer is not known for a person does not apply."""

    name: str = Field(min_length=1, description="Name of the rule, shown in the decision")
    when: str = Field(description="Spark SQL over a person's profile, segment, prediction and recommendation")
    action: str = Field(min_length=1, description="What to do, e.g. win_back_coupon")
    channel: str = Field(min_length=1, description="Channel to use, e.g. email")
    purpose: str = Field(min_length=1, description="Consent purpose that the action needs, beside personalisation")
    offer: Literal["none", "favourite_category", "next_best_item", "next_new_item"] = Field(
        "none", description="What is offered"
    )
    template: str | None = Field(
        None, description="Template in conf/templates/ in which the person is told; none by default"
    )
    reason: str = Field(min_length=1, description="Why, in words that a marketer would write; {placeholders} name columns")

    @model_validator(mode="after")
    def _reads_known_columns(self) -> "Rule":
        problems = []
        try:
            check_row_condition(self.when, DECISION_TYPES)
        except ValueError as error:
            problems.append(f"when: {error}")
        unknown = [name for name in PLACEHOLDER.findall(self.reason) if name not in DECISION_COLUMNS]
        if unknown:
            problems.append(f"reason: unknown placeholder {', '.join(unknown)}; {nearest(unknown[0], DECISION_COLUMNS)}")
        if self.reason.count("{") != self.reason.count("}") or PLACEHOLDER.sub("", self.reason).count("{"):
            problems.append("reason: a brace { } has no partner; placeholders are {column}")
        if problems:
            raise ValueError(f"rule {self.name!r}: {'; '.join(problems)}")
        return self


class Holdout(Section):
    """People who are left alone so that the effect of acting can be measured."""

    share: float = Field(0.05, ge=0, le=1, description="Share of people held out, 0..1")
    salt: str = Field("holdout-1", min_length=1, description="Key of the hash that chooses them; a new key, new people")


class DecisionSettings(Section):
    """conf/rules.yml."""

    rules: tuple[Rule, ...] = Field((), description="Tried in order; the first that applies decides")
    holdout: Holdout = Holdout()
    leave_alone: str | None = Field(
        None,
        description="Who gets no action whatever the rules say, in Spark SQL over the same columns, "
        "e.g. `preferences['contact_channel'] = 'none'`; nobody by default",
    )

    @field_validator("leave_alone")
    @classmethod
    def _condition(cls, condition: str | None) -> str | None:
        if condition is not None:
            check_row_condition(condition, DECISION_TYPES)
        return condition

    @field_validator("rules")
    @classmethod
    def _unique_names(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        names = [rule.name for rule in rules]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"rule names must be unique; more than once: {', '.join(twice)}")
        return rules
