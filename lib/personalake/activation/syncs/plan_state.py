"""The states of a plan, and which of them may leave."""

from collections.abc import Iterable, Mapping
from typing import Any

READY, AWAITING, APPROVED, STOPPED, SUPERSEDED = "ready", "awaiting_approval", "approved", "stopped", "superseded"
# Mode of a plan that only takes away who may not be told any more, beside the plan that has all else to say.
WITHDRAWALS = "withdrawals"
# A person said no: of this as-of and content nothing is planned again.
REJECTED = "rejected"
# What may leave now; that, or once a person approves it; and what a later plan ends.
STANDING = (READY, APPROVED)
WANTED = (AWAITING, *STANDING)
OPEN = (*WANTED, STOPPED)


def in_order(rows: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Rows of `gold.activation_plan` as they came; of states of one instant, one that keeps a plan from leaving is the last.

    >>> [row["state"] for row in in_order([{"logged_at": 2, "state": "stopped"}, {"logged_at": 2, "state": "ready"}])]
    ['ready', 'stopped']
    """
    return sorted(rows, key=lambda row: (row["logged_at"], row["state"] not in STANDING))
