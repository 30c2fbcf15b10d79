"""The features of a customer, declared once: name, type, meaning, unit."""

from personalake.tables.schema import Field

CHURN_FEATURES: tuple[Field, ...] = (
    Field("recency_days", "double", "Days since the last day with an order"),
)
