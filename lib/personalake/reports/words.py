"""Numbers, money, shares and names as people read them."""

import math
from collections import Counter
from datetime import datetime
from typing import Any

ABSENT = "–"

_NAMES = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "ece": "Calibration error",
    "calibration_error": "Calibration error",
    "expected_calibration_error": "Calibration error",
    "brier": "Brier score",
    "base_rate": "Share who left",
    "mean_roc_auc": "Mean ROC-AUC",
    "everyone": "everyone who ever bought",
    "active_60_days": "people active in the last 60 days",
    "validation": "earlier folds, where the choice was made",
    "map_at_10": "MAP@10",
    "precision_at_10": "Precision@10",
    "ndcg_at_10": "nDCG@10",
    "recall_at_10": "Recall@10",
    "hit_rate_at_10": "Hit rate@10",
    "gbt": "Gradient-boosted trees",
    "als": "ALS",
    "rfm": "RFM",
    "kmeans": "K-Means",
    "no_consent": "no consent",
}


def ranked(counts: "Counter[Any]") -> list[tuple[Any, int]]:
    """What was counted, the most first; what was counted equally often by its own order.

    >>> ranked(Counter("abbca"))
    [('a', 2), ('b', 2), ('c', 1)]
    """
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))


def is_absent(value: Any) -> bool:
    """Whether there is no value: None, or not a number."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def number(value: Any, digits: int = 0) -> str:
    """A number with thousands separators.

    >>> number(1471807), number(0.8649, 3), number(None)
    ('1,471,807', '0.865', '–')
    """
    return ABSENT if is_absent(value) else f"{float(value):,.{digits}f}" if digits else f"{round(float(value)):,}"


def money(value: Any, currency: str | None, digits: int = 2) -> str:
    """An amount with its currency.

    >>> money(1234.5, "USD")
    '1,234.50 USD'
    """
    return ABSENT if is_absent(value) else f"{number(value, digits)} {currency or ''}".strip()


def share(value: Any, digits: int = 1) -> str:
    """A share of 0..1 in per cent.

    >>> share(0.0504)
    '5.0 %'
    """
    return ABSENT if is_absent(value) else f"{float(value) * 100:.{digits}f} %"


def day(value: Any) -> str:
    """An ISO date.

    >>> day(datetime(2017, 12, 1, 9, 30))
    '2017-12-01'
    """
    if is_absent(value):
        return ABSENT
    return value.date().isoformat() if isinstance(value, datetime) else str(value)


def minute(value: datetime | None) -> str:
    """A UTC time to the minute, `2017-12-01 09:30 UTC`."""
    return ABSENT if value is None else f"{value:%Y-%m-%d %H:%M} UTC"


def interval(value: Any, low: Any, high: Any, digits: int = 3) -> str:
    """A value with its interval, if it has one.

    >>> interval(0.865, 0.847, 0.883)
    '0.865 (0.847–0.883)'
    """
    if is_absent(low) or is_absent(high):
        return number(value, digits)
    return f"{number(value, digits)} ({number(low, digits)}–{number(high, digits)})"


def size(count: int) -> str:
    """Bytes in a unit that fits.

    >>> size(29_053_749)
    '29.1 MB'
    """
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def name(identifier: Any) -> str:
    """A technical name in words.

    >>> name("win_back_coupon"), name("roc_auc"), name(None)
    ('win back coupon', 'ROC-AUC', '–')
    """
    if is_absent(identifier):
        return ABSENT
    metric, gain, rival = str(identifier).partition("_gain_over_")
    if gain:
        return f"{name(metric)} gain over {name(rival)}"
    return _NAMES.get(metric, metric.replace("_", " "))


def plural(count: int, noun: str, nouns: str | None = None) -> str:
    """A count with its noun.

    >>> plural(1, "person", "people"), plural(2469, "person", "people")
    ('1 person', '2,469 people')
    """
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
