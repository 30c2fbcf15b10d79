"""The history of attributes: which value held from when until when, as it turns out from everything that was seen.

Plain pandas, so that the driver can do it for few people and executors, bucket by bucket, for many.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd

from personalake.config.identity import Survivorship
from personalake.profiles.statements import survivors_over_time
from personalake.tables.journeys import CUSTOMER_PROFILE_HISTORY

PROFILE = "profile"
GONE = "is_gone"
# Of what was seen of one attribute at one time, the row with the greatest place counts.
_SEEN = ["person_id", "attribute", "value", "valid_from", "source", "record_id", "place"]
_LINE = ["person_id", "attribute"]
_ANSWERS = ("consents", "preferences")
_KEY = list(CUSTOMER_PROFILE_HISTORY.key)
_COLUMNS = list(CUSTOMER_PROFILE_HISTORY.columns)


def changes(
    history: pd.DataFrame,
    profiles: pd.DataFrame,
    records: pd.DataFrame,
    at: datetime,
    attributes: Mapping[str, Sequence[str]],
    survivorship: Survivorship,
    answered_at: datetime | None = None,
) -> pd.DataFrame:
    """What must change in the history so that it tells all that was seen.

    Args:
        history: Rows of `gold.customer_profile_history` of some people.
        profiles: Their rows of `gold.customer_profile`.
        records: All records of these people: `person_id`, `namespace`, `customer_id`, `known_at`, `source`, `record_id` and
            the attributes. A record that came late is known from its own time on, whatever was written since.
        at: Since when the profiles hold.
        attributes: Names of attributes under `profile` and `records`.
        survivorship: Which of several values of records counts; what a source does not tell ends nothing.
        answered_at: Since when answers and wishes hold, which are of the run's own moment; by default as the rest.

    Returns:
        The columns of `gold.customer_profile_history` and `is_gone`; rows that stay as they are, are left out.
    """
    since = dict.fromkeys(attributes["profile"], at) | dict.fromkeys(_ANSWERS, answered_at or at)
    told = (
        survivors_over_time(records, attributes["records"], survivorship).assign(place=0),
        _from_history(history),
        _from_profiles(profiles, attributes["profile"], since),
        _no_longer_told(history, profiles, attributes["profile"], since, at),
    )
    return difference(history, timelines(_stacked(told, _SEEN)))


def _stacked(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Rows of all parts; an empty one has nothing to say on types."""
    filled = [part.reindex(columns=list(columns)) for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))


def _instants(values: pd.Series) -> pd.Series:
    """One type of time for all: empty parts would else turn it into objects."""
    return pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")


def timelines(seen: pd.DataFrame) -> pd.DataFrame:
    """One row for each value of each attribute while it held.

    Args:
        seen: `person_id`, `attribute`, `value` (None: unknown from then on), `valid_from`, `source`, `record_id`, `place`,
            in any order; of what was seen at the same time the greatest place counts, then the last row.

    Returns:
        The columns of `gold.customer_profile_history`: a value seen again in a row holds from the first time, and each
        ends where the next begins. Unknown values end the one before, and have no row.
    """
    typed = seen.assign(valid_from=_instants(seen["valid_from"]))
    ordered = typed.sort_values([*_LINE, "valid_from", "place"], kind="stable")
    ordered = ordered.drop_duplicates(_KEY, keep="last")
    shown = ordered["value"].fillna("").where(ordered["value"].notna(), "\x00")
    turns = ordered[~(_same_line(ordered, 1) & (shown == shown.shift()))].copy()
    turns["valid_to"] = turns["valid_from"].shift(-1).where(_same_line(turns, -1))
    return turns[turns["value"].notna()][_COLUMNS].reset_index(drop=True)


def _same_line(rows: pd.DataFrame, places: int) -> "pd.Series[bool]":
    """Whether the row so many places before tells of the same attribute of the same person."""
    before = rows[_LINE].shift(places)
    return (rows[_LINE] == before).all(axis=1)


def difference(history: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Rows that turn one history into another, with `is_gone`."""
    written = history[_COLUMNS].assign(valid_from=_instants(history["valid_from"]), valid_to=_instants(history["valid_to"]))
    both = written.merge(wanted, on=_KEY, how="outer", suffixes=("_old", ""), indicator="side")
    same = pd.Series(True, index=both.index)
    for name in _COLUMNS:
        if name not in _KEY:
            old, new = both[f"{name}_old"], both[name]
            same &= (old == new) | (old.isna() & new.isna())
    changed = both[(both["side"] != "both") | ~same]
    return changed.assign(**{GONE: changed["side"] == "left_only"})[[*_COLUMNS, GONE]].reset_index(drop=True)


def _from_history(history: pd.DataFrame) -> pd.DataFrame:
    """What was computed before, and where it ended; what records told is told by them again."""
    computed = history[history["source"] == PROFILE]
    begins = computed.assign(place=1)
    ended = computed[computed["valid_to"].notna()]
    ends = ended.assign(valid_from=ended["valid_to"], value=None, place=0)
    return _stacked([ends, begins], _SEEN)


def _from_profiles(profiles: pd.DataFrame, names: Sequence[str], since: Mapping[str, datetime]) -> pd.DataFrame:
    """What is computed now; the entries of a map are attributes of their own."""
    parts = [_column(profiles, name).assign(valid_from=pd.Timestamp(since[name])) for name in names if name in profiles]
    return _stacked(parts, [*_LINE, "value", "valid_from"]).assign(source=PROFILE, record_id=None, place=2)


def _column(profiles: pd.DataFrame, name: str) -> pd.DataFrame:
    values = profiles[["person_id", name]].rename(columns={name: "value"})
    if not values["value"].map(lambda value: isinstance(value, dict)).any():
        return values.assign(attribute=name, value=values["value"].map(_text))
    entries = [
        (person, f"{name}.{key}", _text(value))
        for person, found in zip(values["person_id"], values["value"], strict=True)
        for key, value in (found or {}).items()
    ]
    return pd.DataFrame(entries, columns=["person_id", "attribute", "value"])


def _no_longer_told(
    history: pd.DataFrame, profiles: pd.DataFrame, names: Sequence[str], since: Mapping[str, datetime], at: datetime
) -> pd.DataFrame:
    """Open values of persons who are gone, of answers taken back, and of attributes that are no longer kept."""
    open_rows = history[(history["source"] == PROFILE) & history["valid_to"].isna()]
    now = _from_profiles(profiles, names, since)[_LINE].drop_duplicates()
    missing = open_rows[_LINE].merge(now, on=_LINE, how="left", indicator="side")
    lost = missing[missing["side"] == "left_only"][_LINE]
    ended = [pd.Timestamp(since.get(attribute.split(".")[0], at)) for attribute in lost["attribute"]]
    return lost.assign(value=None, valid_from=ended, source=PROFILE, record_id=None, place=2)


def _text(value: Any) -> str | None:
    return None if value is None or value != value else str(value)
