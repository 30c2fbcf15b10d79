"""Silver to `gold.customer_journey` and `gold.journey_path`; without touchpoints beside orders there is nothing to do."""

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.lake import Lake
from personalake.lake.direct import frame_of
from personalake.pipelines.job import JobContext, JobResult
from personalake.profiles.journeys import changed_persons, customer_journey, definition
from personalake.profiles.paths import journey_path
from personalake.profiles.touchpoints import Touched, touchpoints
from personalake.tables.journeys import CUSTOMER_JOURNEY, JOURNEY_PATH
from personalake.tables.receipts import DELIVERY_RECEIPT
from personalake.tables.silver import CAMPAIGN_RESPONSE, ORDER_LINE, PERSON_LINK
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT, INTERACTION, SOCIAL_MENTION, SUPPORT_TICKET, SURVEY_ANSWER

# Coupons are redeemed with an order: they alone make no journey either.
_TOUCHPOINTS = (INTERACTION, EMAIL_ENGAGEMENT, SUPPORT_TICKET, SURVEY_ANSWER, SOCIAL_MENTION, DELIVERY_RECEIPT)
# Persons whose rows are replaced by name; beyond them the table is written anew.
_MANY_PERSONS = 5_000


def run(context: JobContext) -> JobResult:
    """Compute the journeys of persons with other touchpoints than are written, and count the paths of all."""
    lake, settings = context.lake, context.settings.profiles.journey
    read = sum(lake.ledger.rows(table) for table in _TOUCHPOINTS)
    if not read:
        return JobResult(skipped=True, message="no visits, messages or tickets are known: orders alone make no journey")
    current = lake.ledger.latest(JOURNEY_PATH, "as_of")
    if current is not None and current > context.as_of:
        message = f"journeys are as of {current} already; an older as-of ({context.as_of}) never overwrites them"
        return JobResult(skipped=True, message=message)
    with context.progress.step("putting touchpoints in order"):
        licences, used_on = context.settings.profiles.licences, max(context.as_of, context.today)
        found = touchpoints(_touched(lake), context.as_of, settings, licences, used_on).persist()
        try:
            persons = _persons_to_write(context, found)
            _write(context, found, persons)
        finally:
            found.unpersist()
    with context.progress.step("counting paths"):
        paths = journey_path(lake.read(CUSTOMER_JOURNEY), context.as_of, settings)
        counted = lake.replace_as_of(paths, JOURNEY_PATH, context.as_of)
    told = "everyone's journey" if persons is None else f"journeys of {len(persons):,} persons"
    rows = lake.ledger.rows(CUSTOMER_JOURNEY)
    return JobResult(
        rows_read=read,
        message=f"{told}, {rows:,} touchpoints in all, {counted.rows:,} paths",
        figures={"persons": None if persons is None else len(persons), "touchpoints": rows},
    )


def _touched(lake: Lake) -> Touched:
    return Touched(
        interactions=lake.read(INTERACTION),
        emails=lake.read(EMAIL_ENGAGEMENT),
        tickets=lake.read(SUPPORT_TICKET),
        answers=lake.read(SURVEY_ANSWER),
        mentions=lake.read(SOCIAL_MENTION),
        responses=lake.read(CAMPAIGN_RESPONSE),
        receipts=lake.read(DELIVERY_RECEIPT),
        order_lines=lake.read(ORDER_LINE),
        links=lake.read(PERSON_LINK),
    )


def _persons_to_write(context: JobContext, found: DataFrame) -> list[str] | None:
    """Persons whose journeys have changed; None for everyone."""
    lake, wanted = context.lake, definition(context.settings.profiles.journey)
    if context.options.get("force") or lake.ledger.distinct(CUSTOMER_JOURNEY, "definition") != {wanted}:
        return None
    changed = changed_persons(found, lake.read(CUSTOMER_JOURNEY)).limit(_MANY_PERSONS + 1).collect()
    return None if len(changed) > _MANY_PERSONS else sorted(row["person_id"] for row in changed)


def _write(context: JobContext, found: DataFrame, persons: list[str] | None) -> None:
    settings = context.settings.profiles.journey
    if persons is None:
        context.lake.overwrite(customer_journey(found, settings), CUSTOMER_JOURNEY)
    elif persons:
        # Joined, not listed: a plan that names its persons would stand in logs that no erasure reaches.
        named = frame_of(context.lake.spark, pa.table({"person_id": pa.array(persons, pa.string())}))
        rows = customer_journey(found.join(F.broadcast(named), "person_id", "left_semi"), settings)
        context.lake.replace_ids(rows, CUSTOMER_JOURNEY, "person_id", persons)
