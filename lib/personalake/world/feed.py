"""What one system delivers: rows in its own columns, and when they land."""

from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.world.settings import WorldSettings


@dataclass(frozen=True)
class Feed:
    """A source of the company.

    Args:
        name: Name of the source, of its folder in the landing folder and of its file in `conf/sources/`.
        rows: What it delivers, without dirt.
        landing_date: Day on which a row lands, from the row.
        key: Id by which a mapping knows a row.
        id_column: The column that makes the key, of which a spoiled copy gets one of its own.
        format: How its files are written.
        occurred_at: The column with the time at which a row happened; empty where the source tells none.
        sent_at: The column with the time at which it was sent; None where the source tells none.
        dirt: Kinds of dirt that its lines can have; see `dirt`.
    """

    name: str
    rows: DataFrame
    landing_date: Column
    key: Column
    id_column: str
    format: Literal["json", "csv", "parquet"] = "json"
    occurred_at: str = ""
    sent_at: str | None = None
    dirt: tuple[str, ...] = ()


def lands_on(settings: WorldSettings, at: Column) -> Column:
    """The day of a time; what is older than the world lands on its first day."""
    return F.greatest(F.to_date(at), F.lit(settings.first_day))


def exported_on(settings: WorldSettings, at: Column) -> Column:
    """The day of the weekly export that first holds what was noted at a time; the last one is made on the last day."""
    week = F.floor(F.datediff(lands_on(settings, at), F.lit(settings.first_day)) / 7)
    return F.date_add(F.lit(settings.first_day), F.least(7 * week + 6, F.lit(settings.days - 1)).cast("int"))
