import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.privacy.regional_figures import EVERYONE, Figure, published, regional_figures


def people(dimension: str, **groups: int) -> list[Figure]:
    everyone = sum(groups.values())
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


def test_who_does_not_grant_is_told_by_nobody_if_they_are_few() -> None:
    everyone = Figure("people", EVERYONE, EVERYONE, 1000, 1000.0)
    grants = [Figure("people", "grants", name, count, float(count)) for name, count in (("all_but_9", 991), ("half", 500))]

    assert {figure.member for figure in published([everyone, *grants], 50)} == {EVERYONE, "half"}


@settings(max_examples=60)
@given(sizes=st.lists(st.integers(1, 300), min_size=1, max_size=8), smallest=st.integers(2, 100))
def test_no_group_and_no_difference_of_groups_is_smaller_than_the_smallest_cell(sizes: list[int], smallest: int) -> None:
    figures = people("rfm", **{f"s{place}": size for place, size in enumerate(sizes)})

    shown = published(figures, smallest)

    cells = [figure.people for figure in shown if figure.dimension == "rfm"]
    assert all(count >= smallest for count in cells)
    if any(figure.dimension == EVERYONE for figure in shown):
        hidden = sum(sizes) - sum(cells)
        assert hidden == 0 or hidden >= smallest or not cells
