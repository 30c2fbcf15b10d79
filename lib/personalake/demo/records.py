"""The shop's slow sources: customers (CRM export), the catalog, and coupon redemptions by month."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from personalake.demo.chance import draw
from personalake.demo.journey import FIRST_DAY
from personalake.demo.landing import Delivery, json_lines
from personalake.demo.planted import PlantedLine, parquet_bytes, part_bytes, part_path

CUSTOMER_COLUMNS = (
    "household_id",
    "age",
    "income",
    "home_ownership",
    "marital_status",
    "household_size",
    "household_comp",
    "kids_count",
)
# For all customers; a sample of households gets its share, at least one of each.
MISSING_ID_ROWS = 5
DUPLICATE_ROWS = 5


def customer_delivery(customers: pd.DataFrame, seed: int, share: float) -> Delivery:
    """The customers as one CSV, with a few rows without an id and a few rows twice at its end."""
    path = f"customers/{FIRST_DAY}/customers.csv"
    truth_path = part_path("records", FIRST_DAY)
    rows = customers[list(CUSTOMER_COLUMNS)].astype(object)
    lottery = np.argsort(draw(seed, "customer-dirt", customers["household_id"]), kind="stable")
    n_missing, n_twice = (max(1, round(count * share)) for count in (MISSING_ID_ROWS, DUPLICATE_ROWS))
    nameless = rows.iloc[lottery[:n_missing]].assign(household_id=None)
    twice = rows.iloc[lottery[n_missing : n_missing + n_twice]]
    truth = [_planted(path, "missing_household_id", None, "quarantined")] * len(nameless)
    truth += [_planted(path, "exact_duplicate", str(key), "duplicate") for key in twice["household_id"]]
    planted = Counter(line.kind for line in truth)

    def contents() -> dict[str, bytes]:
        text = pd.concat([rows, nameless, twice]).to_csv(index=False, lineterminator="\n")
        return {path: text.encode(), truth_path: part_bytes(truth)}

    return Delivery("customers", FIRST_DAY, (path, truth_path), len(rows), contents, planted)


def catalog_delivery(products: pd.DataFrame) -> Delivery:
    """The whole catalog as one Parquet file, its ids as strings."""
    path = f"catalog/{FIRST_DAY}/catalog.parquet"

    def contents() -> dict[str, bytes]:
        catalog = products.astype({"product_id": str, "manufacturer_id": str})
        return {path: parquet_bytes(pa.Table.from_pandas(catalog, preserve_index=False).replace_schema_metadata())}

    return Delivery("catalog", FIRST_DAY, (path,), len(products), contents)


def redemption_deliveries(redemptions: pd.DataFrame) -> Iterator[Delivery]:
    """The coupon redemptions by month; a month lands on the day after its end, so that it is complete."""
    months = redemptions["redemption_date"].dt.to_period("M")
    for month, of_month in redemptions.groupby(months):
        day = (month + 1).start_time.date()
        path = f"redemptions/{day}/redemptions_{day}.json"
        yield Delivery("redemptions", day, (path,), len(of_month), partial(_redemptions, of_month, path))


def _redemptions(redemptions: pd.DataFrame, path: str) -> dict[str, bytes]:
    documents = (
        {
            "redemption_id": f"r-{redemption.redemption_number}",
            "household_id": str(redemption.household_id),
            "coupon_upc": str(redemption.coupon_upc),
            "campaign_id": str(redemption.campaign_id),
            "redemption_date": f"{redemption.redemption_date:%Y-%m-%d}",
        }
        for redemption in redemptions.itertuples(index=False)
    )
    return {path: json_lines(documents)}


def _planted(path: str, kind: str, household: str | None, expected: str) -> PlantedLine:
    return PlantedLine("customers", kind, None, None, household, path, FIRST_DAY, expected)
