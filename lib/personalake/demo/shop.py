"""Emits the demo shop into a landing folder: the entry of this package."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from personalake.demo.consent import consent_deliveries
from personalake.demo.journey import FIRST_DAY, LAST_DAY, Journey, read_journey
from personalake.demo.landing import Delivery, Landing
from personalake.demo.orders import order_deliveries, order_lines
from personalake.demo.records import catalog_delivery, customer_delivery, redemption_deliveries
from personalake.errors import InputError

Progress = Callable[[str], None]
PROGRESS_SECONDS = 2.0


@dataclass(frozen=True)
class ShopSummary:
    """What the shop holds between the bounds of one call, whether it was written now or before.

    Attributes:
        landing: The landing folder.
        households: Households in the sample, whatever the bounds.
        order_lines: Real order lines, each counted once.
        customers: Real customer rows.
        products: Catalog rows.
        redemptions: Coupon redemptions.
        consents: Consent records.
        landing_days: Days on which order lines land.
        files: Files, the truth about dirt among them, markers not.
        files_written: Those of them that this call wrote.
        bytes_written: Their size in bytes.
        planted: Planted lines by `<source>.<kind>`.
    """

    landing: Path
    households: int
    order_lines: int
    customers: int
    products: int
    redemptions: int
    consents: int
    landing_days: int
    files: int
    files_written: int
    bytes_written: int
    planted: Mapping[str, int]


def emit_shop(
    landing: Path,
    *,
    seed: int = 2017,
    since: date | None = None,
    until: date | None = None,
    households_share: float = 1.0,
    progress: Progress | None = None,
) -> ShopSummary:
    """Land what the shop's systems emit: orders, customers, catalog, redemptions and consent.

    The same arguments give the same bytes, and calls over adjoining bounds give in sum the files of one
    call without bounds. What is complete is not written again; what is half-written is completed.

    Args:
        landing: The landing folder; it is made when it does not exist.
        seed: Decides the sample, the times, the consent and the dirt.
        since: The first landing day, inclusive; none for the shop's first day.
        until: The day after the last landing day; none for all.
        households_share: The share of households to keep, in (0, 1]; the dirt shrinks with it.
        progress: Told in a sentence what is being done, at least every few seconds.

    Raises:
        InputError: When an argument is out of range, or the folder holds another shop.
    """
    _require_valid(since, until, households_share)
    report = progress or (lambda _: None)
    target = Landing(landing, seed, households_share)
    target.claim()
    report("Reading the Complete Journey …")
    journey = read_journey(seed, households_share)
    begin, end = since or FIRST_DAY, until or date.max
    within = [
        delivery for delivery in _deliveries(journey, seed, households_share, report) if begin <= delivery.landing_date < end
    ]
    # Day by day, as it would arrive: a call that is cut short leaves whole days.
    deliveries = sorted(within, key=lambda delivery: (delivery.landing_date, delivery.source))
    return _summary(target, journey, deliveries, _receive(target, deliveries, report))


def _require_valid(since: date | None, until: date | None, households_share: float) -> None:
    problems = []
    if not 0 < households_share <= 1:
        problems.append(f"households_share is {households_share}, expected a share above 0 and at most 1")
    if since and until and since >= until:
        problems.append(f"since ({since}) is not before until ({until}), which is exclusive")
    if problems:
        raise InputError(
            f"The demo shop cannot be emitted: {'; '.join(problems)}.",
            remedy=f"Name a share such as 0.02, and landing days between {FIRST_DAY} and {LAST_DAY}.",
        )


def _deliveries(journey: Journey, seed: int, share: float, report: Progress) -> Iterator[Delivery]:
    yield customer_delivery(journey.customers, seed, share)
    yield catalog_delivery(journey.products)
    yield from redemption_deliveries(journey.redemptions)
    yield from consent_deliveries(journey.households, seed)
    report(f"Planning the order lines of {len(journey.households):,} households …")
    lines = order_lines(journey, seed, share)
    report(f"Sorting {len(lines):,} order lines into landing days …")
    yield from order_deliveries(lines)


def _receive(target: Landing, deliveries: list[Delivery], report: Progress) -> dict[str, int]:
    days = sum(delivery.source == "orders" for delivery in deliveries)
    day, told_at = 0, float("-inf")
    sizes: dict[str, int] = {}
    for delivery in deliveries:
        sizes |= target.receive(delivery)
        day += delivery.source == "orders"
        if time.monotonic() - told_at >= PROGRESS_SECONDS:
            told_at = time.monotonic()
            report(f"Writing orders … day {day} of {days}")
    report(f"Wrote orders … day {days} of {days}")
    return sizes


def _summary(target: Landing, journey: Journey, deliveries: list[Delivery], sizes: dict[str, int]) -> ShopSummary:
    rows: Counter[str] = Counter()
    planted: Counter[str] = Counter()
    for delivery in deliveries:
        rows[delivery.source] += delivery.rows
        planted.update({f"{delivery.source}.{kind}": count for kind, count in delivery.planted.items()})
    return ShopSummary(
        landing=target.folder,
        households=len(journey.households),
        order_lines=rows["orders"],
        customers=rows["customers"],
        products=rows["catalog"],
        redemptions=rows["redemptions"],
        consents=rows["consent"],
        landing_days=sum(delivery.source == "orders" for delivery in deliveries),
        files=sum(len(delivery.files) for delivery in deliveries),
        files_written=len(sizes),
        bytes_written=sum(sizes.values()),
        planted=dict(sorted(planted.items())),
    )
