"""The stage of a customer's life, from when they bought."""

from datetime import date

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.config.profiles import LifecycleSettings

PROSPECT, NEW, ACTIVE, AT_RISK, LAPSED, REACTIVATED = "prospect", "new", "active", "at_risk", "lapsed", "reactivated"


def lifecycle_stage(order_days: Column, as_of: date, settings: LifecycleSettings) -> Column:
    """The stage of someone who bought on certain days; silence speaks first, then a return, then how new they are.

    Args:
        order_days: Days with an order, ascending, each once; null or empty without any.
        as_of: Exclusive day from which is counted back.
        settings: Lengths of the stages, days.

    Returns:
        `prospect` without an order; `lapsed` and `at_risk` after a silence; `reactivated` after an order that ended a
        silence long enough to lapse; `new` after the first order; else `active`.
    """
    today = F.lit(as_of)
    silence = F.date_diff(today, F.try_element_at(order_days, F.lit(-1)))
    tenure = F.date_diff(today, F.try_element_at(order_days, F.lit(1)))
    since_return = F.date_diff(today, F.array_max(_returns(order_days, settings.lapsed_days)))
    return (
        F.when(silence.isNull(), PROSPECT)
        .when(silence > settings.lapsed_days, LAPSED)
        .when(silence > settings.active_days, AT_RISK)
        .when(since_return <= settings.reactivated_days, REACTIVATED)
        .when(tenure <= settings.new_days, NEW)
        .otherwise(ACTIVE)
    )


def _returns(order_days: Column, lapsed_days: int) -> Column:
    """Days that ended a silence longer than that of someone at risk."""

    def ends_a_silence(day: Column, place: Column) -> Column:
        return F.date_diff(day, F.get(order_days, place - 1)) > lapsed_days

    return F.filter(order_days, ends_a_silence)
