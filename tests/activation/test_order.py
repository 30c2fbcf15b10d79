"""Whoever comes later waits for all who are at work on the same people."""

from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.activation.delivery import Pack
from personalake.activation.order import Order, Turn
from tests.activation.doubles import delivery

PEOPLE = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=4)


def waits_for(turn: Turn, earlier: Turn) -> bool:
    """Whether it waits, also by way of others that are not done."""
    return any(one is earlier or waits_for(one, earlier) for one in turn.before if not one.is_done)


@settings(max_examples=150)
@given(steps=st.lists(PEOPLE | st.integers(0, 5), max_size=25), keyed=st.booleans())
def test_a_request_waits_for_all_that_are_at_work_on_its_people_and_for_no_others(
    steps: list[list[str] | int], keyed: bool
) -> None:
    order, at_work = Order(), list[tuple[set[str], Turn]]()
    for step in steps:
        if isinstance(step, int):
            # Who still waits is not at its end.
            free = [one for one in at_work if all(earlier.is_done for earlier in one[1].before)]
            if free:
                at_work.remove(done := free[step % len(free)])
                order.leave(done[1])
            continue
        # The same names as people of the deliveries, or as keys of the request.
        alone = (delivery(f"d{len(at_work)}", f"only-{id(step)}"),)
        ones = alone if keyed else tuple(delivery(f"d{place}", person) for place, person in enumerate(step))
        turn = order.enter(Pack("p", "", ones, 1, keys=tuple(step) if keyed else ()))

        for people, earlier in at_work:
            if people & set(step):
                assert waits_for(turn, earlier)
        assert all(one.is_done or any(one is earlier for _, earlier in at_work) for one in turn.before)
        assert bool([one for one in turn.before if not one.is_done]) == any(people & set(step) for people, _ in at_work)
        at_work.append((set(step), turn))
