from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from personalake.config import Settings
from personalake.config.segmentation import ClusterSettings, RfmSegment, SegmentSettings
from personalake.lake import Lake
from personalake.pipelines.job import JobContext
from personalake.pipelines.segment_customers import run
from personalake.tables.gold import CUSTOMER_PROFILE, SEGMENT_MEMBERSHIP, SEGMENT_SUMMARY
from tests.pipelines.consents import grant
from tests.pipelines.placed import place

AS_OF = date(2017, 12, 1)


def settings_of(lake: Lake, min_people: int) -> Settings:
    clusters = ClusterSettings(min_clusters=2, max_clusters=3, min_people=min_people, max_iterations=3)
    regulars = RfmSegment(name="Regulars", when="f >= 3", meaning="come often")
    return Settings(root=lake.locations.root, segments=SegmentSettings(rfm=(regulars,), clusters=clusters))


def profile_people(lake: Lake) -> None:
    rows = [
        {"person_id": f"p{n:02}", "orders": 50 + n if n % 2 else 1 + n, "spend": Decimal(900 + n if n % 2 else 5 + n),
         "last_order_date": AS_OF - timedelta(days=3 if n % 2 else 100 + n), "currency": "USD", "as_of": AS_OF}
        for n in range(12)
    ]  # fmt: skip
    place(lake, CUSTOMER_PROFILE, rows)
    grant(lake, [row["person_id"] for row in rows])


def test_few_people_have_only_rfm_segments_and_the_message_says_so(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    profile_people(lake)

    result = run(context_of(settings_of(lake, min_people=13)))

    assert {row["scheme"] for row in lake.ledger.read(SEGMENT_MEMBERSHIP)} == {"rfm"}
    assert "no clusters: 12 people have ordered, 13 are needed" in result.message


def test_both_schemes_and_their_summary_are_the_same_after_a_second_run(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    profile_people(lake)
    context = context_of(settings_of(lake, min_people=10))

    run(context)
    membership = sorted(map(str, lake.ledger.read(SEGMENT_MEMBERSHIP)))
    summary = sorted(map(str, lake.ledger.read(SEGMENT_SUMMARY)))
    run(context)

    assert sorted(map(str, lake.ledger.read(SEGMENT_MEMBERSHIP))) == membership
    assert sorted(map(str, lake.ledger.read(SEGMENT_SUMMARY))) == summary
    people = Counter(row["scheme"] for row in lake.ledger.read(SEGMENT_MEMBERSHIP))
    assert people == {"rfm": 12, "kmeans": 12}
    counted: Counter[str] = Counter()
    for row in lake.ledger.read(SEGMENT_SUMMARY):
        counted[row["scheme"]] += row["people"]
    assert counted == people


def test_without_profiles_of_the_as_of_nobody_is_segmented(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    profile_people(lake)

    assert run(context_of(settings_of(lake, 10), as_of=date(2017, 11, 1))).skipped
    assert not lake.exists(SEGMENT_MEMBERSHIP)
