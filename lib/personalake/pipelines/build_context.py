"""Silver to `gold.offer_history` and `gold.visit_context`: prices, stock and weather around what people do."""

from personalake.context.offers import offer_history
from personalake.context.visits import visit_context
from personalake.pipelines.job import JobContext, JobResult
from personalake.tables.context import OFFER_HISTORY, PRODUCT_OFFER, VISIT_CONTEXT, WEATHER
from personalake.tables.touchpoints import INTERACTION


def run(context: JobContext) -> JobResult:
    """Write both anew, each if there is something to make it of or it holds what nothing tells any more.

    What is there of a later as-of stays.
    """
    lake, as_of = context.lake, context.as_of
    offers, told = lake.ledger.rows(PRODUCT_OFFER), lake.ledger.rows(WEATHER)
    has_offers, has_visits = (
        bool(made_of or lake.ledger.rows(table)) for made_of, table in ((offers, OFFER_HISTORY), (told, VISIT_CONTEXT))
    )
    if not has_offers and not has_visits:
        return JobResult(skipped=True, message="no prices, stock or weather are known")
    current = max(
        (day for table in (OFFER_HISTORY, VISIT_CONTEXT) if (day := lake.ledger.latest(table, "as_of"))), default=as_of
    )
    if current > as_of:
        message = f"what surrounds people is as of {current} already; an older as-of ({as_of}) never overwrites it"
        return JobResult(skipped=True, message=message)
    written = {}
    with context.progress.step("putting prices, stock and weather in order"):
        if has_offers:
            written["spans of prices and stock"] = lake.overwrite(
                offer_history(lake.read(PRODUCT_OFFER), as_of), OFFER_HISTORY
            )
        if has_visits:
            hours = visit_context(lake.read(INTERACTION), lake.read(WEATHER), as_of)
            written["hours of a region and a kind of device"] = lake.overwrite(hours, VISIT_CONTEXT)
    message = ", ".join(f"{result.rows:,} {words}" for words, result in written.items())
    return JobResult(rows_read=offers + told, message=message)
