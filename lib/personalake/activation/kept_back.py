"""What may have left before and is kept back, as the log says already: nothing is claimed, sent or said of it again."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import islice

from personalake.activation.contract import Connector
from personalake.activation.delivery import Claim, Delivery
from personalake.activation.journal import Check
from personalake.activation.reasons import told

_AT_ONCE = 10_000
_NUMBER = re.compile(r"\d+")
_MAY_HAVE_LEFT, _WITHOUT = "may have left before", ", and its request leaves again without it"


def doubt(reason: str, is_left_out: bool = False) -> str:
    """What is said of a delivery that may have left before, and must not be sent again.

    Args:
        reason: Why not.
        is_left_out: Whether others leave again under the name of the request that it was part of.

    >>> doubt("no consent"), doubt("no consent", is_left_out=True)
    ('may have left before: no consent', 'may have left before, and its request leaves again without it: no consent')
    """
    return f"{_MAY_HAVE_LEFT}{_WITHOUT if is_left_out else ''}: {told(reason)}"


def is_left_out(claim: Claim) -> bool:
    """Whether the last that was said of a delivery is that its request leaves again without it."""
    return (claim.doubt or "").startswith(f"{_MAY_HAVE_LEFT}{_WITHOUT}")


def unmarked(said: str | None) -> str | None:
    """A doubt without the word that others leave.

    >>> unmarked(doubt("no consent", is_left_out=True)) == doubt("no consent")
    True
    """
    return None if said is None else said.replace(_WITHOUT, "", 1)


def kept_back(doubtful: Iterable[Delivery], check: Check) -> frozenset[str]:
    """Deliveries that are unknown for a reason for which they must not be sent again, and which still holds.

    Args:
        doubtful: What may have left before.
        check: The last look before sending.
    """
    said = (one for one in doubtful if one.claim is not None and (one.claim.doubt or "").startswith(_MAY_HAVE_LEFT))
    found: set[str] = set()
    while some := list(islice(said, _AT_ONCE)):
        reasons = check(some)
        found.update(
            one.delivery_id
            for one in some
            if one.claim is not None and one.delivery_id in reasons and _is_said(one.claim, reasons[one.delivery_id])
        )
    return frozenset(found)


def beside_others(
    doubtful: Iterable[Delivery], kept: frozenset[str], is_held: Callable[[Delivery], bool], connector: Connector
) -> frozenset[str]:
    """Those of whom the log does not say so far that their request leaves again without them, and now it does.

    Args:
        doubtful: What may have left before.
        kept: What of it is kept back.
        is_held: Whether another one stays unknown, and does not leave.
        connector: Where they go.

    Returns:
        None, unless the destination remembers requests.
    """
    if connector.declaration.deduplication != "request_key":
        return frozenset()
    leaving: set[str] = set()
    beside: defaultdict[str, list[str]] = defaultdict(list)
    for one in doubtful:
        if one.claim is None:
            continue
        if one.delivery_id not in kept:
            if not is_held(one):
                leaving.add(one.claim.pack_id)
        elif not is_left_out(one.claim):
            beside[one.claim.pack_id].append(one.delivery_id)
    return frozenset(name for pack_id, names in beside.items() if pack_id in leaving for name in names)


def _is_said(claim: Claim, reason: str) -> bool:
    """Whether the log has the same reason; how many days ago something was is another number each day."""
    said = _NUMBER.sub("", claim.doubt or "")
    return said in [_NUMBER.sub("", doubt(reason, is_left_out)) for is_left_out in (False, True)]
