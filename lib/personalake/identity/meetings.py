"""Whether what people buy by card and what their browsers do end in one person; where they do not, why.

For those who know the truth: a test, a benchmark, an audit of people who agreed to be asked.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from personalake.identity.graph import VISIT

# What became of a person, and what there was to know them by.
MET, LOST, UNLIKE, GUARDED = "met", "lost", "records not found alike", "guard"
NEVER_SIGNED_IN, NO_ACCOUNT, NO_CARD = "never signed in", "account in no record", "card in no record"
SHARED, ALIKE, NONE = "shared identifiers", "likeness", "none"
BRIDGES = ("loyalty_id", "login", "cookie_id")
_PAIR, _HUB = "pair", "hub"
Identifier = tuple[str, str]


def meetings(bought: pd.DataFrame, seen: pd.DataFrame, records: pd.DataFrame, guards: pd.DataFrame) -> pd.DataFrame:
    """What became of each person of whom both a purchase by card and a visit are known.

    A bridge of shared identifiers is a chain of records and visits, each of which shares an account, a card or a cookie with
    the next, from the card that was shown to the browser. Whoever has one must meet, unless a guard refused a link of it. A
    bridge of likeness has a gap that only resemblance can close. Without a bridge nobody can know.

    Args:
        bought: `person` (who it truly is), `loyalty_id`, `person_id` (whose it was found to be).
        seen: `person`, `login` and `cookie_id` (None for none), `person_id`.
        records: Rows of `silver.match_record` with the true `person`; a visit that two persons share is there for each.
        guards: Rows of `silver.identity_guard`.

    Returns:
        One row per `person`: `bridge` (shared identifiers, likeness, none) and `outcome`: `met`, `lost` (nothing refused a
        bridge of shared identifiers, and yet it did not hold), `guard: …` with the guards that stood in the way, `records
        not found alike`, or why there is no bridge: `never signed in`, `account in no record`, `card in no record`.
    """
    cards, visits, held = (dict(iter(frame.groupby("person"))) for frame in (bought, seen, records))
    nothing = records.iloc[:0]
    rows = [
        (person, *_judged(cards[person], visits[person], held.get(person, nothing), guards))
        for person in sorted({*cards} & {*visits}, key=str)
    ]
    return pd.DataFrame(rows, columns=["person", "bridge", "outcome"])


def _judged(bought: pd.DataFrame, seen: pd.DataFrame, records: pd.DataFrame, guards: pd.DataFrame) -> tuple[str, str]:
    has_met = bool({*bought["person_id"]} & {*seen["person_id"]})
    cards, browsers, visits = _all(bought), _all(seen), _groups(seen)
    if _connected(cards, browsers, [*_groups(records), *visits]):
        return SHARED, MET if has_met else _refusal(records, guards, cards, browsers, visits) or LOST
    told = records[~records["record_key"].str.contains(f":{VISIT}", regex=False)]
    if _connected(cards, browsers, [*_groups(records), *visits, _all(told)]):
        return ALIKE, MET if has_met else _contradiction(told, guards) or UNLIKE
    logins = {each for each in browsers if each[0] == "login"}
    return NONE, MET if has_met else NEVER_SIGNED_IN if not logins else NO_CARD if logins & _all(told) else NO_ACCOUNT


def _refusal(
    records: pd.DataFrame,
    guards: pd.DataFrame,
    cards: set[Identifier],
    browsers: set[Identifier],
    visits: list[set[Identifier]],
) -> str | None:
    """The guards without which the bridge would stand: it leads over a hub, or over a record of which a link was refused."""
    hubs = {(row["namespace"], row["value"]) for row in guards.to_dict("records") if row["guard"] == _HUB}
    refused = {key: row["guard"] for row in _pairs(guards) for key in row["keys"]}
    free = records[~records["record_key"].isin(list(refused))]
    if _connected(cards, browsers, [group - hubs for group in [*_groups(free), *visits]]):
        return None
    names = {refused[key] for key in records["record_key"] if key in refused}
    names |= {_HUB} if hubs & (_all(records) | browsers) else set()
    return f"{GUARDED}: {', '.join(sorted(names))}"


def _contradiction(records: pd.DataFrame, guards: pd.DataFrame) -> str | None:
    """The guards that refused a link between two records of this very person."""
    own = {*records["record_key"]}
    names = {row["guard"] for row in _pairs(guards) if row["keys"] <= own}
    return f"{GUARDED}: {', '.join(sorted(names))}" if names else None


def _pairs(guards: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in guards.to_dict("records"):
        if row["namespace"] == _PAIR and row["value"] is not None:
            yield {"guard": str(row["guard"]), "keys": {*str(row["value"]).split(" ")}}


def _groups(rows: pd.DataFrame) -> list[set[Identifier]]:
    """What each row holds together."""
    return [
        {(kind, str(row[kind])) for kind in BRIDGES if isinstance(row.get(kind), str)} for row in rows.to_dict("records")
    ]


def _all(rows: pd.DataFrame) -> set[Identifier]:
    return set[Identifier]().union(*_groups(rows))


def _connected(left: set[Identifier], right: set[Identifier], groups: Iterable[set[Identifier]]) -> bool:
    """Whether identifiers of one side reach one of the other through what holds them together."""
    reached, waiting = set(left), list(groups)
    while touched := [group for group in waiting if group & reached]:
        waiting = [group for group in waiting if not group & reached]
        reached.update(*touched)
    return bool(reached & right)
