import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.privacy.regional_figures import EVERYONE, Figure, published, regional_figures


def people(dimension: str, others: int = 0, **groups: int) -> list[Figure]:
    everyone = sum(groups.values()) + others
    cells = [Figure("people", dimension, name, count, float(count)) for name, count in groups.items()]
    return [Figure("people", EVERYONE, EVERYONE, everyone, float(everyone)), *cells]


def told(figures: list[Figure], smallest: int = 50) -> set[str]:
    return {figure.member for figure in published(figures, smallest)}


def test_figures_count_people_orders_spend_segments_actions_and_grants() -> None:
    profiles = pd.DataFrame({"person_id": ["a", "b", "c"], "orders": [2, 1, 0], "spend": [10.5, 2.0, None],
                             "currency": ["EUR", "EUR", None]})  # fmt: skip
    segments = pd.DataFrame({"person_id": ["a", "b"], "segment": ["Champions", "Champions"]})
    consents = pd.DataFrame({"person_id": ["a", "b"], "purpose": ["push", "push"], "status": ["granted", "denied"]})
    decisions = pd.DataFrame({"person_id": ["a"], "action": ["show"]})

    found = {(row.figure, row.dimension, row.member): (row.people, row.value) for row in
             regional_figures(profiles, segments, consents, decisions)}  # fmt: skip

    assert found == {
        ("people", "all_people", "all_people"): (3, 3.0),
        ("orders", "all_people", "all_people"): (2, 3.0),
        ("spend", "currency", "EUR"): (2, 12.5),
        ("people", "rfm", "Champions"): (2, 2.0),
        ("people", "grants", "push"): (1, 1.0),
        ("people", "action", "show"): (1, 1.0),
    }


def test_a_small_group_is_hidden_and_with_it_the_one_whose_difference_would_tell_it() -> None:
    assert told(people("rfm", large=200, middle=60, small=10)) == {EVERYONE, "large"}
    assert told(people("rfm", large=200, middle=60, small=40, tiny=20)) == {EVERYONE, "large", "middle"}
    assert told(people("rfm", large=200, middle=60)) == {EVERYONE, "large", "middle"}


def test_a_hidden_part_of_the_buyers_is_not_what_their_published_number_leaves_over() -> None:
    profiles = pd.DataFrame(
        {"person_id": range(1_000), "orders": [1] * 500 + [0] * 500, "spend": 10.0,
         "currency": ["EUR"] * 497 + ["CHF"] * 3 + [None] * 500}
    )  # fmt: skip
    segments = pd.DataFrame({"person_id": range(500), "segment": ["loyal"] * 300 + ["new"] * 197 + ["leaving"] * 3})
    decisions = pd.DataFrame({"person_id": range(200), "action": ["show"] * 198 + ["call"] * 2})
    consents = pd.DataFrame({"person_id": [], "purpose": [], "status": []})

    shown = published(regional_figures(profiles, segments, consents, decisions), 50)

    assert [(figure.dimension, figure.member, figure.people) for figure in shown] == [
        (EVERYONE, EVERYONE, 500),
        (EVERYONE, EVERYONE, 1_000),
        ("rfm", "loyal", 300),
    ]


def test_who_does_not_grant_is_told_by_nobody_if_they_are_few() -> None:
    everyone = Figure("people", EVERYONE, EVERYONE, 1000, 1000.0)
    grants = [Figure("people", "grants", name, count, float(count)) for name, count in (("all_but_9", 991), ("half", 500))]

    assert {figure.member for figure in published([everyone, *grants], 50)} == {EVERYONE, "half"}


@settings(max_examples=60)
@given(sizes=st.lists(st.integers(1, 300), min_size=1, max_size=8), others=st.integers(0, 300), smallest=st.integers(2, 100))
def test_no_group_and_no_difference_of_groups_is_smaller_than_the_smallest_cell(
    sizes: list[int], others: int, smallest: int
) -> None:
    figures = people("rfm", others, **{f"s{place}": size for place, size in enumerate(sizes)})

    shown = published(figures, smallest)

    cells = [figure.people for figure in shown if figure.dimension == "rfm"]
    assert all(count >= smallest for count in cells)
    for hidden in (sum(sizes) - sum(cells), sum(sizes) + others - sum(cells)):
        assert hidden == 0 or hidden >= smallest or not cells
