"""What records said of persons at any time: the same rules as `survivorship`, followed through time.

Plain pandas, as the history that it is for. Lines on which nobody disagrees, nearly all of them, need no loop.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from personalake.config.identity import Survival, Survivorship
from personalake.tables.silver import DEMOGRAPHICS

_LINE = ["person_id", "attribute"]
_ACCOUNT = ["source", "namespace", "customer_id"]
_WHEN = ["known_at", "source", "record_id"]
_RECORD = ["person_id", *_ACCOUNT, "known_at", "record_id"]
COLUMNS = [*_LINE, "value", "valid_from", "source", "record_id"]


class _Statement(NamedTuple):
    """What one customer of a source said of one attribute."""

    known_at: Any
    source: str
    record_id: str
    account: str
    filled: int
    value: str | None


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
    line = said.assign(is_blank=said["value"].isna()).groupby(_LINE, sort=False)
    by_time = said["attribute"].map(settings.rule) == "most_recent"
    is_alone = line["account"].transform("nunique") == 1
    is_plain = is_alone | (by_time & ~line["is_blank"].transform("any"))
    plain = said[is_plain].drop_duplicates([*_LINE, "known_at"], keep="last").rename(columns={"known_at": "valid_from"})
    disputed = said.loc[~is_plain, [*_LINE, *_Statement._fields]].itertuples(index=False, name=None)
    followed = pd.DataFrame(_followed(disputed, settings), columns=COLUMNS)
    return pd.concat([part for part in (plain[COLUMNS], followed) if len(part)], ignore_index=True)


def _said(records: pd.DataFrame, names: Sequence[str], settings: Survivorship) -> pd.DataFrame:
    """One row per record and attribute of which its customer ever told a value, in order of time."""
    known = [name for name in DEMOGRAPHICS if name in records]
    source, namespace, customer = (records[name] for name in _ACCOUNT)
    account = source.str.cat(namespace, sep="\x1f").str.cat(customer, sep="\x1f") if len(records) else source
    kept = records.assign(filled=records[known].notna().sum(axis=1), account=account)
    melted = kept.melt(
        [*_RECORD, "filled", "account"], [name for name in names if name in records], "attribute", "value"
    ).sort_values([*_LINE, *_WHEN], kind="stable")
    tells, is_partial = melted["value"].notna(), melted["source"].isin(settings.partial_sources)
    so_far = melted.assign(tells=tells.astype("int8")).groupby([*_LINE, "account"], sort=False)["tells"].cummax()
    return melted[(so_far > 0) & (tells | ~is_partial)]


def _followed(rows: Iterable[tuple[Any, ...]], settings: Survivorship) -> Iterator[tuple[Any, ...]]:
    """Lines in order, statement by statement: what each customer of a source says is what it said last."""
    for (person, attribute), line in groupby(rows, key=lambda row: row[:2]):
        now: dict[str, _Statement] = {}
        for at, moment in groupby((_Statement(*row[2:]) for row in line), key=lambda said: said.known_at):
            for last in moment:
                now[last.account] = last
            best = max(_ranked(now, settings.rule(attribute), settings), default=None, key=lambda ranked: ranked[0])
            told = best[1] if best is not None else last._replace(value=None)
            yield person, attribute, told.value, at, told.source, told.record_id


def _ranked(
    now: Mapping[str, _Statement], rule: Survival, settings: Survivorship
) -> Iterator[tuple[tuple[Any, ...], _Statement]]:
    said = [one for one in now.values() if isinstance(one.value, str)]
    times = Counter(one.value for one in said)
    for one in said:
        leading = {
            "most_trusted": -settings.trust(one.source),
            "most_complete": one.filled,
            "most_frequent": times[one.value],
        }.get(rule, 0)
        yield (leading, one.known_at, one.source, one.record_id), one
