"""What people allow, written straight into silver."""

from collections.abc import Iterable
from datetime import UTC, datetime

from personalake.lake import Lake
from personalake.tables.silver import CONSENT, CONSENT_CURRENT

GIVEN_AT = datetime(2017, 1, 1, tzinfo=UTC)


def grant(lake: Lake, persons: Iterable[str], purpose: str = "personalisation", status: str = "granted") -> None:
    """What persons said by the as-of."""
    lake.ledger.append(
        CONSENT_CURRENT,
        [
            {"person_id": person, "purpose": purpose, "status": status, "occurred_at": GIVEN_AT, "known_at": GIVEN_AT}
            for person in persons
        ],
    )


def withdraw(lake: Lake, customers: Iterable[str], purpose: str = "personalisation") -> None:
    """What customers said since, which no as-of has yet."""
    at = datetime(2018, 6, 1, tzinfo=UTC)
    lake.ledger.append(
        CONSENT,
        [
            {"record_id": f"w-{name}", "namespace": "customer_id", "customer_id": name, "purpose": purpose,
             "status": "withdrawn", "occurred_at": at, "known_at": at}
            for name in customers
        ],
    )  # fmt: skip
