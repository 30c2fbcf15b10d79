"""The dirt that is planted among the order lines: which lines, and how each is spoiled.

A planted line has one flaw only, so that what a pipeline makes of it can be attributed. Real lines are
never lost: dirt comes as additional lines, except `late`, which moves a real line to a later file.
"""

import json
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from personalake.demo.chance import below, draw, seconds
from personalake.demo.journey import LAST_DAY

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class DirtKind:
    """One kind of dirt.

    Attributes:
        name: The kind, as the truth names it.
        lines: How many lines of it the whole shop holds.
        expected: What a good pipeline makes of such a line.
        reach_days: How many days after its purchase it can land at most.
        repeats: Whether it tells a real line again; else it tells a basket of its own.
    """

    name: str
    lines: int
    expected: str
    reach_days: int = 1
    repeats: bool = False


LATE = DirtKind("late", 1_000, "late", reach_days=9)
EXACT_DUPLICATE = DirtKind("exact_duplicate", 500, "duplicate", reach_days=4, repeats=True)
NEAR_DUPLICATE = DirtKind("near_duplicate", 500, "duplicate", reach_days=2, repeats=True)
MALFORMED_JSON = DirtKind("malformed_json", 400, "quarantined")
MISSING_KEY = DirtKind("missing_key", 300, "quarantined")
WRONG_TYPE = DirtKind("wrong_type", 300, "quarantined")
NEGATIVE_QUANTITY = DirtKind("negative_quantity", 300, "quarantined")
# Only a warning: the real data itself sells 17 products that are not in the catalog.
UNKNOWN_PRODUCT = DirtKind("unknown_product", 200, "warned")

KINDS = (
    LATE,
    EXACT_DUPLICATE,
    NEAR_DUPLICATE,
    MALFORMED_JSON,
    MISSING_KEY,
    WRONG_TYPE,
    NEGATIVE_QUANTITY,
    UNKNOWN_PRODUCT,
)
EXPECTED = {kind.name: kind.expected for kind in KINDS}

MISSABLE_KEYS = ("product_id", "basket_id", "occurred_at")
WRONG_VALUES = (("quantity", "two"), ("sales_value", "n/a"), ("occurred_at", "yesterday"))


def with_dirt(lines: pd.DataFrame, catalog: pd.Series, seed: int, share: float) -> pd.DataFrame:
    """The order lines with the dirt planted among them.

    Args:
        lines: Clean order lines with `occurred_at`, `sent_at`, `landed_at`.
        catalog: The product ids of the catalog.
        seed: The shop's seed.
        share: The share of each kind's lines to plant, in (0, 1].

    Returns:
        The lines, then the additional ones; `kind` is empty for a clean line, `ordinal` numbers the planted.
    """
    chosen = _chosen(lines, catalog, seed, share)
    late = chosen.pop(LATE)
    lines = lines.assign(kind="", ordinal=0)
    lines.loc[late, ["sent_at", "landed_at", "kind"]] = _delayed(lines.loc[late], seed)
    planted, ordinal = [lines], 1
    for kind, rows in chosen.items():
        copies = lines.loc[rows].assign(kind=kind.name, ordinal=np.arange(ordinal, ordinal + len(rows)))
        planted.append(_retold(copies, kind, seed) if kind.repeats else _strange(copies, kind, seed))
        ordinal += len(rows)
    return pd.concat(planted, ignore_index=True)


def spoiled(line: str, kind: str, event_key: str, ordinal: int) -> str:
    """A clean raw line, spoiled as its kind asks.

    Args:
        line: The raw line as the till would send it, without its newline.
        kind: The name of a kind of dirt; late lines and exact duplicates stay as they are.
        event_key: `<basket_id>-<product_id>` of the line.
        ordinal: The number of the planted line; it varies the flaw.
    """
    if kind in (LATE.name, EXACT_DUPLICATE.name):
        return line
    if kind == NEAR_DUPLICATE.name:
        return _sent_again(line, event_key, ordinal)
    line = line.replace(f'"m-{event_key}"', f'"d-{ordinal}"')
    if kind == MALFORMED_JSON.name:
        return _broken(line, ordinal)
    if kind == MISSING_KEY.name:
        return re.sub(rf'"{MISSABLE_KEYS[ordinal % 3]}":"[^"]*",', "", line)
    if kind == WRONG_TYPE.name:
        key, value = WRONG_VALUES[ordinal % 3]
        return re.sub(rf'"{key}":("[^"]*"|[^,]*),', f'"{key}":"{value}",', line)
    return line


