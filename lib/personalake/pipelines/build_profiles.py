"""Silver to `gold.customer_profile`: what is known about each person now."""

from personalake.pipelines.job import JobContext, JobResult
from personalake.profiles.customer_profile import Known, customer_profile, orders_of
from personalake.tables.gold import CUSTOMER_PROFILE
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
    )
    partitions = context.settings.spark.shuffle_partitions
    with context.progress.step("summing up what is known about each person"):
        orders = orders_of(known.order_lines, known.links, context.as_of, partitions).persist()
        try:
            written = lake.overwrite(customer_profile(known, orders, context.as_of, partitions), CUSTOMER_PROFILE)
        finally:
            orders.unpersist()
    return JobResult(rows_read=lake.ledger.rows(ORDER_LINE), message=f"{written.rows:,} profiles as of {context.as_of}")
