"""What is unknown for a reason that still holds, and is not said again."""

from collections.abc import Sequence
from datetime import UTC, datetime

from personalake.activation.delivery import Claim, Delivery
from personalake.activation.kept_back import doubt, is_left_out, kept_back

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_reason_that_still_holds_is_kept_though_its_days_are_counted_on() -> None:
    said = {"d1": doubt("its plan was made 8 days ago"), "d2": doubt("no consent"), "d3": doubt("no consent"), "d4": None}

    def check(deliveries: Sequence[Delivery]) -> dict[str, str]:
        reasons = {"d1": "its plan was made 9 days ago", "d2": "no consent", "d3": "suppressed", "d4": "no consent"}
        return {one.delivery_id: reasons[one.delivery_id] for one in deliveries}

    doubtful = [Delivery(name, "p", "x", "{}", claim=Claim("r1", NOW, reason)) for name, reason in said.items()]

    assert kept_back(doubtful, check) == {"d1", "d2"}
    again = [Delivery("d2", "p", "x", "{}", claim=Claim("r1", NOW, doubt("no consent", is_left_out=True)))]
    assert kept_back(again, check) == {"d2"}
    assert [is_left_out(one.claim) for one in (*doubtful, *again) if one.claim] == [False] * 4 + [True]
