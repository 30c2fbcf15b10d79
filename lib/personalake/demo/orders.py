"""The tills' order lines: when each was sent, where it lands, and its JSON text, a day at a time."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from personalake.demo.chance import below, draw, seconds
from personalake.demo.dirt import EXPECTED, message_id, spoiled, with_dirt
from personalake.demo.journey import Journey
from personalake.demo.landing import Delivery
from personalake.demo.planted import PlantedLine, line_sha256, part_bytes, part_path

AMOUNTS = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")
# A day's lines come in three files: night and morning, afternoon, evening.
FILE_STARTS_HOURS = (12, 18)
TWO_DIGITS = pa.array([f"{cents:02d}" for cents in range(100)])


def order_lines(journey: Journey, seed: int, share: float) -> pd.DataFrame:
    """Every line that the tills ever send, dirt included, in the order of landing.

    Returns:
        One row per raw line: the purchase with its amounts in cents, `occurred_at`, `sent_at`, `landed_at`
        (the time in whose file it lies), `kind` and `ordinal` of its dirt.
    """
    lines = journey.transactions.drop(columns=["week", "transaction_timestamp"])
    cents = {amount: (lines[amount] * 100).round().astype("int32") for amount in AMOUNTS}
    occurred_at = journey.transactions["transaction_timestamp"].astype("datetime64[s]")
    # A basket's lines leave the till together, one to nine seconds after the purchase.
    sent_at = occurred_at + seconds(1 + below(draw(seed, "till", lines["basket_id"]), 9))
    clean = lines.assign(**cents, occurred_at=occurred_at, sent_at=sent_at, landed_at=sent_at)
    dirty = with_dirt(clean, journey.products["product_id"], seed, share)
    return dirty.sort_values(["landed_at", "basket_id", "product_id", "ordinal"], ignore_index=True)


def order_deliveries(lines: pd.DataFrame) -> Iterator[Delivery]:
    """The order lines by landing day, each day with the truth about its planted lines."""
    days = lines["landed_at"].to_numpy().astype("datetime64[D]")
    starts = np.flatnonzero(np.diff(days, prepend=np.datetime64("NaT")) != np.timedelta64(0))
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        of_day, day = lines.iloc[start:end], days[start].item()
        planted = of_day.loc[of_day["kind"] != "", "kind"].value_counts()
        counts = {str(kind): int(lines) for kind, lines in planted.items()}
        truth = (part_path("orders", day),) if len(planted) else ()
        real = int((of_day["kind"].isin(["", "late"])).sum())
        files = tuple(_file(day, number) for number in np.unique(_file_numbers(of_day)))
        yield Delivery("orders", day, files + truth, real, partial(_contents, of_day, day), counts)


def raw_lines(lines: pd.DataFrame) -> list[str]:
    """The JSON text of each row of `order_lines`, spoiled where it is planted, without newlines."""
    ids = {name: _text(lines[name]) for name in ("household_id", "basket_id", "product_id", "store_id")}
    pieces: list[Any] = ['{"message_id":"m-', ids["basket_id"], "-", ids["product_id"], '","event":"order_line"']
    for name in ("occurred_at", "sent_at"):
        pieces += [f',"{name}":"', _instants(lines[name]), '"']
    for name, values in ids.items():
        pieces += [f',"{name}":"', values, '"']
    pieces += [',"quantity":', _text(lines["quantity"])]
    for name in AMOUNTS:
        pieces += [f',"{name}":', *_money(lines[name])]
    text: list[str] = pc.binary_join_element_wise(*pieces, ',"currency":"USD"}', "").to_pylist()
    for position in np.flatnonzero(lines["kind"] != ""):
        row = lines.iloc[position]
        text[position] = spoiled(text[position], row["kind"], _event_key(row), row["ordinal"])
    return text


def _contents(of_day: pd.DataFrame, day: date) -> dict[str, bytes]:
    text = np.array(raw_lines(of_day), dtype=object)
    numbers = _file_numbers(of_day)
    contents = {_file(day, number): ("\n".join(text[numbers == number]) + "\n").encode() for number in np.unique(numbers)}
    planted = np.flatnonzero(of_day["kind"] != "")
    if len(planted):
        truth = (_truth(of_day.iloc[at], text[at], _file(day, numbers[at]), day) for at in planted)
        contents[part_path("orders", day)] = part_bytes(truth)
    return contents


def _truth(row: pd.Series, line: str, file: str, day: date) -> PlantedLine:
    kind, event_key = row["kind"], _event_key(row)
    return PlantedLine(
        source="orders",
        kind=kind,
        line_sha256=line_sha256(line),
        message_id=message_id(kind, event_key, row["ordinal"]),
        event_key=event_key,
        file=file,
        landing_date=day,
        expected=EXPECTED[kind],
    )


def _event_key(row: pd.Series) -> str:
    return f"{row['basket_id']}-{row['product_id']}"


def _file(day: date, number: int) -> str:
    return f"orders/{day}/orders_{day}_{number}.json"


def _file_numbers(lines: pd.DataFrame) -> NDArray[np.int64]:
    hours: NDArray[np.int64] = lines["landed_at"].dt.hour.to_numpy()
    return 1 + np.searchsorted(FILE_STARTS_HOURS, hours, side="right")


def _text(whole_numbers: pd.Series) -> pa.Array:
    return pc.cast(pa.array(whole_numbers.to_numpy()), pa.string())


def _instants(times: pd.Series) -> pa.Array:
    return pa.array(np.datetime_as_string(times.to_numpy().astype("datetime64[s]"), timezone="UTC"), pa.string())


def _money(cents: pd.Series) -> tuple[pa.Array, str, pa.Array]:
    """Amounts with two decimals, as the pieces before, at and after the point."""
    return _text(cents // 100), ".", TWO_DIGITS.take(pa.array((cents % 100).to_numpy()))
