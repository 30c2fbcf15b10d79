"""Whether records know households: only where several people share an address may a contradiction be a second person."""

import pandas as pd
import pyarrow as pa

from personalake.config.identity import IdentitySettings
from personalake.identity.agreement import birth_dates_agree, first_names_agree

_ADDRESS, _PERSON = ["last_name", "street"], ["first_name", "birth_date"]
# Of fewer pairs a share says little, and guards stand.
_FEWEST_PAIRS = 100
# An address of more records is an office, a shelter or a default; its pairs would drown all others.
_MOST_RECORDS = 20


def household_share(records: pa.Table) -> float | None:
    """The share of pairs of one last name and street who are evidently two persons.

    Two records are evidently two persons where neither their first names nor their birth dates can be one person's. Slips
    seldom spoil both, so that hardly any pair is where each address has one person, and a good part where families live.

    Args:
        records: Rows of `silver.match_record`, in any order.

    Returns:
        The share; None where fewer than 100 pairs tell both first name and birth date.
    """
    whole = records.select([*_ADDRESS, *_PERSON]).to_pandas().dropna()
    shared = whole.groupby(_ADDRESS)["first_name"].transform("size")
    told = whole[(shared > 1) & (shared <= _MOST_RECORDS)].assign(place=lambda rows: range(len(rows)))
    pairs = told.merge(told, on=_ADDRESS, suffixes=("", "_other"))
    pairs = pairs[pairs["place"] < pairs["place_other"]]
    if len(pairs) < _FEWEST_PAIRS:
        return None
    return _two_persons(pairs) / len(pairs)


def _two_persons(pairs: pd.DataFrame) -> int:
    """How many pairs agree in neither detail."""
    unlike = pairs[(pairs["first_name"] != pairs["first_name_other"]) & (pairs["birth_date"] != pairs["birth_date_other"])]
    columns = ("first_name", "first_name_other", "birth_date", "birth_date_other")
    rows = zip(*(unlike[name].tolist() for name in columns), strict=True)
    return sum(
        not first_names_agree({one}, {other}, (), ()) and not birth_dates_agree({born}, {other_born})
        for one, other, born, other_born in rows
    )


def fitting_guards(settings: IdentitySettings, share: float | None) -> IdentitySettings:
    """The settings, without the guard against contradictions where the records know no households.

    Args:
        settings: As configured.
        share: What `household_share` told when the match model was trained; None keeps every guard.
    """
    if share is None or share >= settings.guards.household_share:
        return settings
    return settings.model_copy(update={"guards": settings.guards.model_copy(update={"contradictions": ()})})
