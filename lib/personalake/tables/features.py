"""The features of a customer, declared once: name, type, meaning, unit, and how a person would be told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from personalake.errors import ConfigError
from personalake.tables.schema import Field

# Half-lives of the activity features, days: a week, a fortnight, and 4, 8, 16 weeks.
HALF_LIVES = (7, 14, 28, 56, 112)

# What features of a person's purchases are made for; who builds models for something else declares it here.
_PURPOSES = ("personalisation",)


def declared_for(purposes: tuple[str, ...], fields: Iterable[Field]) -> tuple[Field, ...]:
    """Features with their purposes: each its own, or else those of the group.

    Raises:
        ConfigError: If a feature would have no purpose: what nobody needs must not be made of persons' data.
    """
    tagged = tuple(field if field.purposes else replace(field, purposes=purposes) for field in fields)
    needless = [field.name for field in tagged if not field.purposes]
    if needless:
        raise ConfigError([f"feature {name} has no purpose; declare for what it is made, or drop it" for name in needless])
    return tagged


_CHURN: tuple[Field, ...] = (
    Field("recency_days", "double", "Days since the last day with an order"),
    Field("tenure_days", "double", "Days since the first day with an order"),
    Field("order_days", "double", "Days with an order so far, days"),
    *(
        Field(
            f"activity_{half_life}",
            "double",
            f"Days with an order, each worth half as much for every {half_life} days it lies back, days",
        )
        for half_life in HALF_LIVES
    ),
    Field("active_weeks", "double", "Weeks with an order among the last 12, weeks"),
    Field(
        "empty_months", "double", "28-day blocks without an order since the first one, counted back from the as-of, blocks"
    ),
    Field("gaps_as_long", "double", "Earlier gaps between days with an order at least as long as the silence now, gaps"),
    Field(
        "gap_goes_on_share", "double", "Share of those gaps that went on for 28 more days, (n + 0.5) / (gaps + 1.5), 0..1"
    ),
    Field(
        "bg_nbd_silence", "double", "BG/NBD probability of no order within 28 days, from frequency, recency and tenure, 0..1"
    ),
    Field("long_gap_rate", "double", "Days of gaps beyond their first 14 days, the silence now included, per day of tenure"),
    Field("lines_per_order", "double", "Mean lines of an order, lines"),
    Field("most_lines", "double", "Lines of the largest order, lines"),
)
CHURN_FEATURES = declared_for(_PURPOSES, _CHURN)
FEATURE_NAMES: tuple[str, ...] = tuple(feature.name for feature in CHURN_FEATURES)
# Whoever does not grant all of them has no row: a row holds every feature.
FEATURE_PURPOSES: tuple[str, ...] = tuple(sorted({purpose for feature in CHURN_FEATURES for purpose in feature.purposes}))


@dataclass(frozen=True)
class Reason:
    """Features that say the same thing, told together; their effects are added.

    Args:
        name: What it is about.
        features: The features; the first one names the reason.
        words: How a person would be told; placeholders are the person's features, and what `told` makes of them.
    """

    name: str
    features: tuple[str, ...]
    words: str


REASONS: tuple[Reason, ...] = (
    Reason(
        "silence", ("recency_days", "activity_7", "activity_14", "activity_28"), "last bought {silence} ago; {usual_gap}"
    ),
    Reason("loyalty", ("order_days", "activity_56", "activity_112"), "bought on {bought_on} so far"),
    Reason("regularity", ("active_weeks", "empty_months"), "bought in {active_weeks:.0f} of the last 12 weeks"),
    Reason(
        "gaps",
        ("gaps_as_long", "gap_goes_on_share", "long_gap_rate"),
        "was silent this long {as_often} before",
    ),
    Reason("rhythm", ("bg_nbd_silence",), "buying rhythm alone says {bg_nbd_silence:.0%} chance of a silent month"),
    Reason("tenure", ("tenure_days",), "customer for {tenure}"),
    Reason("basket", ("lines_per_order", "most_lines"), "{lines_per_order:.1f} lines per order"),
)


def told(reason: Reason, values: Mapping[str, float]) -> str:
    """A reason in words for one person.

    >>> told(REASONS[0], {"recency_days": 41, "tenure_days": 131, "order_days": 11})
    'last bought 41 days ago; usually every 9 days'
    >>> told(REASONS[0], {"recency_days": 41, "order_days": 1}), told(REASONS[1], {"order_days": 1})
    ('last bought 41 days ago; never before', 'bought on 1 day so far')
    """
    gaps = values.get("order_days", 1.0) - 1
    usual = "never before"
    if gaps > 0:
        usual = f"usually every {_days((values['tenure_days'] - values['recency_days']) / gaps)}"
    made = {
        "silence": _days(values.get("recency_days", 0.0)),
        "usual_gap": usual,
        "bought_on": _days(values.get("order_days", 1.0)),
        "tenure": _days(values.get("tenure_days", 1.0)),
        "as_often": _counted(values.get("gaps_as_long", 0.0), "time"),
    }
    return reason.words.format(**values, **made)


def _days(days: float) -> str:
    return _counted(max(1.0, days), "day")


def _counted(count: float, what: str) -> str:
    whole = round(count)
    return f"1 {what}" if whole == 1 else f"{whole} {what}s"
