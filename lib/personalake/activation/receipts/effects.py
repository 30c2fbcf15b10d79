"""What follows from receipts for consent, suppression and engagement."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from personalake.activation.receipts.addresses import DEVICE, USER
from personalake.activation.receipts.matching import NAMES
from personalake.common.hashing import with_keyed_hash
from personalake.common.standardise import standard_value
from personalake.common.transformation import Transformation
from personalake.tables.receipts import HARD_BOUNCE, SUPPRESSION, UNREGISTERED
from personalake.tables.silver import CONSENT
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT

# Ends the id of the second answer that follows from one receipt.
_BESIDE = ":address"
WITHDRAWING = ("unsubscribed", "complained")
_ENGAGEMENTS = {
    "delivered": "sent", "hard_bounce": "bounced", "soft_bounce": "bounced", "opened": "opened", "clicked": "clicked",
}  # fmt: skip


def withdrawals(
    receipts: DataFrame, links: DataFrame, purposes: Mapping[str, str], calling_code: str, weak: Collection[str]
) -> DataFrame:
    """Who unsubscribes or complains withdraws the purpose of the channel.

    Under a key by which the receipt names a person, that person does. Where the delivery or the address tells who it is,
    the person does under the identifier that is theirs most surely, and whoever has the address does.

    Args:
        receipts: Rows of `matched`, with `batch_id`.
        links: Rows of `silver.person_link`: a receipt that names a delivery, and no key by which its person is known, counts
            for an identifier of that person.
        purposes: Channel to purpose; a channel without one withdraws nothing.
        calling_code: Of phone numbers that are written without one.
        weak: Kinds of identifiers that may become somebody else's, the strongest first; all others are stronger.

    Returns:
        Rows of `silver.consent`, one or two for each receipt.
    """
    asked = receipts.where(F.col("receipt_type").isin(*WITHDRAWING)).join(_surest(links, weak), "person_id", "left")
    spelled = standard_value(F.col("address_namespace"), F.col("address"), calling_code)
    address = F.struct(F.col("address_namespace").alias("namespace"), spelled.alias("customer_id"))
    is_address = F.col("address").isNotNull() & F.col("address_namespace").isNotNull()
    # The address speaks for itself unless a key does: it is who was written to.
    beside = F.when(is_address & ~F.col("is_key_known"), address)
    both = F.array_distinct(F.array_compact(F.array(_key_of_person(), beside)))
    return (
        asked.withColumns({"both": both, "purpose": _looked_up(purposes, "channel")})
        .where("purpose IS NOT NULL")
        .select("*", F.posexplode("both").alias("place", "who"))
        .withColumns(
            {
                "record_id": F.when(F.col("place") == 0, F.col("record_id")).otherwise(
                    F.concat("record_id", F.lit(_BESIDE))
                ),
                "namespace": F.col("who.namespace"),
                "customer_id": F.col("who.customer_id"),
                "status": F.lit("withdrawn"),
                "legal_basis": F.lit("consent"),
                "expires_at": F.lit(None).cast("timestamp"),
                "text_version": F.lit(None).cast("string"),
                "origin": F.concat(F.lit("receipt: "), "receipt_type"),
            }
        )
        .select(*CONSENT.columns)
    )


def suppressions(
    receipts: DataFrame, hash_key: str | None, calling_code: str, days: int | None, user_days: int | None, now: datetime
) -> DataFrame:
    """Addresses that bounced for good are not used again; of a device the device alone, since its holder may have another.

    A push without a device bars nobody; the vendor who sent it knows which it was.

    A user whom an app does not know under a name may come back under it, unlike a device: that ends, and may begin anew.

    Args:
        receipts: Rows of `matched`.
        hash_key: Key of the hashes; without one only persons who are known can be suppressed.
        calling_code: Of phone numbers that are written without one.
        days: How long they are left alone; null for ever.
        user_days: The same for users of an app; devices are left alone for ever.
        now: Start of the run; what is said to happen later bars from here on.

    Returns:
        Rows of `silver.suppression`, unique by key.
    """
    is_user = F.col("address_namespace").eqNullSafe(USER)
    # What ends may begin anew.
    ends_so = is_user if days is None else ~F.col("address_namespace").eqNullSafe(DEVICE)
    begun = F.when(ends_so, F.date_format("occurred_at", "yyyy-MM-dd"))
    subject = F.concat_ws("|", F.coalesce("identifier_hash", "person_id"), "channel", "why", "source", begun)
    is_alone = F.col("address_namespace").isin(DEVICE, USER) & F.col("identifier_hash").isNotNull()
    why = F.when(is_alone, UNREGISTERED).otherwise(HARD_BOUNCE)
    ends = F.when(is_user, _after(user_days)).when(F.col("why") != UNREGISTERED, _after(days))
    hashed = receipts.where(F.col("receipt_type") == HARD_BOUNCE).transform(_hashed(hash_key, calling_code))
    # Of a push that does not say which device it was, nothing follows: its holder may have others.
    bounced = hashed.where(is_alone | ~F.col("channel").eqNullSafe("push"))
    told = bounced.withColumn("why", why).withColumn("person_id", F.when(F.col("why") != UNREGISTERED, F.col("person_id")))
    first = (
        told.where("identifier_hash IS NOT NULL OR person_id IS NOT NULL")
        .withColumn("suppression_id", F.substring(F.sha2(subject, 256), 1, 32))
        .groupBy("suppression_id")
        .agg(F.min_by(F.struct(*told.columns), F.struct("occurred_at", "record_id")).alias("first"))
        .select("suppression_id", "first.*")
    )
    return first.withColumns(
        {
            "namespace": F.when(F.col("identifier_hash").isNotNull(), F.col("address_namespace")),
            "scope": F.col("channel"),
            "reason": F.col("why"),
            "since": F.least("occurred_at", F.lit(now.isoformat()).cast("timestamp")),
        }
    ).withColumn("until", ends).select(*SUPPRESSION.columns)  # fmt: skip


def engagements(receipts: DataFrame, links: DataFrame, weak: Collection[str]) -> DataFrame:
    """What happened to e-mails, beside what mailing tools tell by themselves.

    Args:
        receipts: Rows of `matched`, with `batch_id`.
        links: Rows of `silver.person_link`, for receipts that only name a delivery.
        weak: Kinds of identifiers that may become somebody else's, see `withdrawals`.

    Returns:
        Rows of `silver.email_engagement`; its event ids begin with the source.
    """
    return (
        receipts.where("channel = 'email'")
        .withColumn("engagement_type", _looked_up(_ENGAGEMENTS, "receipt_type"))
        .where("engagement_type IS NOT NULL")
        .join(_surest(links, weak), "person_id", "left")
        .withColumn("who", _key_of_person())
        .where("who IS NOT NULL")
        .withColumns(
            {
                "event_id": F.concat_ws(":", "source", "record_id"),
                "message_id": F.coalesce("about", "reference"),
                "namespace": F.col("who.namespace"),
                "customer_id": F.col("who.customer_id"),
            }
        )
        .select(*EMAIL_ENGAGEMENT.columns)
    )


def _surest(links: DataFrame, weak: Collection[str]) -> DataFrame:
    """One identifier of each person, always the same: none that may become another person's, if they have any other."""
    places = F.create_map(*(F.lit(part) for place, kind in enumerate(weak, 1) for part in (kind, place)))
    place = F.coalesce(F.element_at(places, F.col("namespace")), F.lit(0)) if weak else F.lit(0)
    surest = F.min(F.struct(place.alias("place"), "namespace", F.col("value").alias("customer_id")))
    own = F.struct("surest.namespace", "surest.customer_id").alias("own")
    return links.groupBy("person_id").agg(surest.alias("surest")).select("person_id", own)


def _key_of_person() -> Column:
    """The key that a receipt names if its person is known by it, else one by which they are, else what nobody knows yet."""
    key, is_key = F.struct("namespace", "customer_id"), F.col("customer_id").isNotNull() & ~F.col("namespace").isin(*NAMES)
    return F.coalesce(F.when(is_key & F.col("is_key_known"), key), F.col("own"), F.when(is_key, key))


def _after(days: int | None) -> Column:
    return F.lit(None).cast("timestamp") if days is None else F.col("since") + F.lit(timedelta(days=days))


def _hashed(hash_key: str | None, calling_code: str) -> Transformation:
    """Add `identifier_hash`, null without a key or an address."""
    if hash_key is None:
        return lambda receipts: receipts.withColumn("identifier_hash", F.lit(None).cast("string"))
    spelled = standard_value(F.col("address_namespace"), F.col("address"), calling_code)
    return with_keyed_hash(hash_key, "identifier_hash", F.concat("address_namespace", F.lit("|"), spelled))


def _looked_up(pairs: Mapping[str, str], column: str) -> Column:
    if not pairs:
        return F.lit(None).cast("string")
    return F.element_at(F.create_map(*(F.lit(text) for pair in pairs.items() for text in pair)), F.col(column))
