import hashlib
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from personalake.config.profiles import JourneySettings, Licence
from personalake.profiles.journeys import changed_persons, customer_journey
from personalake.profiles.paths import journey_path
from personalake.profiles.touchpoints import COLUMNS, Touched, touchpoints
from personalake.tables import Table
from personalake.tables.receipts import DELIVERY_RECEIPT
from personalake.tables.silver import CAMPAIGN_RESPONSE, ORDER_LINE, PERSON_LINK
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT, INTERACTION, SOCIAL_MENTION, SUPPORT_TICKET, SURVEY_ANSWER

START = datetime(2017, 5, 1, 12)
AS_OF = date(2017, 8, 1)
TODAY = date(2017, 11, 1)
SETTINGS = JourneySettings(path_min_persons=1, path_steps=3)
Row = dict[str, Any]


def rows_of(spark: SparkSession, table: Table, *rows: Row) -> DataFrame:
    return spark.createDataFrame([tuple(row.get(name) for name in table.columns) for row in rows], table.schema)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def touch(minutes: float, channel: str, kind: str, person: str = "p", order: str | None = None) -> tuple[Any, ...]:
    return (person, f"{person}-{channel}-{kind}-{minutes}", at(minutes), channel, kind, None, order, "phone", None)


TOUCHES = "person_id string, touchpoint_id string, occurred_at timestamp, channel string, kind string, product_id string, order_id string, device_type string, region string"  # noqa: E501


def order_id_of(text: str) -> str:
    return f"order:{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def told(rows: DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in rows.orderBy("person_id", "touchpoint").select(*columns).collect()]


