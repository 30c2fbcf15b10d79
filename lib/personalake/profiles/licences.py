"""What the licence under which others' data came still permits, on the day of their use."""

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.common.time_cuts import as_of_instant
from personalake.config.profiles import Licence

# A licence that is not among the settings; its contract is over; the row is older than it permits.
UNLICENSED, ENDED, TOO_OLD = "licence permits no use", "licence has ended", "too old"


def barred(licence: Licence, used_on: date) -> Column:
    """Why a row under this licence may not be used on a day; null where it may.

    Args:
        licence: What it permits.
        used_on: Day of use; compared with the end of the contract, and with the row's `occurred_at`.
    """
    if licence.until is not None and licence.until < used_on:
        return F.lit(ENDED)
    if licence.days is None:
        return F.lit(None).cast("string")
    oldest = as_of_instant(used_on) - F.make_dt_interval(F.lit(licence.days))
    return F.when(F.col("occurred_at") < oldest, TOO_OLD)
