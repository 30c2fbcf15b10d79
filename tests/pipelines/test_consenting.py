from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.config import Settings
from personalake.config.segmentation import SegmentSettings
from personalake.lake import Lake, Locations
from personalake.models.portable import PortableModel
from personalake.pipelines import build_features, recommend_items, score_customers, segment_customers
from personalake.pipelines.consenting import consenting, forget_others
from personalake.pipelines.job import JobContext
from personalake.pipelines.progress import Progress
from personalake.profiles.features import definition
from personalake.tables import Table
from personalake.tables.erasure import ERASURE_ASKED
from personalake.tables.gold import CUSTOMER_FEATURE, CUSTOMER_PROFILE, PREDICTION, RECOMMENDATION, SEGMENT_MEMBERSHIP
from personalake.tables.identity import PERSON_CHANGE
from personalake.tables.receipts import SUPPRESSION
from personalake.tables.silver import CONSENT, CONSENT_CURRENT, ORDER_LINE, PERSON_LINK
from tests.pipelines.consents import GIVEN_AT, grant, withdraw
from tests.pipelines.shop_history import line

AS_OF = date(2017, 12, 1)
PEOPLE = tuple(f"c{number}" for number in range(14))
RECENCY = PortableModel("linear", ("recency_days",), coefficients=(1.0,), means=(2.0,))
SCORED = (CUSTOMER_FEATURE, PREDICTION, RECOMMENDATION, SEGMENT_MEMBERSHIP)
EVERY_STATUS = ("granted", "assumed_granted", "denied", "withdrawn", "expired", "unheard of", None)


class Served:
    """A registry whose champion is the recency of the last order."""

    version = "1"

    def __init__(self, *_: object) -> None:
        self.tags = {"definition": definition()}

    def champion(self, name: str) -> "Served | None":
        return self if name == "churn" else None

    def folder(self) -> None:
        return None


def shop(lake: Lake) -> None:
    lake.ledger.append(ORDER_LINE, [line(name, date(2017, 11, 10 + place), name) for place, name in enumerate(PEOPLE)])
    links = [
        {"namespace": "customer_id", "value": name, "person_id": f"p_{name}", "first_known_at": GIVEN_AT} for name in PEOPLE
    ]
    lake.ledger.append(PERSON_LINK, links)
    profiles = [
        {"person_id": f"p_{name}", "orders": 1, "spend": Decimal(9), "last_order_date": AS_OF - timedelta(9), "as_of": AS_OF}
        for name in PEOPLE
    ]
    lake.ledger.append(CUSTOMER_PROFILE, profiles)


def people_in(lake: Lake, table: Table) -> set[str]:
    return {row["person_id"] for row in lake.ledger.read(table, ["person_id"])}


