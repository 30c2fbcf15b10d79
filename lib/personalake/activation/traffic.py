"""What went to each destination, and what came back from it: requests, deliveries that arrived, people who were left out."""

from collections.abc import Mapping
from typing import NamedTuple

from personalake.activation.backlog import Rows
from personalake.activation.last_state import last_states
from personalake.activation.receipts.matching import PERSON_ID
from personalake.activation.receipts.responses import RESPONSES
from personalake.common.in_memory import in_memory

# The operation of rows of the outbox that say who was held out; nothing of them ever leaves.
HELD_OUT = "holdout"
_OUTBOX = ("delivery_id", "destination", "operation", "person_id", "plan_id")
_LOG = ("delivery_id", "destination", "state", "reference", "requests", "logged_at")
_ARRIVED = ", ".join(f"'{kind}'" for kind in RESPONSES)


class Traffic(NamedTuple):
    """One destination.

    Args:
        calls: Requests that left, each try and each half of one that was cut; of a run that died, those it wrote down.
        delivered: Deliveries of plans of which a receipt says that they arrived, and that count as sent still: who took one
            and sent it back later is not among them.
        held_out: People who were left alone because they are held out, each message of a decision by itself.
    """

    calls: int = 0
    delivered: int = 0
    held_out: int = 0


def traffic(outbox: Rows, log: Rows, receipts: Rows, links: Rows) -> Mapping[str, Traffic]:
    """Count by destination.

    Args:
        outbox: Rows of `gold.activation_outbox`.
        log: Rows of `gold.activation_log`.
        receipts: Rows of `silver.delivery_receipt`; those that name a request count if it was of one delivery, or if they
            name the person, too.
        links: Rows of `silver.person_link`.
    """
    with in_memory(threads=2) as opened:
        opened.register("given_log", log.reader(_LOG))
        opened.execute("CREATE TABLE log AS FROM given_log")
        opened.register("receipt", receipts.reader(("delivery_id", "reference", "receipt_type", "namespace", "customer_id")))
        opened.execute(f"CREATE TABLE told AS {_TOLD}")
        opened.register("link", links.reader(("namespace", "value", "person_id")))
        opened.execute(f"CREATE TABLE named AS {_NAMED}")
        opened.register("given_outbox", outbox.reader(_OUTBOX))
        opened.execute("CREATE TABLE outbox AS FROM given_outbox")
        opened.execute(f"CREATE TABLE arrived AS {_DELIVERED}")
        opened.execute(f"CREATE TABLE stands AS {_STANDS}")
        rows = opened.execute(_QUERY).fetchall()
    return {destination: Traffic(*counts) for destination, *counts in rows}


_TOLD = f"""
SELECT DISTINCT delivery_id, reference, namespace, customer_id FROM receipt
WHERE receipt_type IN ({_ARRIVED}) AND (delivery_id IS NOT NULL OR reference IS NOT NULL)
"""
# Of receipts that name a request alone, the person; as `receipts.matching` finds it, without addresses.
_NAMED = f"""
WITH asked AS (SELECT DISTINCT namespace, customer_id FROM told WHERE delivery_id IS NULL AND customer_id IS NOT NULL)
SELECT asked.namespace, customer_id, person_id FROM asked
    JOIN link ON link.namespace = asked.namespace AND link.value = asked.customer_id
UNION SELECT namespace, customer_id, customer_id FROM asked WHERE namespace = '{PERSON_ID}'
"""
_DELIVERED = """
WITH alone AS (
    SELECT reference, any_value(delivery_id) AS delivery_id FROM log
    WHERE reference IS NOT NULL GROUP BY reference HAVING count(DISTINCT delivery_id) = 1
)
SELECT delivery_id FROM told WHERE delivery_id IS NOT NULL
UNION SELECT alone.delivery_id FROM told JOIN alone USING (reference) WHERE told.delivery_id IS NULL
UNION SELECT outbox.delivery_id FROM told JOIN named USING (namespace, customer_id) JOIN outbox USING (person_id)
    JOIN log ON log.delivery_id = outbox.delivery_id AND log.reference = told.reference
WHERE told.delivery_id IS NULL
"""
_LAST = last_states("(SELECT * FROM log WHERE delivery_id IN (SELECT delivery_id FROM arrived))")
_STANDS = f"SELECT delivery_id FROM ({_LAST}) WHERE state IN ('accepted', 'confirmed')"
_QUERY = f"""
WITH called AS (
    SELECT destination, sum(requests)::BIGINT AS calls FROM log GROUP BY destination
), planned AS (
    SELECT destination, count_if(stands.delivery_id IS NOT NULL AND plan_id IS NOT NULL) AS delivered,
        count_if(operation = '{HELD_OUT}') AS held_out
    FROM outbox LEFT JOIN stands USING (delivery_id) GROUP BY destination
)
SELECT destination, coalesce(calls, 0), coalesce(delivered, 0), coalesce(held_out, 0)::BIGINT
FROM planned FULL JOIN called USING (destination) WHERE destination IS NOT NULL
"""
