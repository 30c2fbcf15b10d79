"""What destinations report back, of whom must not be written to, and what decisions are worth by it."""

from personalake.tables.schema import Field, Table
from personalake.tables.stamps import STAMPS

# A reason that bars an address and not who holds it: a person may have another device.
UNREGISTERED = "unregistered"
# A reason that bars whoever holds the address, if it is known.
HARD_BOUNCE = "hard_bounce"

DELIVERY_RECEIPT = Table(
    layer="silver",
    name="delivery_receipt",
    grain="One thing that a destination reports of one message",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "The destination's id of the report"),
        Field("receipt_type", "string", "sent, delivered, soft_bounce, hard_bounce, opened, clicked, unsubscribed, "
              "complained, capped or failed"),
        Field("channel", "string", "Channel of the message, e.g. email"),
        Field("destination", "string", "Name of the destination in the settings; null where its source does not say"),
        Field("delivery_id", "string", "The delivery, where the destination repeats its id"),
        Field("reference", "string", "The destination's own name for the request or message; null without one"),
        Field("campaign_id", "string", "The destination's key for the campaign; null without one"),
        Field("namespace", "string", "What kind of identifier `customer_id` is; null without one"),
        Field("customer_id", "string", "How the destination knows the person; null if it does not say", pii="identifier"),
        Field("address", "string", "E-mail address, phone number or device token that was used", pii="identifier"),
        Field("reason", "string", "Why, in the destination's words", pii="payload"),
        Field("occurred_at", "timestamp", "When it happened (UTC)"),
        *STAMPS,
    ),
    clustering=("known_at",),
    run_columns=("batch_id",),
    aged_by="occurred_at",
)  # fmt: skip

SUPPRESSION = Table(
    layer="silver",
    name="suppression",
    grain="One reason why one identifier or person must not be reached, over one channel or all",
    key=("suppression_id",),
    fields=(
        Field("suppression_id", "string", "Hash of whom, scope, reason and source; the same thing told twice is one row"),
        Field("namespace", "string", "What kind of identifier was hashed, e.g. email; null where only a person is named"),
        Field("identifier_hash", "string", "HMAC-SHA-256 of `namespace|value` under `erasure.key`; null without"),
        Field("person_id", "string", "The resolved human, as known when it was written; null if nobody was known"),
        Field("scope", "string", "Channel that must not be used, e.g. email; `all` for every channel"),
        Field("reason", "string", "Why, e.g. hard_bounce, spam_complaint, erased; unregistered bars the address alone"),
        Field("since", "timestamp", "From when on (UTC)"),
        Field("until", "timestamp", "When it ends (UTC); null if it does not"),
        Field("source", "string", "Who said so: a source in conf/sources/, or the job that wrote it"),
    ),
)  # fmt: skip

DECISION_RESPONSE = Table(
    layer="gold",
    name="decision_response",
    grain="One sign that a message which a decision asked for has reached the person, and what that is worth",
    key=("source", "record_id"),
    fields=(
        Field("source", "string", "Source of the receipt in conf/sources/"),
        Field("record_id", "string", "The destination's id of the report"),
        Field("decision_id", "string", "The decision, see gold.decision"),
        Field("person_id", "string", "Whom it was about, as resolved when it was sent"),
        Field("delivery_id", "string", "The delivery, see gold.activation_outbox"),
        Field("destination", "string", "Where it was sent"),
        Field("response_type", "string", "delivered, opened, clicked, unsubscribed or complained"),
        Field("reward", "double", "What it is worth, as receipts.rewards says; 0 for what is not named there"),
        Field("occurred_at", "timestamp", "When it happened (UTC)"),
    ),
    clustering=("occurred_at",),
    aged_by="occurred_at",
)  # fmt: skip

RECEIPTS = (DELIVERY_RECEIPT, SUPPRESSION, DECISION_RESPONSE)