def test_every_channel_becomes_touchpoints_of_the_resolved_person_and_an_order_counts_once(spark: SparkSession) -> None:
    known = {"occurred_at": at(0), "known_at": at(0)}
    visits = [
        {**known, "event_id": "v1", "interaction_type": "view", "channel": "web", "cookie_id": "c1", "product_id": "x"},
        {**known, "event_id": "v2", "interaction_type": "purchase", "channel": "web", "cookie_id": "c1", "order_id": "o1",
         "namespace": "login", "customer_id": "ann", "device_type": "phone", "region": "north"},
        {**known, "event_id": "v2-2", "interaction_type": "purchase", "channel": "web", "cookie_id": "c1", "order_id": "o1",
         "namespace": "login", "customer_id": "ann", "item_position": 2},
        {**known, "event_id": "v3", "interaction_type": "open", "channel": "app", "device_id": "d9"},
        {**known, "event_id": "v4", "interaction_type": "view", "channel": "web", "cookie_id": "c1", "known_at": at(9e5)},
    ]  # fmt: skip
    mails = [
        {**known, "event_id": "m1", "engagement_type": "clicked", "namespace": "email", "customer_id": "ann@x.example"},
        {**known, "event_id": "m2", "engagement_type": "sent", "namespace": "email", "customer_id": "ann@x.example"},
    ]
    tickets = [{**known, "source": "desk", "record_id": "t1", "channel": "chat", "namespace": "email",
                "customer_id": "ann@x.example"},
               {**known, "source": "desk", "record_id": "t2", "phone": "2125550101"}]  # fmt: skip
    ann = {**known, "namespace": "email", "customer_id": "ann@x.example"}
    answers = [{**ann, "source": "nps", "record_id": "a1"}]
    posted = {**ann, "source": "listening", "platform": "forum", "licence": "api-terms", "is_consented": True}
    mentions = [
        {**posted, "record_id": "s1"}, {**posted, "record_id": "s2", "is_consented": False},
        {**posted, "record_id": "s3", "licence": "unknown"}, {**posted, "record_id": "s4", "licence": "over"},
        {**posted, "record_id": "s5", "licence": "short"},
    ]  # fmt: skip
    licences = {"api-terms": Licence(until=TODAY), "over": Licence(until=AS_OF), "short": Licence(days=1)}
    responses = [{**ann, "source": "till", "record_id": "r1", "response_type": "coupon_redeemed"}]
    receipts = [
        {**ann, "source": "signal", "record_id": f"{channel}-{kind}", "receipt_type": kind, "channel": channel}
        for channel, kind in (("push", "clicked"), ("push", "delivered"), ("email", "opened"))
    ]
    order = {**known, "namespace": "login", "customer_id": "ann", "is_return": False}
    orders = [
        {**order, "event_id": "1", "order_id": "o1", "store_id": "web"},
        {**order, "event_id": "2", "order_id": "o2", "store_id": "s7"},
        {**order, "event_id": "3", "order_id": "o2", "store_id": "s7"},
        {**order, "event_id": "4", "order_id": "o3", "store_id": "app"},
        {**order, "event_id": "5", "order_id": "o4", "store_id": "s7", "is_return": True},
    ]
    links = [
        {"namespace": namespace, "value": value, "person_id": "p"}
        for namespace, value in (
            ("login", "ann"),
            ("cookie_id", "c1"),
            ("email", "ann@x.example"),
            ("phone", "2125550101"),
        )
    ]
    touched = Touched(
        rows_of(spark, INTERACTION, *visits), rows_of(spark, EMAIL_ENGAGEMENT, *mails),
        rows_of(spark, SUPPORT_TICKET, *tickets), rows_of(spark, SURVEY_ANSWER, *answers),
        rows_of(spark, SOCIAL_MENTION, *mentions), rows_of(spark, CAMPAIGN_RESPONSE, *responses),
        rows_of(spark, DELIVERY_RECEIPT, *receipts), rows_of(spark, ORDER_LINE, *orders),
        rows_of(spark, PERSON_LINK, *links),
    )  # fmt: skip

    found = touchpoints(touched, AS_OF, SETTINGS, licences, TODAY)

    assert found.columns == list(COLUMNS)
    rows = found.collect()
    where = {row["touchpoint_id"]: (row["device_type"], row["region"]) for row in rows if row["device_type"]}
    assert where == {"v2": ("phone", "north")}
    assert sorted((row["channel"], row["kind"], row["touchpoint_id"], row["order_id"]) for row in rows) == [
        ("app", "purchase", order_id_of("login:ann:o3"), "o3"),
        ("campaign", "redemption", "till:r1", None),
        ("chat", "ticket", "desk:t1", None),
        ("email", "click", "m1", None),
        ("forum", "mention", "listening:s1", None),
        ("push", "click", "signal:push-clicked", None),
        ("store", "purchase", order_id_of("login:ann:o2"), "o2"),
        ("support", "ticket", "desk:t2", None),
        ("survey", "answer", "nps:a1", None),
        ("web", "purchase", "v2", "o1"),
        ("web", "view", "v1", None),
    ]


@pytest.fixture(scope="module")
def journeys(spark_session: SparkSession) -> DataFrame:
    day = 24 * 60
    rows = [
        touch(0, "email", "click"),
        touch(1, "web", "view"),
        touch(31, "web", "view"),  # thirty minutes later: the same session
        touch(62, "web", "cart"),  # thirty-one: a new one
        touch(day, "store", "purchase", order="o"),
        touch(day + 5, "web", "view"),  # after a purchase a new journey begins
        touch(day + 5 + 31 * day, "web", "search"),  # and after a silence
        touch(0, "store", "purchase", "q", "o2"),
        touch(9, "store", "purchase", "q", "o4"),  # of two journeys that are one person's, nothing is told
        touch(0, "web", "view", "r"),
        touch(1, "web", "search", "r"),
        touch(2, "web", "view", "r"),
        touch(3, "web", "cart", "r"),  # a fourth step is not kept
        touch(4, "web", "purchase", "r", "o3"),
    ]
    return customer_journey(spark_session.createDataFrame(rows, TOUCHES), SETTINGS).cache()


