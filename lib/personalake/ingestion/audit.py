"""What a source is worth: what it feeds, how whole and how fresh it is, and which touchpoint it serves."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from personalake.config.sources import Source

TOUCHPOINTS = ("email", "web", "app", "shop", "support", "push")
# Columns by which a person is told, in any table of silver.
IDENTIFIERS = ("customer_id", "login", "email", "phone", "loyalty_id", "device_id", "cookie_id")
BEHAVIOUR, REACH, CONSENT, CONTENT, CONTEXT = "behaviour", "reach", "consent", "content", "context"
WISHES = "wishes"
# Columns whose values say which touchpoint a row is about, by contract.
SAYS_WHERE: Mapping[str, str] = {
    "order_line": "store_id",
    "interaction": "channel",
    "delivery_receipt": "channel",
    "consent": "purpose",
}
_EVERYWHERE = ("email", "web", "app", "shop", "push")
_ONLINE = ("web", "app")
# Where an answer about a purpose counts; one about any other purpose counts wherever people are shown what is theirs.
_BY_PURPOSE: Mapping[str, tuple[str, ...]] = {
    "email_marketing": ("email",),
    "push_marketing": ("push",),
    "ad_sharing": _ONLINE,
    "sale": _ONLINE,
    "sharing": _ONLINE,
    "global_privacy_control": ("web",),
}
# What the rows of a contract tell of each touchpoint, whatever their columns.
_BY_CONTRACT: Mapping[str, Mapping[str, str]] = {
    "email_engagement": {"email": BEHAVIOUR},
    "support_ticket": {"support": BEHAVIOUR},
    "experiment_exposure": {"web": BEHAVIOUR},
    "campaign_response": {"shop": BEHAVIOUR},
    "survey_answer": {"email": BEHAVIOUR},
    "catalog_item": dict.fromkeys(_EVERYWHERE, CONTENT),
    "product_offer": dict.fromkeys(_EVERYWHERE, CONTENT),
    "weather": dict.fromkeys(_EVERYWHERE, CONTEXT),
    "preference": dict.fromkeys(_EVERYWHERE, WISHES),
}
# Where a person is reached by an identifier, in the rows that describe people.
_BY_IDENTIFIER: Mapping[str, tuple[str, ...]] = {
    "email": ("email",),
    "phone": ("support",),
    "login": ("web", "app"),
    "cookie_id": ("web",),
    "device_id": ("app", "push"),
    "loyalty_id": ("shop",),
}


@dataclass(frozen=True)
class Arrived:
    """What lies in silver of one source.

    Args:
        days: Rows by day; None stands for rows without one.
        filled: Identifier to the rows that have it.
        told: Values of the column that says where a row belongs; see `SAYS_WHERE`.
        known_until: When the latest row could have been known.
        counts: `rows_in`, `rows_quarantined`, `rows_duplicate` of all its batches.
        persons: Persons who were seen in it.
        granting: Purpose to those of them who grant it.
    """

    days: Mapping[date | None, int] = field(default_factory=dict)
    filled: Mapping[str, int] = field(default_factory=dict)
    told: Collection[str] = ()
    known_until: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    persons: int = 0
    granting: Mapping[str, int] = field(default_factory=dict)


def audit_row(
    name: str, source: Source, arrived: Arrived, tables: Sequence[str], features: Sequence[str], as_of: date, time_zone: str
) -> dict[str, Any]:
    """One row of `gold.source_audit`, all but the time of the audit.

    Args:
        name: Name of the source.
        source: The source.
        arrived: What lies in silver of it.
        tables: Tables that it feeds.
        features: Features that it feeds.
        as_of: Exclusive day up to which things are known.
        time_zone: Zone in which a day begins.
    """
    rows = sum(arrived.days.values())
    days = sorted(day for day in arrived.days if day is not None)
    missing, longest = gaps(days)
    shares = {name: count / rows for name, count in arrived.filled.items() if count} if rows else {}
    rows_in = arrived.counts.get("rows_in", 0)
    known = arrived.known_until.astimezone(ZoneInfo(time_zone)).date() if arrived.known_until else None
    return {
        "source": name,
        "as_of": as_of,
        "contract": source.contract,
        "kind": source.kind,
        "feeds_tables": sorted(tables),
        "feeds_features": list(features),
        "touchpoints": served(source, shares, arrived.told),
        "rows": rows,
        **{count: arrived.counts.get(count, 0) for count in ("rows_in", "rows_quarantined", "rows_duplicate")},
        "refused_share": arrived.counts.get("rows_quarantined", 0) / rows_in if rows_in else None,
        "first_date": days[0] if days else None,
        "last_date": days[-1] if days else None,
        "days_without_rows": missing,
        "longest_gap_days": longest,
        "known_until": arrived.known_until,
        "freshness_days": (as_of - known).days - 1 if known else None,
        "identifier_share": shares,
        "persons": arrived.persons,
        "consent_share": {
            purpose: count / arrived.persons for purpose, count in sorted(arrived.granting.items()) if arrived.persons
        },
    }


def gaps(days: Sequence[date]) -> tuple[int, int]:
    """Days without a row between the first and the last, and the longest run of them.

    Args:
        days: Days with a row, in order.

    >>> gaps([date(2024, 5, 1), date(2024, 5, 2), date(2024, 5, 5), date(2024, 5, 7)])
    (3, 2)
    """
    between = [(after - before - timedelta(days=1)).days for before, after in pairwise(days)]
    return sum(between), max(between, default=0)


def served(source: Source, shares: Mapping[str, float], told: Collection[str] = ()) -> dict[str, str]:
    """Which touchpoints a source serves, and with what.

    Args:
        source: The source.
        shares: Identifiers that its rows have, to the share of rows that have them.
        told: Values of the column that says where its rows belong.
    """
    found: dict[str, set[str]] = {}
    for touchpoint, gift in (*_BY_CONTRACT.get(source.contract, {}).items(), *_told(source, shares, told)):
        found.setdefault(touchpoint, set()).add(gift)
    if source.contract == "customer_record":
        for identifier in _known(source, shares):
            for touchpoint in _BY_IDENTIFIER.get(identifier, ()):
                found.setdefault(touchpoint, set()).add(REACH)
    return {name: ", ".join(sorted(found[name])) for name in TOUCHPOINTS if name in found}


def _told(source: Source, shares: Mapping[str, float], told: Collection[str]) -> Iterator[tuple[str, str]]:
    """What rows say themselves of where they belong; a constant in the mapping says it before any row has come."""
    column = SAYS_WHERE.get(source.contract)
    if column is None:
        return
    constant = _constant(source, column)
    values = {*told, *([] if constant is None else [constant])}
    if source.contract == "consent":
        for value in values:
            yield from ((touchpoint, CONSENT) for touchpoint in _BY_PURPOSE.get(value, _ONLINE))
        return
    named = values & set(TOUCHPOINTS)
    yield from ((touchpoint, BEHAVIOUR) for touchpoint in named)
    if source.contract == "order_line" and (values - named or not named):
        # Whatever names no channel is a shop.
        yield "shop", BEHAVIOUR
    if source.contract == "interaction" and not named:
        known = _known(source, shares)
        seen = (("web", "cookie_id"), ("app", "device_id"))
        yield from ((place, BEHAVIOUR) for place, identifier in seen if identifier in known)


def _known(source: Source, shares: Mapping[str, float]) -> Collection[str]:
    """Identifiers that rows have; one that is another's namespace counts as that."""
    return {*shares, *([source.namespace] if "customer_id" in shares else [])}


def _constant(source: Source, name: str) -> str | None:
    mapped = source.columns.get(name)
    return None if mapped is None else mapped.constant
