import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from personalake.config import Settings
from personalake.lake import Lake
from personalake.pipelines import build_features
from personalake.pipelines.job import JobContext
from personalake.tables.gold import CUSTOMER_FEATURE, FEATURE_SNAPSHOT
from personalake.tables.silver import ORDER_LINE, PERSON_LINK
from tests.pipelines.consents import grant

CUT = date(2017, 12, 1)
NEXT = date(2017, 12, 5)


@pytest.fixture(scope="module", autouse=True)
def shop_history() -> Iterator[None]:
    sys.path.insert(0, str(Path(__file__).parent))
    yield
    sys.path.remove(str(Path(__file__).parent))


@pytest.fixture
def settings(lake: Lake) -> Settings:
    return Settings(root=lake.locations.root, training_cut=CUT)


def test_an_empty_silver_is_a_reason_to_skip(context_of: Callable[..., JobContext]) -> None:
    result = build_features.run(context_of())

    assert result.skipped
    assert "silver.order_line is empty" in result.message


def test_a_new_as_of_costs_one_snapshot_and_the_others_stay_as_they_were(
    lake: Lake, settings: Settings, context_of: Callable[..., JobContext]
) -> None:
    from shop_history import features_of, fill, line

    fill(lake, people=8, days=320)
    first = build_features.run(context_of(settings, as_of=CUT))
    before = features_of(lake)
    # Learnt on 2 December, of a purchase on 20 November: visible from the next as-of on, and never before.
    lake.ledger.append(ORDER_LINE, [line("c0", date(2017, 11, 20), "late", known=date(2017, 12, 2))])
    second = build_features.run(context_of(settings, as_of=NEXT))
    after = features_of(lake)

    assert len(first.figures["as_ofs"]) == 11
    assert second.figures["as_ofs"] == ["2017-12-05"]
    pd.testing.assert_frame_equal(after[after["as_of"] != NEXT].reset_index(drop=True), before)
    days = after[after["person_id"] == "p_c0"].set_index("as_of")["order_days"]
    assert days[NEXT] == days[CUT] + 1


def test_the_same_run_again_has_nothing_to_do_and_a_forced_one_gives_the_same(
    lake: Lake, settings: Settings, context_of: Callable[..., JobContext]
) -> None:
    from shop_history import features_of, fill

    fill(lake, people=5, days=320)
    build_features.run(context_of(settings, as_of=CUT))
    before, version = features_of(lake), lake.ledger.version(CUSTOMER_FEATURE)

    again = build_features.run(context_of(settings, as_of=CUT))

    assert again.skipped
    assert lake.ledger.version(CUSTOMER_FEATURE) == version
    build_features.run(context_of(settings, as_of=CUT, force=True))
    pd.testing.assert_frame_equal(features_of(lake), before)


def test_history_that_is_imported_later_builds_only_the_snapshots_that_could_have_known_it(
    lake: Lake, settings: Settings, context_of: Callable[..., JobContext]
) -> None:
    from shop_history import features_of, fill, line

    fill(lake, people=5, days=320)
    build_features.run(context_of(settings, as_of=CUT))
    before = features_of(lake)
    lake.ledger.append(ORDER_LINE, [line("c0", date(2017, 8, 20), "imported")])
    second = build_features.run(context_of(settings, as_of=CUT))
    after, version = features_of(lake), lake.ledger.version(CUSTOMER_FEATURE)
    third = build_features.run(context_of(settings, as_of=CUT))

    assert second.figures["as_ofs"] == ["2017-09-01", "2017-11-01", "2017-12-01"]
    is_old = after["as_of"] < date(2017, 8, 20)
    pd.testing.assert_frame_equal(after[is_old], before[before["as_of"] < date(2017, 8, 20)])
    seen = [frame[(frame["person_id"] == "p_c0") & (frame["as_of"] == CUT)].iloc[0] for frame in (before, after)]
    assert seen[1]["order_days"] == seen[0]["order_days"] + 1
    assert third.skipped
    assert lake.ledger.version(CUSTOMER_FEATURE) == version


def test_as_ofs_before_any_purchase_are_not_computed_each_time(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    from shop_history import line

    lake.ledger.append(ORDER_LINE, [line("c1", date(2017, 11, 1), "a")])
    lake.ledger.append(PERSON_LINK, [{"namespace": "customer_id", "value": "c1", "person_id": "p_c1"}])
    grant(lake, ["p_c1"])

    first = build_features.run(context_of(as_of=CUT))
    second = build_features.run(context_of(as_of=CUT))

    assert first.figures["as_ofs"] == ["2017-12-01"]
    assert second.skipped


def test_rows_without_a_person_and_returns_are_left_out(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    from shop_history import features_of, line

    known = [
        line("c1", date(2017, 11, 1), "a"),
        line(None, date(2017, 11, 2), "b"),
        line("c2", date(2017, 11, 3), "c", is_return=True),
    ]
    lake.ledger.append(ORDER_LINE, known)
    links = [{"namespace": "customer_id", "value": name, "person_id": f"p_{name}"} for name in ("c1", "c2")]
    lake.ledger.append(PERSON_LINK, links)
    grant(lake, ["p_c1", "p_c2"])

    build_features.run(context_of(as_of=CUT))

    assert features_of(lake)["person_id"].tolist() == ["p_c1"]


def test_a_dry_run_counts_and_writes_nothing(lake: Lake, context_of: Callable[..., JobContext]) -> None:
    from shop_history import line

    lake.ledger.append(ORDER_LINE, [line("c1", date(2017, 11, 1), "a")])
    lake.ledger.append(PERSON_LINK, [{"namespace": "customer_id", "value": "c1", "person_id": "p_c1"}])
    grant(lake, ["p_c1"])
    lake.dry_run = True

    build_features.run(context_of(as_of=CUT))

    assert (lake.writes[-1].rows, lake.writes[-1].version) == (1, -1)
    assert not lake.exists(CUSTOMER_FEATURE)
    assert not lake.exists(FEATURE_SNAPSHOT)
