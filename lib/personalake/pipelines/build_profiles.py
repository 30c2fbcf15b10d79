"""Silver to `gold.customer_profile`: what is known about each person now, and what was known before."""

from personalake.pipelines.job import JobContext, JobResult
from personalake.pipelines.profile_history import write_history
from personalake.pipelines.treatment import treating
from personalake.profiles.customer_profile import Known, customer_profile, orders_of
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


def run(context: JobContext) -> JobResult:
    """Build the profiles of everyone, unless those of a later as-of are there already."""
    lake = context.lake
    if not lake.ledger.rows(PERSON_LINK):
        return JobResult(skipped=True, message="silver.person_link is empty: nobody is known yet")
    current = lake.ledger.latest(CUSTOMER_PROFILE, "as_of")
    if current is not None and current > context.as_of:
        message = f"profiles are as of {current} already; an older as-of ({context.as_of}) never overwrites them"
        return JobResult(skipped=True, message=message)
    known = Known(
        order_lines=lake.read(ORDER_LINE),
        records=lake.read(CUSTOMER_RECORD),
        catalog=lake.read(CATALOG_ITEM),
        responses=lake.read(CAMPAIGN_RESPONSE),
        links=lake.read(PERSON_LINK),
        consents=lake.read(CONSENT_CURRENT),
        wishes=lake.read(PREFERENCE),
    )
    partitions = context.settings.spark.shuffle_partitions
    with context.progress.step("summing up what is known about each person"):
        orders = orders_of(known.order_lines, known.links, context.as_of, partitions).persist()
        try:
            lifecycle = context.settings.profiles.lifecycle
            profiles = customer_profile(known, orders, context.as_of, partitions, lifecycle)
            with treating(context, profiles, CUSTOMER_PROFILE, "build_profiles") as treated:
                written = lake.overwrite(treated, CUSTOMER_PROFILE)
        finally:
            orders.unpersist()
    message = f"{written.rows:,} profiles as of {context.as_of}"
    if context.dry_run:  # what would change is only known from profiles that are written
        return JobResult(lake.ledger.rows(ORDER_LINE), message=message)
    with context.progress.step("keeping what changed"):
        changed = write_history(context).rows
    return JobResult(lake.ledger.rows(ORDER_LINE), message=f"{message}, {changed:,} changes", figures={"changes": changed})
