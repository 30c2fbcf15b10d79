import asyncio
from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation.chunks import Chunk, chunks
from personalake.activation.contract import Limits
from personalake.activation.delivery import Delivery, Outcome, Pack
from personalake.activation.packing import Packing, packed
from tests.activation.doubles import START, Scripted, deliveries, delivery

ITEMS = st.lists(
    st.tuples(
        st.integers(0, 9), st.sampled_from(["attributes", "event", "purchase"]), st.integers(0, 40), st.integers(0, 3)
    ),
    max_size=80,
)
LIMITS = st.builds(
    Limits,
    max_items=st.none() | st.integers(1, 12),
    max_bytes=st.integers(90, 200),
    max_item_bytes=st.integers(20, 90),
    max_each=st.none() | st.integers(1, 5),
    separator=st.integers(0, 1),
    distinct=st.booleans(),
)


class Keyed(Scripted):
    """Groups by the payload's second letter, keys by person."""

    def group_of(self, delivery: Delivery) -> str:
        return delivery.payload[1]

    def key_of(self, delivery: Delivery) -> str:
        return delivery.person_id

    def envelope(self, group: str, first: Delivery) -> int:
        return 7

    def problem_of(self, delivery: Delivery) -> str | None:
        return None


@settings(max_examples=250)
@given(items=ITEMS, limits=LIMITS)
def test_no_limit_is_exceeded_nothing_is_lost_and_each_persons_order_is_kept(
    items: list[tuple[int, str, int, int]], limits: Limits
) -> None:
    given_ones = [
        Delivery(str(place), str(person), operation, f'"{group}{"x" * size}"')
        for place, (person, operation, size, group) in enumerate(items)
    ]
    connector = Keyed(limits=limits)

    parts = list(packed(given_ones, connector, START))

    packs = [part for part in parts if isinstance(part, Pack)]
    refused = {name for part in parts if isinstance(part, Outcome) for name in part.delivery_ids}
    sent = [one for pack in packs for one in pack.deliveries]
    assert sorted([*refused, *(one.delivery_id for one in sent)]) == sorted(one.delivery_id for one in given_ones)
    assert len({pack.pack_id for pack in packs}) == len(packs)
    for pack in packs:
        size = sum(connector.size_of(one) for one in pack.deliveries) + limits.separator * (len(pack.deliveries) - 1)
        counts = Counter(one.operation for one in pack.deliveries)
        assert size == pack.size
        assert limits.max_items is None or len(pack.deliveries) <= limits.max_items
        assert limits.max_each is None or max(counts.values()) <= limits.max_each
        assert limits.max_bytes is None or size + 7 <= limits.max_bytes
        assert all(connector.size_of(one) <= (limits.max_item_bytes or 0) for one in pack.deliveries)
        assert {one.payload[1] for one in pack.deliveries} == {pack.group}
        assert not limits.distinct or len({one.person_id for one in pack.deliveries}) == len(pack.deliveries)
    in_order = defaultdict(list)
    for one in sent:
        in_order[one.person_id].append(int(one.delivery_id))
    assert all(places == sorted(places) for places in in_order.values())


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(100, 32_000), min_size=800, max_size=1_200))
def test_requests_are_filled_to_95_per_cent_of_the_binding_limit(sizes: list[int]) -> None:
    connector = Scripted(limits=Limits(2_500, max_bytes=500_000, max_item_bytes=32_000))
    given_ones = [delivery(str(place), payload='"' + "x" * (size - 2) + '"') for place, size in enumerate(sizes)]
    connector.problem_of = lambda one: None  # type: ignore[method-assign]

    packs = [part for part in packed(given_ones, connector, START) if isinstance(part, Pack)]

    whole = [max(pack.size / 500_000, len(pack.deliveries) / 2_500) for pack in packs[:-8]]
    assert not whole or sum(whole) / len(whole) >= 0.95


@settings(max_examples=150)
@given(
    items=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=80),
    slices=st.integers(1, 30),
    max_items=st.none() | st.integers(1, 30),
    max_bytes=st.none() | st.integers(60, 2_000),
)
def test_slices_that_are_packed_whole_make_the_requests_that_one_by_one_would(
    items: list[tuple[int, int]], slices: int, max_items: int | None, max_bytes: int | None
) -> None:
    given_ones = [Delivery(f"d{place}", f"p{who}", "x", f'"{"x" * size}"') for place, (who, size) in enumerate(items)]
    whole = Scripted(limits=Limits(max_items, max_bytes, max_item_bytes=38))
    whole.problem_of = lambda one: None  # type: ignore[method-assign]
    single = Packing(whole, START)
    single._is_plain = False

    packing, made = Packing(whole, START), []
    for place in range(0, len(given_ones), slices):
        made += packing.add(given_ones[place : place + slices])

    assert [*made, *packing.rest()] == [*single.add(given_ones), *single.rest()]


def test_rows_with_one_key_go_into_different_requests_that_still_fill_up() -> None:
    connector = Keyed(limits=Limits(5, distinct=True))
    given_ones = [Delivery(f"{n}-{turn}", f"p{n}", "row", '"a"') for n in range(40) for turn in range(2)]

    packs = [part for part in packed(given_ones, connector, START) if isinstance(part, Pack)]

    assert [len(pack.deliveries) for pack in packs] == [5] * 16
    assert [one.delivery_id for pack in packs for one in pack.deliveries if one.person_id == "p7"] == ["7-0", "7-1"]


def test_names_of_requests_sort_in_the_order_of_sending() -> None:
    packs = [part for part in packed(deliveries(*"abcdefg"), Scripted(), START) if isinstance(part, Pack)]

    names = [pack.pack_id for pack in packs]
    assert names == sorted(names)
    assert names[0].startswith("20260101T000000Z-000001-")


def test_chunks_hold_whole_requests() -> None:
    async def made() -> list[Chunk]:
        return [chunk async for chunk in chunks(deliveries(*"abcdefgh"), Packing(Scripted(), START), max_items=lambda: 6)]

    sizes = [[len(part.deliveries) for part in chunk if isinstance(part, Pack)] for chunk in asyncio.run(made())]
    assert sizes == [[3, 3], [2]]