def run_all(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(score_customers, "Tracker", Served)
    monkeypatch.setattr(score_customers, "load", lambda _: RECENCY)
    context = JobContext(Settings(root=lake.locations.root), lake, AS_OF, AS_OF, "run", {"model": "churn"}, Progress())
    for job in (build_features, score_customers, segment_customers, recommend_items):
        job.run(context)


def test_nobody_without_a_grant_is_in_what_models_segments_and_recommenders_write(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every status a person can have by the as-of, each with and without a withdrawal since; all had rows before."""
    shop(lake)
    for table in SCORED:
        lake.ledger.append(
            table, [{"person_id": f"p_{name}", "as_of": date(2017, 6, 1), "model": "churn"} for name in PEOPLE]
        )
    grant(lake, [f"p_{name}" for name in PEOPLE], "email_marketing")
    for place, name in enumerate(PEOPLE):
        if (status := EVERY_STATUS[place // 2]) is not None:
            grant(lake, [f"p_{name}"], status=status)
    withdraw(lake, PEOPLE[1::2])

    run_all(lake, monkeypatch)

    may = {"p_c0", "p_c2"}
    assert {table.full_name: people_in(lake, table) for table in SCORED} == {table.full_name: may for table in SCORED}


@st.composite
def answered(draw: st.DrawFn) -> dict[str, tuple[str, list[tuple[int, str]]]]:
    """For each person the status by the as-of, and what was answered since: days from now, each once, and what."""
    status = st.sampled_from(["granted", "denied"])
    since = st.dictionaries(st.integers(-20, 20), st.sampled_from(["granted", "denied", "withdrawn"]), max_size=4)
    return {name: (draw(status), sorted(draw(since).items())) for name in PEOPLE[:6]}


@settings(max_examples=12)
@given(answers=answered())
def test_who_allows_it_granted_it_in_time_and_has_not_refused_it_last(
    answers: dict[str, tuple[str, list[tuple[int, str]]]],
) -> None:
    with TemporaryDirectory() as folder:
        lake = Lake(Locations(Path(folder)), no_session)
        links = [{"namespace": "customer_id", "value": name, "person_id": f"p_{name}"} for name in answers]
        lake.ledger.append(PERSON_LINK, links)
        now = datetime(2018, 1, 1, 12, tzinfo=UTC)
        for name, (status, since) in answers.items():
            grant(lake, [f"p_{name}"], status=status)
            lake.ledger.append(CONSENT, [_answer(name, now + timedelta(days), it) for days, it in since])
        context = JobContext(Settings(root=Path(folder)), lake, AS_OF, AS_OF, "run", {}, Progress(), now)

        allowed = consenting(context, ["personalisation"]).ids.to_pylist()

    counted = {name: [it for days, it in since if it != "granted" or days <= 0] for name, (_, since) in answers.items()}
    may = [f"p_{name}" for name, (status, _) in answers.items() if [status, *counted[name]][-1] == "granted" == status]
    assert allowed == may


def no_session() -> NoReturn:
    raise AssertionError("asking for consent needs no Spark")


def _answer(name: str, at: datetime, status: str) -> dict[str, object]:
    who = {"namespace": "customer_id", "customer_id": name, "record_id": f"{name}-{at}"}
    return {**who, "purpose": "personalisation", "status": status, "occurred_at": at, "known_at": at}


def test_every_purpose_must_be_granted_and_who_asks_to_be_forgotten_grants_none(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    shop(lake)
    grant(lake, ["p_c0", "p_c1", "p_c2"])
    grant(lake, ["p_c1", "p_c2", "p_c3"], "model_training")
    asked = {"source": "desk", "record_id": "r", "namespace": "customer_id", "customer_id": "c2", "is_verified": True}
    lake.ledger.append(ERASURE_ASKED, [asked])

    allowed = consenting(context_of(), ["personalisation", "model_training"])

    assert allowed.ids.to_pylist() == ["p_c1"]


def test_whose_erasure_has_begun_is_not_looked_at_and_whose_address_bounced_is(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    """Also of a request by hand that is not done yet, and of who was merged into another person meanwhile."""
    shop(lake)
    grant(lake, ["p_c0", "p_c1", "p_c2", "p_c3"])
    told = [("p_c0", "all", None), ("old", "all", None), ("p_c2", "email", None), ("p_c3", "all", GIVEN_AT)]
    suppressed = [
        {"suppression_id": who, "person_id": who, "scope": scope, "since": GIVEN_AT - timedelta(1), "until": until}
        for who, scope, until in told
    ]
    lake.ledger.append(SUPPRESSION, suppressed)
    lake.ledger.append(PERSON_CHANGE, [_merge(lake, "old", "p_c1")])

    assert consenting(context_of(), ["personalisation"]).ids.to_pylist() == ["p_c2", "p_c3"]


def test_a_signal_of_the_browser_takes_away_the_purposes_that_it_speaks_for(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    shop(lake)
    grant(lake, ["p_c0", "p_c1"], "sharing")
    withdraw(lake, ["c0"], "global_privacy_control")

    assert consenting(context_of(), ["sharing"]).ids.to_pylist() == ["p_c1"]


def test_who_was_merged_keeps_older_rows_as_long_as_the_person_of_today_allows_it(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    shop(lake)
    grant(lake, ["p_c0"])
    merged = [
        {"change_id": f"{old}", "kind": "merged", "old_person_id": old, "new_person_id": new, "changed_at": GIVEN_AT}
        for old, new in (("old0", "p_c0"), ("old1", "p_c1"))
    ]
    lake.ledger.append(PERSON_CHANGE, merged)
    held = [
        {"person_id": person, "model": "churn", "as_of": day, "probability": 0.5}
        for person in ("old0", "old1", "p_c0", "p_c1")
        for day in (date(2017, 10, 1), AS_OF)
    ]
    lake.ledger.append(PREDICTION, [*held, {**held[-1], "model": "another"}])
    context = context_of()

    gone = forget_others(context, PREDICTION, consenting(context, ["personalisation"]), {"model": "churn"})

    left = sorted((row["model"], row["person_id"]) for row in lake.ledger.read(PREDICTION))
    assert gone == 2
    assert left == [("another", "p_c1"), *[("churn", "old0")] * 2, *[("churn", "p_c0")] * 2]


def test_a_dry_run_counts_who_would_go_and_removes_nobody(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    shop(lake)
    lake.ledger.append(PREDICTION, [{"person_id": "p_c1", "model": "churn", "as_of": AS_OF, "probability": 0.5}])
    lake.dry_run = True
    context = context_of()

    assert forget_others(context, PREDICTION, consenting(context, ["personalisation"])) == 1
    assert people_in(lake, PREDICTION) == {"p_c1"}


def test_snapshots_of_any_age_follow_merges_withdrawals_and_late_grants(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    shop(lake)
    grant(lake, ["p_c0", "p_c1", "p_c2"])
    build_features.run(context_of(as_of=AS_OF))
    links = lake.ledger.read(PERSON_LINK)
    for row in links:
        row["person_id"] = "p_c0" if row["value"] == "c1" else row["person_id"]
    lake.ledger.append(PERSON_CHANGE, [_merge(lake, "p_c1", "p_c0")])
    _put(lake, PERSON_LINK, links)
    _put(lake, CONSENT_CURRENT, [row for row in lake.ledger.read(CONSENT_CURRENT) if row["person_id"] == "p_c0"])
    grant(lake, ["p_c3"])

    result = build_features.run(context_of(as_of=AS_OF))
    again = build_features.run(context_of(as_of=AS_OF))

    days = {row["person_id"]: row["order_days"] for row in lake.ledger.read(CUSTOMER_FEATURE)}
    assert days == {"p_c0": 2.0, "p_c3": 1.0}
    assert result.message == (
        "every snapshot is there; 2 rows changed in earlier ones for people who were merged, split, or came to allow it; "
        "11 left out without consent to personalisation; rows of 1 who allow it no longer are gone"
    )
    assert (again.skipped, again.message) == (
        True, "every snapshot is there; 11 left out without consent to personalisation",
    )  # fmt: skip


def test_who_was_merged_or_came_to_allow_it_is_in_the_snapshots_that_stand_and_in_the_one_that_is_due(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    shop(lake)
    grant(lake, ["p_c0", "p_c1"])
    settings = Settings(root=lake.locations.root, training_cut=AS_OF)
    build_features.run(context_of(settings, as_of=AS_OF))
    links = lake.ledger.read(PERSON_LINK)
    for row in links:
        row["person_id"] = "p_c0" if row["value"] == "c1" else row["person_id"]
    lake.ledger.append(PERSON_CHANGE, [_merge(lake, "p_c1", "p_c0")])
    _put(lake, PERSON_LINK, links)
    lake.ledger.append(ORDER_LINE, [line("c0", AS_OF, "new")])
    grant(lake, ["p_c2"])
    tomorrow = AS_OF + timedelta(1)

    build_features.run(context_of(settings, as_of=tomorrow))

    rows = lake.ledger.read(CUSTOMER_FEATURE)
    days = {(row["as_of"], row["person_id"]): row["order_days"] for row in rows}
    assert days == {(AS_OF, "p_c0"): 2.0, (AS_OF, "p_c2"): 1.0, (tomorrow, "p_c0"): 3.0, (tomorrow, "p_c2"): 1.0}
    assert build_features.run(context_of(settings, as_of=tomorrow)).skipped


def test_who_is_missing_in_one_snapshot_comes_back_although_another_one_has_them(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    shop(lake)
    grant(lake, ["p_c0", "p_c1"])
    settings, tomorrow = Settings(root=lake.locations.root, training_cut=AS_OF), AS_OF + timedelta(1)
    lake.ledger.append(ORDER_LINE, [line("c0", AS_OF, "new")])
    build_features.run(context_of(settings, as_of=AS_OF))
    build_features.run(context_of(settings, as_of=tomorrow))
    whole = lake.ledger.read(CUSTOMER_FEATURE)
    _put(lake, CUSTOMER_FEATURE, [row for row in whole if (row["as_of"], row["person_id"]) != (AS_OF, "p_c1")])

    build_features.run(context_of(settings, as_of=tomorrow))

    now = {(row["as_of"], row["person_id"]) for row in lake.ledger.read(CUSTOMER_FEATURE)}
    assert now == {(as_of, person) for as_of in (AS_OF, tomorrow) for person in ("p_c0", "p_c1")}


def _merge(lake: Lake, old: str, new: str) -> dict[str, object]:
    """As a run logs it that has been at work since yesterday."""
    long_ago, before = datetime.now(UTC) - timedelta(1), lake.ledger.version(PERSON_LINK)
    who = {"change_id": old, "kind": "merged", "old_person_id": old, "new_person_id": new}
    return {**who, "changed_at": long_ago, "links_version": before}


def _put(lake: Lake, table: Table, rows: list[dict[str, object]]) -> None:
    lake.put(pa.Table.from_pylist(rows, lake.ledger.arrow(table).schema), table)


def test_without_any_grant_nothing_is_recommended_and_nothing_fails(
    lake: Lake, context_of: Callable[..., JobContext]
) -> None:
    shop(lake)

    result = recommend_items.run(context_of())
    segmented = segment_customers.run(context_of(Settings(root=lake.locations.root, segments=SegmentSettings())))

    assert result.message.endswith("14 left out without consent to personalisation")
    assert segmented.message.endswith("14 left out without consent to personalisation")
    assert people_in(lake, RECOMMENDATION) | people_in(lake, SEGMENT_MEMBERSHIP) == set()
    assert not lake.exists(CONSENT)
