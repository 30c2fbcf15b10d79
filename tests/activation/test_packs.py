from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation.packs import Limits, pack

ITEMS = st.lists(st.integers(min_value=0, max_value=40), max_size=60)
LIMITS = st.builds(
    Limits,
    max_items=st.integers(1, 10),
    max_bytes=st.integers(50, 120),
    envelope=st.integers(0, 10),
    separator=st.integers(0, 2),
)


@settings(max_examples=300)
@given(sizes=ITEMS, limits=LIMITS)
def test_limits_hold_nothing_is_lost_and_order_is_kept(sizes: list[int], limits: Limits) -> None:
    packs = list(pack(sizes, limits))

    assert [place for places in packs for place in places] == list(range(len(sizes)))
    for places in packs:
        separators = limits.separator * (len(places) - 1)
        assert 1 <= len(places) <= limits.max_items
        assert limits.envelope + separators + sum(sizes[place] for place in places) <= limits.max_bytes


@settings(max_examples=100)
@given(sizes=ITEMS, limits=LIMITS)
def test_the_first_item_of_a_pack_would_not_have_fitted_into_the_one_before(sizes: list[int], limits: Limits) -> None:
    packs = list(pack(sizes, limits))

    for before, after in pairwise(packs):
        grown = [*before, after[0]]
        size = limits.envelope + limits.separator * len(before) + sum(sizes[place] for place in grown)
        assert len(grown) > limits.max_items or size > limits.max_bytes


def test_an_item_beyond_the_limit_is_an_error_not_a_silent_loss() -> None:
    with pytest.raises(ValueError, match="item 1 has 9 bytes; a pack holds 8"):
        list(pack([1, 9], Limits(max_items=5, max_bytes=10, envelope=2)))
