from datetime import UTC, date, datetime

import pandas as pd

from personalake.lake import Lake
from personalake.pipelines.recommend_items import run
from personalake.tables.gold import RECOMMENDATION
from tests.pipelines.weekly_shop import fill, order_line

AS_OF = date(2017, 12, 1)


def on(day: int) -> datetime:
    return datetime(2017, 11, day, 12, tzinfo=UTC)


LINES = [
    order_line("o1", "1", "i05", on(20)),
    order_line("o2", "2", "i05", on(21)),
    order_line("o3", "2", "i07", on(22)),
    order_line("o4", "3", "i06", on(23)),
]


def products_of(lake: Lake, person: str, slot: str) -> list[str]:
    rows = pd.DataFrame(lake.ledger.read(RECOMMENDATION))
    mine = rows[(rows["person_id"] == person) & (rows["slot"] == slot)]
    return mine.sort_values("rank")["product_id"].to_list()


def test_without_a_champion_popularity_serves_with_ties_by_id(lake, context_of):
    fill(lake, LINES)

    result = run(context_of())

    assert "popularity, as no champion serves yet" in result.message
    assert products_of(lake, "p99", "all_items") == ["i05", "i06", "i07"]
    assert products_of(lake, "p02", "all_items") == ["i05", "i06", "i07"]
    assert products_of(lake, "p02", "new_items") == ["i06"]


def test_what_happens_or_becomes_known_after_the_as_of_changes_nothing(lake, context_of):
    fill(lake, LINES)
    run(context_of())
    before = pd.DataFrame(lake.ledger.read(RECOMMENDATION))
    late = datetime(2017, 12, 1, tzinfo=UTC)

    fill(lake, [*LINES, order_line("o8", "1", "i06", late), order_line("o9", "1", "i07", on(29), late)])
    run(context_of())

    key = ["person_id", "slot", "rank"]
    after = pd.DataFrame(lake.ledger.read(RECOMMENDATION))
    pd.testing.assert_frame_equal(
        before.sort_values(key).reset_index(drop=True), after.sort_values(key).reset_index(drop=True)
    )


def test_another_as_of_leaves_the_first_alone_and_without_a_catalogue_every_product_counts(lake, context_of):
    fill(lake, [*LINES, order_line("o5", "3", "not-in-catalogue", on(24))], catalogue=False)
    run(context_of())
    first = len(lake.ledger.read(RECOMMENDATION))

    run(context_of(as_of=date(2017, 11, 23)))

    rows = pd.DataFrame(lake.ledger.read(RECOMMENDATION))
    assert (rows["as_of"] == AS_OF).sum() == first
    assert "not-in-catalogue" in set(rows[rows["as_of"] == AS_OF]["product_id"])
    assert set(rows[rows["as_of"] != AS_OF]["product_id"]) == {"i05", "i07"}


def test_a_dry_run_writes_nothing_and_says_how_many(lake, context_of):
    fill(lake, LINES)
    lake.dry_run = True
    lake.writes.clear()

    run(context_of())

    assert [(write.table, write.rows > 0) for write in lake.writes] == [("gold.recommendation", True)]
    assert not lake.exists(RECOMMENDATION)
