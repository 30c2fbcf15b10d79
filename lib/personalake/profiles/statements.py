"""What records said of persons at any time: the same rules as `survivorship`, followed through time.

Plain pandas, as the history that it is for. Lines on which nobody disagrees, nearly all of them, need no loop.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from personalake.config.identity import Survivorship
from personalake.tables.silver import DEMOGRAPHICS

_LINE = ["person_id", "attribute"]
_ACCOUNT = ["source", "namespace", "customer_id"]
_WHEN = ["known_at", "source", "record_id"]
_RECORD = ["person_id", *_ACCOUNT, "known_at", "record_id"]
COLUMNS = [*_LINE, "value", "valid_from", "source", "record_id"]


def survivors_over_time(records: pd.DataFrame, names: Sequence[str], settings: Survivorship) -> pd.DataFrame:
    """Which value survived from when on.

    Args:
        records: Rows of `silver.customer_record` with `person_id`, in any order.
        names: The attributes.
        settings: The rule of each.

    Returns:
        `person_id`, `attribute`, `value` (None from then on, until somebody tells another one), `valid_from`, `source`,
        `record_id`; one row for each time at which anything was said of an attribute.
    """
    said = _said(records, names, settings)
    if said.empty:
        return pd.DataFrame(columns=COLUMNS)
    line = said.groupby(_LINE, sort=False)
    is_blank = said["value"].isna()
    by_time = said["attribute"].map(settings.rule) == "most_recent"
    has_blanks = is_blank.groupby([said[name] for name in _LINE], sort=False).transform("any")
    is_alone = line["account"].transform("nunique") == 1
    is_plain = is_alone | (by_time & ~has_blanks)
    parts = [said[is_plain].drop_duplicates([*_LINE, "known_at"], keep="last")]
    disputed = [_followed(rows, settings) for _, rows in said[~is_plain].groupby(_LINE, sort=False)]
    told = pd.concat([*parts, *disputed], ignore_index=True)
    return told.rename(columns={"known_at": "valid_from"})[COLUMNS]


def _said(records: pd.DataFrame, names: Sequence[str], settings: Survivorship) -> pd.DataFrame:
    """One row per record and attribute of which its customer ever told a value, in order of time."""
    known = [name for name in DEMOGRAPHICS if name in records]
    source, namespace, customer = (records[name] for name in _ACCOUNT)
    account = source.str.cat([namespace, customer], sep="\x1f") if len(records) else source
    kept = records.assign(filled=records[known].notna().sum(axis=1), account=account)
    melted = kept.melt(
        [*_RECORD, "filled", "account"], [name for name in names if name in records], "attribute", "value"
    ).sort_values([*_LINE, *_WHEN], kind="stable")
    tells = melted["value"].notna()
    is_partial = melted["source"].isin(settings.partial_sources)
    has_told = tells.astype("int8").groupby([melted[name] for name in (*_LINE, "account")], sort=False).cummax() > 0
    return melted[has_told & (tells | ~is_partial)]


def _followed(rows: pd.DataFrame, settings: Survivorship) -> pd.DataFrame:
    """One line, statement by statement: what each customer of a source says is what it said last."""
    rule = settings.rule(rows["attribute"].iloc[0])
    now: dict[str, Any] = {}
    found = []
    for _, moment in rows.groupby("known_at", sort=True):
        for said in moment.itertuples(index=False):
            now[str(said.account)] = said
        last = list(moment.itertuples(index=False))[-1]
        best = max(_ranked(now, rule, settings), default=None, key=lambda ranked: ranked[0])
        told = last._replace(value=None) if best is None else best[1]._replace(known_at=last.known_at)
        found.append(told)
    return pd.DataFrame(found, columns=rows.columns)


def _ranked(now: dict[str, Any], rule: str, settings: Survivorship) -> Iterator[tuple[tuple[Any, ...], Any]]:
    said = [one for one in now.values() if one.value is not None and one.value == one.value]
    times = Counter(one.value for one in said)
    for one in said:
        leading = {
            "most_trusted": -settings.trust(one.source),
            "most_complete": one.filled,
            "most_frequent": times[one.value],
        }.get(rule, 0)
        yield (leading, one.known_at, one.source, one.record_id), one