def test_touchpoints_stand_in_order_in_sessions_and_journeys(journeys: DataFrame) -> None:
    mine = journeys.where("person_id = 'p'")

    assert told(mine, "touchpoint", "session", "journey", "seconds_since_previous", "seconds_to_purchase") == [
        (1, 1, 1, None, 86400),
        (2, 1, 1, 60, 86340),
        (3, 1, 1, 1800, 84540),
        (4, 2, 1, 1860, 82680),
        (5, 3, 1, 82680, 0),
        (6, 3, 2, 300, None),
        (7, 4, 3, 2678400, None),
    ]


def test_the_path_so_far_names_each_step_once_in_a_row_and_leaves_purchases_out(journeys: DataFrame) -> None:
    assert told(journeys, "path", "is_first_touch", "is_last_touch") == [
        ("email click", True, False),
        ("email click > web view", False, False),
        ("email click > web view", False, False),
        ("email click > web view > web cart", False, True),
        ("email click > web view > web cart", False, False),
        ("web view", True, False),
        ("web search", True, False),
        (None, True, False),
        (None, True, False),
        ("web view", True, False),
        ("web view > web search", False, False),
        ("web view > web search > web view", False, False),
        ("web view > web search > web view", False, True),
        ("web view > web search > web view", False, False),
    ]


def test_a_session_keeps_its_id_when_more_happens_in_it(spark: SparkSession) -> None:
    first = [touch(0, "web", "view"), touch(5, "web", "cart")]

    alone = customer_journey(spark.createDataFrame(first[:1], TOUCHES), SETTINGS)
    both = customer_journey(spark.createDataFrame(first, TOUCHES), SETTINGS)

    assert len({row["session_id"] for row in alone.unionByName(both).collect()}) == 1


def test_each_beginning_is_counted_once_per_journey_and_its_outcomes_add_up(journeys: DataFrame) -> None:
    paths = journey_path(journeys, date(2017, 6, 20), SETTINGS).collect()

    found = {row["path"]: row for row in paths}
    counts = ("journeys", "went_on", "bought", "dropped", "open", "purchases")
    assert {path: tuple(row[count] for count in counts) for path, row in found.items()} == {
        "straight to purchase": (2, 0, 2, 0, 0, 2),
        "email click": (1, 1, 0, 0, 0, 1),
        "email click > web view": (1, 1, 0, 0, 0, 1),
        "email click > web view > web cart": (1, 0, 1, 0, 0, 1),
        "web view": (2, 1, 0, 1, 0, 1),  # one silent for longer than thirty days
        "web view > web search": (1, 1, 0, 0, 0, 1),
        "web view > web search > web view": (1, 0, 1, 0, 0, 1),
        "web search": (1, 0, 0, 0, 1, 0),  # silent for 18 days: it may still go on
    }
    assert all(row["journeys"] == row["went_on"] + row["bought"] + row["dropped"] + row["open"] for row in paths)
    assert (found["web view"]["conversion"], found["web view"]["median_seconds_to_purchase"]) == (0.5, 240.0)
    assert (found["straight to purchase"]["steps"], found["web view > web search"]["steps"]) == (0, 2)


def test_a_path_that_few_took_is_not_shown(journeys: DataFrame) -> None:
    often = JourneySettings(path_min_persons=2)

    assert [row["path"] for row in journey_path(journeys, date(2017, 6, 20), often).collect()] == ["web view"]


def test_persons_with_other_touchpoints_than_written_are_the_ones_to_compute(spark: SparkSession) -> None:
    before = [touch(0, "web", "view", person) for person in ("same", "more", "gone", "moved")]
    moved = ("other", *touch(0, "web", "view", "moved")[1:])
    after = [before[0], before[1], touch(-5, "web", "search", "more"), moved]
    written = customer_journey(spark.createDataFrame(before, TOUCHES), SETTINGS)

    changed = changed_persons(spark.createDataFrame(after, TOUCHES), written)

    assert {row["person_id"] for row in changed.collect()} == {"more", "gone", "moved", "other"}
