"""What goes to one destination: decisions, within consent at this moment, as items ready to be packed."""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from personalake.activation import braze, csv_file, segment
from personalake.config.activation import Destination, purpose_gaps
from personalake.errors import ConfigError
from personalake.tables.gold import CUSTOMER_PROFILE, DECISION

NO_CONSENT, OVERSIZE, NO_IDENTIFIER = "no consent at this moment", "oversize", "no identifier"
ITEM_COLUMNS = (
    "delivery_id", "decision_id", "person_id", "destination", "place", "operation", "payload", "payload_hash",
    "purpose", "as_of", "refusal",
)  # fmt: skip


def plan(
    decisions: DataFrame, profiles: DataFrame, granted: DataFrame, name: str, destination: Destination, as_of: date
) -> DataFrame:
    """Items for one destination.

    Only decisions with the status `act` count, so the holdout is left alone; consent is asked again, and a person
    without an answer is refused.

    Args:
        decisions: Rows of `gold.decision` at `as_of`.
        profiles: Rows of `gold.customer_profile`, with `pseudonym` for a destination that knows people by it.
        granted: `person_id` and `purposes` granted at this moment.
        name: Name of the destination.
        destination: What it takes.
        as_of: Exclusive day.

    Returns:
        One row per item, in the columns of `ITEM_COLUMNS`; `refusal` is null for what may leave, and the payload is null
        for what may not.

    Raises:
        ConfigError: If a column needs a purpose that the destination lacks.
    """
    gaps = [f"destinations.{name}: {column} needs the purpose {need}" for column, need in purpose_gaps(destination)]
    if gaps:
        raise ConfigError(gaps)
    external = F.col(destination.identifier).alias("external_id")
    people = profiles.select("person_id", *({"customer_id", "pseudonym"} & {destination.identifier}), *destination.traits)
    wanted = (
        decisions.where("status = 'act'")
        .where(_goes_there(destination))
        .select("person_id", "purpose", "as_of", *(c for c in DECISION.columns if c in destination.columns))
        .join(people, "person_id", "left")
        .join(granted, "person_id", "left")
        .withColumn("external_id", external)
    )
    return wanted.withColumn("item", F.explode(_items(name, destination, as_of))).transform(
        lambda rows: _judged(rows, name, destination)
    )


def _goes_there(destination: Destination) -> Column:
    condition = F.lit(True)
    for column, allowed in (("channel", destination.channels), ("action", destination.actions)):
        if allowed:
            condition &= F.col(column).isin(*allowed)
    return condition


def _items(name: str, destination: Destination, as_of: date) -> Column:
    operations = _operations(name, destination, as_of)
    return F.array(
        *(
            F.struct(F.lit(place).alias("place"), F.lit(operation).alias("operation"), payload.alias("payload"))
            for place, (operation, payload) in enumerate(operations.items())
        )
    )


def _operations(name: str, destination: Destination, as_of: date) -> Mapping[str, Column]:
    if destination.dialect == "segment_batch":
        return segment.operations(name, destination.traits, as_of)
    if destination.dialect == "braze_track":
        return braze.operations(destination.traits, as_of)
    is_text = {field.name: isinstance(field.data_type, StringType) for field in CUSTOMER_PROFILE.fields}
    return csv_file.operations(destination.traits, is_text)


def _judged(rows: DataFrame, name: str, destination: Destination) -> DataFrame:
    """Refuse what may not or cannot leave; the payload of a refused item is dropped here, not later."""
    purposes = F.array_union(F.array(*map(F.lit, destination.purposes)), F.array(F.col("purpose")))
    is_granted = F.coalesce(F.size(F.array_except(purposes, "purposes")) == 0, F.lit(False))
    refusal = (
        F.when(~is_granted, NO_CONSENT)
        .when(F.col("external_id").isNull(), NO_IDENTIFIER)
        .when(F.octet_length("item.payload") > destination.max_item_bytes, OVERSIZE)
    )
    identity = F.concat_ws("|", F.lit(name), "decision_id", "operation", "payload_hash")
    return (
        rows.withColumns({"refusal": refusal, "place": F.col("item.place"), "operation": F.col("item.operation")})
        .withColumn("payload", F.when(F.col("refusal").isNull(), F.col("item.payload")))
        .withColumn("payload_hash", F.sha2("payload", 256))
        .withColumn("delivery_id", F.when(F.col("refusal").isNull(), F.substring(F.sha2(identity, 256), 1, 40)))
        .withColumn("destination", F.lit(name))
        .select(*ITEM_COLUMNS)
    )