def message_id(kind: str, event_key: str, ordinal: int) -> str | None:
    """The message id that can be read from a planted line; none from a malformed one."""
    if kind == MALFORMED_JSON.name:
        return None
    if kind in (LATE.name, EXACT_DUPLICATE.name):
        return f"m-{event_key}"
    return f"m-{event_key}-r1" if kind == NEAR_DUPLICATE.name else f"d-{ordinal}"


def _chosen(lines: pd.DataFrame, catalog: pd.Series, seed: int, share: float) -> dict[DirtKind, NDArray[np.int64]]:
    """Disjoint rows for each kind, among the lines that have no flaw of their own."""
    flawless = ((lines["quantity"] > 0) & lines["product_id"].isin(catalog)).to_numpy()
    lottery = np.argsort(draw(seed, "dirt", lines["basket_id"], lines["product_id"]), kind="stable")
    waiting = lottery[flawless[lottery]]
    chosen = {}
    for kind in KINDS:
        # Nothing lands after the shop's last day.
        latest = np.datetime64(LAST_DAY, "s") - seconds(kind.reach_days * DAY_SECONDS)
        fits = np.flatnonzero(lines["occurred_at"].to_numpy()[waiting] < latest)
        taken = fits[: max(1, round(kind.lines * share))]
        chosen[kind] = waiting[taken]
        waiting = np.delete(waiting, taken)
    return chosen


def _delayed(late: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Sent two to nine days after the purchase (an hour is kept off both ends)."""
    delay = below(draw(seed, "late", late["basket_id"], late["product_id"]), 7 * DAY_SECONDS - 7_200)
    sent_at = late["occurred_at"] + seconds(2 * DAY_SECONDS + 3_600 + delay)
    return late.assign(sent_at=sent_at, landed_at=sent_at, kind=LATE.name)[["sent_at", "landed_at", "kind"]]


def _retold(copies: pd.DataFrame, kind: DirtKind, seed: int) -> pd.DataFrame:
    """The same lines again: the same bytes up to three days on, or sent anew within 36 hours."""
    chance = draw(seed, kind.name, copies["basket_id"], copies["product_id"])
    if kind is EXACT_DUPLICATE:
        return copies.assign(landed_at=copies["landed_at"] + seconds(below(chance, 4) * DAY_SECONDS))
    sent_at = copies["sent_at"] + seconds(30 + below(chance, 36 * 3_600))
    return copies.assign(sent_at=sent_at, landed_at=sent_at)


def _strange(copies: pd.DataFrame, kind: DirtKind, seed: int) -> pd.DataFrame:
    """Lines of real households in baskets that never were: eleven digits that begin with 9."""
    # The factor has no divisor in common with 10^10, so that every ordinal has its own basket.
    copies = copies.assign(basket_id=90_000_000_000 + copies["ordinal"] * 6_364_136_223 % 10_000_000_000)
    chance = draw(seed, kind.name, copies["ordinal"])
    if kind is NEGATIVE_QUANTITY:
        return copies.assign(quantity=-1 - below(chance, 2))
    if kind is UNKNOWN_PRODUCT:
        return copies.assign(product_id=990_000_000 + below(chance, 10_000_000))
    return copies


def _broken(line: str, ordinal: int) -> str:
    """Cut off between 40 % and 80 % of its length, or with one quote lost; no longer JSON either way."""
    if ordinal % 2:
        return line.replace('"store_id":', '"store_id:')
    return line[: len(line) * (40 + ordinal % 41) // 100]


def _sent_again(line: str, event_key: str, ordinal: int) -> str:
    """The same sale in another message, sometimes by a till that formats its JSON otherwise."""
    line = line.replace(f'"m-{event_key}"', f'"m-{event_key}-r1"')
    if ordinal % 2:
        return line[:-1] + ',"retry":true}'
    return json.dumps(json.loads(line) | {"retry": True})
