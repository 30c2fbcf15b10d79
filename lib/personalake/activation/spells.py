"""How long was really sent: from claim to outcome, without the time between runs."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from personalake.activation.backlog import Rows
from personalake.common.in_memory import in_memory

Spell = tuple[datetime, datetime]
# A part of a request that was cut is called by its name, and what stands behind a dot.
_REQUEST = "split_part(pack_id, '.', 1) AS request"
_CLAIMS = f"""
SELECT DISTINCT plan_id, log.destination, {_REQUEST}, pack_id, logged_at FROM log JOIN planned USING (delivery_id)
WHERE state = 'in_flight' AND pack_id IS NOT NULL
"""
# Whoever wrote that requests left has sent them itself. A claim of a run that died is settled by rows without any, from a
# later run, from a receipt or by hand: how long that run had been at work on it nobody knows.
_TOLD = f"""
SELECT destination, {_REQUEST}, pack_id, logged_at, coalesce(bool_or(requests > 0), false) AS is_answer
FROM log WHERE requests > 0 OR contains(pack_id, '.') GROUP BY ALL
"""
# A run that cuts a request claims its parts, of which nothing was told before: that begins nothing. A later run begins with
# a part that was claimed, or in doubt, already.
_FIRST = "SELECT destination, pack_id, min(logged_at) AS first_at FROM told GROUP BY ALL"
_BEGUN = f"""
SELECT claim.* FROM claim LEFT JOIN ({_FIRST}) AS first USING (destination, pack_id)
WHERE claim.pack_id = request OR logged_at > first_at
"""
_SPELLS = f"""
SELECT DISTINCT plan_id, destination, max(begun.logged_at) AS since, answer.logged_at AS until
FROM ({_BEGUN}) AS begun JOIN told AS answer USING (destination, request)
WHERE is_answer AND begun.logged_at <= answer.logged_at
AND (answer.pack_id = begun.pack_id OR starts_with(answer.pack_id, begun.pack_id || '.'))
GROUP BY plan_id, destination, answer.pack_id, answer.logged_at
"""


def spells_of_sending(outbox: Rows, log: Rows) -> Mapping[tuple[str, str], tuple[Spell, ...]]:
    """When at least one request was claimed and had no outcome yet, as far as runs came to write that down.

    Args:
        outbox: Rows of `gold.activation_outbox` that are part of a plan.
        log: All rows of `gold.activation_log` about them.

    Returns:
        Beginnings and ends, one after the other, by plan and destination.
    """
    with in_memory(threads=2) as opened:
        opened.register("planned", outbox.reader(("delivery_id", "plan_id")))
        opened.register("log", log.reader(("delivery_id", "destination", "state", "pack_id", "logged_at")))
        opened.execute(f"CREATE TABLE claim AS {_CLAIMS}")
        opened.register("log", log.reader(("destination", "pack_id", "requests", "logged_at")))
        opened.execute(f"CREATE TABLE told AS {_TOLD}")
        rows = opened.execute(_SPELLS).fetchall()
    found: dict[tuple[str, str], list[Spell]] = {}
    for plan_id, destination, since, until in rows:
        found.setdefault((plan_id, destination), []).append((since.astimezone(UTC), until.astimezone(UTC)))
    return {where: together(spells) for where, spells in found.items()}


def together(spells: Iterable[Spell]) -> tuple[Spell, ...]:
    """The same time with nothing of it twice.

    >>> day = [datetime(2026, 1, 1, hour) for hour in range(6)]
    >>> [(since.hour, until.hour) for since, until in together([(day[4], day[5]), (day[0], day[2]), (day[1], day[3])])]
    [(0, 3), (4, 5)]
    """
    found: list[Spell] = []
    for since, until in sorted(spells):
        if found and since <= found[-1][1]:
            found[-1] = (found[-1][0], max(until, found[-1][1]))
        else:
            found.append((since, until))
    return tuple(found)


def seconds_of(spells: Iterable[Spell]) -> float:
    """How long spells last that do not overlap."""
    return sum((until - since for since, until in spells), timedelta()).total_seconds()
