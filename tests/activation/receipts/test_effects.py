"""What follows from receipts."""

from datetime import UTC, datetime

from pyspark.sql import SparkSession

from personalake.activation.receipts import suppressions
from personalake.tables.receipts import DELIVERY_RECEIPT

NOW = datetime(2026, 5, 2, tzinfo=UTC)
FOUND = "address_namespace string, person_id string, about string, is_key_known boolean"


def test_an_address_that_bounced_at_a_time_to_come_is_left_alone_from_now_on(spark: SparkSession) -> None:
    told = [
        {"record_id": name, "source": "mail", "receipt_type": "hard_bounce", "channel": "email", "person_id": name,
         "occurred_at": at, "known_at": at}
        for name, at in (("now", datetime(2026, 5, 1)), ("far", datetime(2040, 1, 1)))
    ]  # fmt: skip
    # Which device it was nobody says: who holds it may have others.
    told.append({**told[0], "record_id": "push", "person_id": "push", "channel": "push"})
    schema = f"{', '.join(f'{field.name} {field.dataType.simpleString()}' for field in DELIVERY_RECEIPT.schema)}, {FOUND}"
    names = [*DELIVERY_RECEIPT.columns, *(part.split()[0] for part in FOUND.split(", "))]
    receipts = spark.createDataFrame([tuple(row.get(name) for name in names) for row in told], schema)

    found = suppressions(receipts, None, "1", days=30, user_days=None, now=NOW).collect()

    assert {row["person_id"]: (row["since"], row["until"]) for row in found} == {
        "now": (datetime(2026, 5, 1), datetime(2026, 5, 31)),
        "far": (datetime(2026, 5, 2), datetime(2026, 6, 1)),
    }
