"""Receipts and what they are about: the delivery, and the person."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.activation.receipts.addresses import DEVICE, USER
from personalake.common.standardise import standard_value

KEY = ("source", "record_id")
# How a channel's addresses are called among identifiers.
ADDRESSES = {"email": "email", "sms": "phone", "push": DEVICE, "user": USER}
# A source whose namespace is this names persons themselves, or as a destination knows them: no identifier of theirs.
PERSON_ID, PSEUDONYM = "person_id", "pseudonym"
NAMES = (PERSON_ID, PSEUDONYM)


def matched(receipts: DataFrame, outbox: DataFrame, log: DataFrame, links: DataFrame, calling_code: str) -> DataFrame:
    """Receipts with the person and the delivery that they are about, where anything tells.

    A delivery is found by its own id, else by the destination's name for the request: where several people shared the
    request, by the person as well.

    Args:
        receipts: Rows of `silver.delivery_receipt`, unique by source and record.
        outbox: Rows of `gold.activation_outbox`.
        log: Rows of `gold.activation_log`, for the destinations' references.
        links: Rows of `silver.person_link`; besides, names of persons at destinations may be among them.
        calling_code: Of phone numbers that are written without one.

    Returns:
        The receipts, with `address_namespace`, `person_id` and `about` (the delivery), null where nothing tells, and
        `is_key_known`: whether the person is known by the key that the receipt names.
    """
    named = receipts.withColumn("address_namespace", _namespace_of_channel()).transform(
        lambda rows: _named(rows, links, calling_code)
    )
    planned = outbox.select(
        F.col("delivery_id").alias("planned_id"),
        F.col("person_id").alias("planned_person"),
        F.col("destination").alias("planned_for"),
    )
    # Whom a delivery was for it says whoever reports it, also where its connection was renamed; what became of it is told
    # by the destination that it went to.
    found_id = F.when(_same_destination(), F.col("planned_id"))
    by_id = named.join(planned, F.col("delivery_id") == F.col("planned_id"), "left").withColumn("found_id", found_id)
    by_reference = _by_reference(named.where("reference IS NOT NULL"), log, planned)
    joined = by_id.join(by_reference, list(KEY), "left")
    return joined.select(
        *receipts.columns,
        "address_namespace",
        F.coalesce("named_person", "planned_person", "referred_person").alias("person_id"),
        F.coalesce("found_id", "referred_id").alias("about"),
        "is_key_known",
    )


def _named(receipts: DataFrame, links: DataFrame, calling_code: str) -> DataFrame:
    """Add the person whom the receipt itself names: by their key, else by their address, each as written or standardised."""
    places = (("namespace", "customer_id"), ("address_namespace", "address"))
    forms = [
        F.struct(F.col(kind).alias("namespace"), form.alias("value"))
        for kind, name in places
        for form in (F.col(name), standard_value(F.col(kind), F.col(name), calling_code))
    ]
    tried = receipts.select(*KEY, F.posexplode(F.array(*forms)).alias("place", "form")).select(*KEY, "place", "form.*")
    known = links.select("namespace", "value", F.col("person_id").alias("linked"))
    # The first two forms are those of the key.
    found = tried.join(known, ["namespace", "value"]).groupBy(*KEY).agg(
        F.min_by("linked", "place").alias("linked"), (F.min("place") < 2).alias("is_key_linked")
    )  # fmt: skip
    told = F.when(F.col("namespace") == PERSON_ID, F.col("customer_id"))
    named, is_key = F.coalesce(told, F.col("linked")), F.coalesce("is_key_linked", F.lit(False))
    joined = receipts.join(found, list(KEY), "left").withColumns({"named_person": named, "is_key_known": is_key})
    return joined.drop("linked", "is_key_linked")


def _by_reference(receipts: DataFrame, log: DataFrame, planned: DataFrame) -> DataFrame:
    """One delivery for each receipt whose reference tells it: the only one, or the one of the person who is named."""
    referred = log.where("reference IS NOT NULL").select("reference", F.col("delivery_id").alias("planned_id")).distinct()
    found = (
        receipts.join(referred, "reference")
        .join(planned, "planned_id")
        .where(_same_destination())
        .withColumn("is_theirs", F.coalesce(F.col("planned_person") == F.col("named_person"), F.lit(False)))
    )
    one = F.struct("planned_id", "planned_person")
    grouped = found.groupBy(*KEY).agg(
        F.count("*").alias("candidates"),
        F.min(one).alias("only"),
        F.min(F.when(F.col("is_theirs"), one)).alias("theirs"),
        F.max("named_person").alias("named"),
    )
    may_be = (F.col("candidates") == 1) & F.col("named").isNull()
    told = F.coalesce("theirs", F.when(may_be, F.col("only")))
    return grouped.select(*KEY, told["planned_id"].alias("referred_id"), told["planned_person"].alias("referred_person"))


def _same_destination() -> Column:
    return F.coalesce(F.lower("destination") == F.lower("planned_for"), F.lit(True))


def _namespace_of_channel() -> Column:
    pairs = [F.lit(text) for pair in ADDRESSES.items() for text in pair]
    return F.element_at(F.create_map(*pairs), F.col("channel"))
