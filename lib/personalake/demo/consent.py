"""Synthetic consent: the data set knows none, so every record says `synthetic-demo`."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from personalake.demo.chance import as_share, below, draw, seconds
from personalake.demo.journey import FIRST_DAY
from personalake.demo.landing import Delivery, json_lines

PURPOSES = ("personalisation", "email_marketing", "push_marketing", "ad_sharing")
# Shares of households for each purpose; the rest (6 %) was never asked and has no record.
GRANTED_SHARE, DENIED_SHARE, WITHDRAWN_SHARE = 0.82, 0.07, 0.05
# First answers come before the year's first purchase (11:53); withdrawals from the second month on.
ANSWER_SECONDS = 10 * 3600
WITHDRAWAL_DAYS = (30, 365)


def consent_deliveries(households: pd.Series, seed: int) -> Iterator[Delivery]:
    """All consent records, by landing day: the first answers together, each withdrawal on its day."""
    records = consent_records(households, seed)
    for day, of_day in records.groupby(records["sent_at"].dt.date):
        path = f"consent/{day}/consent.json"
        yield Delivery("consent", day, (path,), len(of_day), partial(_contents, of_day, path))


def consent_records(households: pd.Series, seed: int) -> pd.DataFrame:
    """The households' answers, in the order in which they were sent.

    Returns:
        One row per answer: `household_id`, `purpose`, `ordinal` (1 the first answer, 2 the withdrawal),
        `status`, `occurred_at`, `sent_at`.
    """
    records = pd.concat([_answers(households, purpose, seed) for purpose in PURPOSES])
    return records.sort_values(["sent_at", "household_id", "purpose"], ignore_index=True)


def _answers(households: pd.Series, purpose: str, seed: int) -> pd.DataFrame:
    share = as_share(draw(seed, f"consent:{purpose}", households))
    denied = (share >= GRANTED_SHARE) & (share < GRANTED_SHARE + DENIED_SHARE)
    answered = share < GRANTED_SHARE + DENIED_SHARE + WITHDRAWN_SHARE
    withdrawn = answered & (share >= GRANTED_SHARE + DENIED_SHARE)
    first = pd.DataFrame({"household_id": households, "purpose": purpose, "ordinal": 1})
    first["status"] = np.where(denied, "denied", "granted")
    moment = below(draw(seed, f"consent-time:{purpose}", households), ANSWER_SECONDS)
    first["occurred_at"] = _first_midnight() + seconds(moment)
    later = first.assign(ordinal=2, status="withdrawn", occurred_at=_withdrawals(households, purpose, seed))
    answers = pd.concat([first[answered], later[withdrawn]])
    delay = 1 + below(draw(seed, f"consent-sent:{purpose}", answers["household_id"], answers["ordinal"]), 9)
    return answers.assign(sent_at=answers["occurred_at"] + seconds(delay))


def _withdrawals(households: pd.Series, purpose: str, seed: int) -> NDArray[np.datetime64]:
    earliest, end = WITHDRAWAL_DAYS
    day = earliest + below(draw(seed, f"withdrawal-day:{purpose}", households), end - earliest)
    # A minute is left at midnight, so that a withdrawal is sent on its own day.
    moment = below(draw(seed, f"withdrawal-time:{purpose}", households), 86_400 - 60)
    withdrawn_at: NDArray[np.datetime64] = _first_midnight() + seconds(day * 86_400 + moment)
    return withdrawn_at


def _first_midnight() -> np.datetime64:
    return np.datetime64(FIRST_DAY, "s")


def _contents(records: pd.DataFrame, path: str) -> dict[str, bytes]:
    documents = (
        {
            "consent_id": f"c-{record.household_id}-{record.purpose}-{record.ordinal}",
            "household_id": str(record.household_id),
            "purpose": record.purpose,
            "status": record.status,
            "legal_basis": "consent",
            "text_version": "demo-1",
            "occurred_at": f"{record.occurred_at:%Y-%m-%dT%H:%M:%SZ}",
            "sent_at": f"{record.sent_at:%Y-%m-%dT%H:%M:%SZ}",
            "origin": "synthetic-demo",
        }
        for record in records.itertuples(index=False)
    )
    return {path: json_lines(documents)}
