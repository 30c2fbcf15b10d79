"""How much of a plan is claimed at a time."""

from dataclasses import replace

from personalake.activation.claiming import ClaimSize
from personalake.activation.connectors.base import declared
from personalake.config.connections import Connection

HOLDING = declared(Connection(max_items=1, max_in_flight=8, unknown="hold"))


def test_where_a_lost_reply_is_held_about_ten_seconds_of_sending_are_claimed_at_a_time() -> None:
    size = ClaimSize(HOLDING)

    first = size.items
    size.took(32, 1.6)
    size.took(128, 6.4)
    slow = size.items
    size.took(200, 0.1)

    assert (first, slow, size.items) == (4 * 8, 200, 800)


def test_a_quick_destination_is_claimed_for_as_much_as_the_settings_allow_after_a_few_chunks() -> None:
    size = ClaimSize(HOLDING)

    for _ in range(5):
        size.took(size.items, size.items / 10_000)

    assert size.items == 20_000


def test_all_requests_that_may_be_under_way_find_something_to_send() -> None:
    size = ClaimSize(replace(HOLDING, limits=replace(HOLDING.limits, max_items=75)))

    size.took(10, 1_000.0)

    assert size.items == 8 * 75


def test_where_a_repetition_does_no_harm_or_the_settings_ask_for_less_the_settings_count() -> None:
    assert ClaimSize(replace(HOLDING, unknown="resend_same_key")).items == 20_000
    assert ClaimSize(replace(HOLDING, chunk_items=3)).items == 3
