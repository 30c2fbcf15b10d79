"""Silver to `gold.customer_profile`: what is known about each person now, and what was known before."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.time_cuts import known_by
from personalake.decisions.rules import PERSONALISATION
from personalake.lake import Lake
from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.profile_history import write_history
from personalake.pipelines.treatment import treating
from personalake.privacy.consent import refusing
from personalake.profiles.customer_profile import Known, customer_profile, orders_of
from personalake.profiles.engagement import Engaged
from personalake.profiles.third_party import LEFT_OUT, judged
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import (
    CAMPAIGN_RESPONSE,
    CATALOG_ITEM,
    CONSENT_CURRENT,
    CUSTOMER_RECORD,
    ORDER_LINE,
    PERSON_LINK,
)
from personalake.tables.touchpoints import (
    EMAIL_ENGAGEMENT,
    INTERACTION,
    SUPPORT_TICKET,
    SURVEY_ANSWER,
    THIRD_PARTY_ATTRIBUTE,
)

USED = "used"


def run(context: JobContext) -> JobResult:
    """Build the profiles of everyone, unless those of a later as-of are there already."""
    lake = context.lake
    if not lake.ledger.rows(PERSON_LINK):
        return JobResult(skipped=True, message="silver.person_link is empty: nobody is known yet")
    current = lake.ledger.latest(CUSTOMER_PROFILE, "as_of")
    if current is not None and current > context.as_of and not _is_before_orders(context):
        message = f"profiles are as of {current} already; an older as-of ({context.as_of}) never overwrites them"
        return JobResult(skipped=True, message=message)
    bought = _bought(context)
    partitions = context.settings.spark.shuffle_partitions
    with context.progress.step("summing up what is known about each person"):
        known = _known(context, bought)
        orders = orders_of(known.order_lines, known.links, context.as_of, partitions).persist()
        if bought is not None:
            bought.persist()
        try:
            lifecycle, survivorship = context.settings.profiles.lifecycle, context.settings.identity.survivorship
            profiles = customer_profile(known, orders, context.as_of, partitions, lifecycle, survivorship)
            with treating(context, profiles, CUSTOMER_PROFILE, "build_profiles", [context.as_of]) as treated:
                written = lake.overwrite(treated, CUSTOMER_PROFILE)
            third_party = {} if bought is None else _counted(bought)
        finally:
            orders.unpersist()
            if bought is not None:
                bought.unpersist()
    message = f"{written.rows:,} profiles as of {context.as_of}{_said(third_party)}{_asked(context)}"
    if context.dry_run:  # what would change is only known from profiles that are written
        return JobResult(lake.ledger.rows(ORDER_LINE), message=message)
    with context.progress.step("keeping what changed"):
        changed = write_history(context).rows
    return JobResult(
        lake.ledger.rows(ORDER_LINE),
        message=f"{message}, {changed:,} changes",
        figures={"changes": changed, "third_party": third_party},
    )


def _is_before_orders(context: JobContext) -> bool:
    """Whether the profiles that are there were made when no order was known, and so are of the day of what else was seen.

    The first orders may lie before it: then `latest` goes back, for this once.
    """
    return context.settings.as_of == "latest" and not context.lake.ledger.count(CUSTOMER_PROFILE, [("orders", ">", 0)])


def _known(context: JobContext, bought: DataFrame | None) -> Known:
    lake = context.lake
    is_engaged = any(map(lake.ledger.rows, (INTERACTION, EMAIL_ENGAGEMENT, SUPPORT_TICKET, SURVEY_ANSWER)))
    return Known(
        order_lines=lake.read(ORDER_LINE),
        records=lake.read(CUSTOMER_RECORD),
        catalog=lake.read(CATALOG_ITEM),
        responses=lake.read(CAMPAIGN_RESPONSE),
        links=lake.read(PERSON_LINK),
        consents=lake.read(CONSENT_CURRENT),
        wishes=lake.read(PREFERENCE).transform(known_by(context.run_started_at)),
        engaged=_engaged(lake) if is_engaged else None,
        bought=bought,
    )


def _engaged(lake: Lake) -> Engaged:
    return Engaged(
        interactions=lake.read(INTERACTION),
        emails=lake.read(EMAIL_ENGAGEMENT),
        tickets=lake.read(SUPPORT_TICKET),
        answers=lake.read(SURVEY_ANSWER),
    )


def _bought(context: JobContext) -> DataFrame | None:
    """What data providers tell, each row with why it is left out; None if they tell nothing."""
    lake, licences = context.lake, context.settings.profiles.licences
    if not lake.ledger.rows(THIRD_PARTY_ATTRIBUTE):
        return None
    told, links, consents = (lake.read(table) for table in (THIRD_PARTY_ATTRIBUTE, PERSON_LINK, CONSENT_CURRENT))
    return judged(told, links, refusing(consents, PERSONALISATION), licences, context.as_of, context.today)


def _counted(bought: DataFrame) -> dict[str, int]:
    """Rows of data providers that were used, and those left out by why."""
    found = bought.groupBy(F.coalesce(LEFT_OUT, F.lit(USED)).alias("why")).count().collect()
    return {row["why"]: row["count"] for row in sorted(found, key=lambda row: str(row["why"]))}


def _asked(context: JobContext) -> str:
    return f"; answers and wishes{context.of_today}" if context.of_today else ""


def _said(third_party: Mapping[str, int]) -> str:
    if not third_party:
        return ""
    left_out = [f"{rows:,}: {why}" for why, rows in third_party.items() if why != USED]
    told = f"; {third_party.get(USED, 0):,} attributes of data providers used"
    return f"{told}, left out {'; '.join(left_out)}" if left_out else told
