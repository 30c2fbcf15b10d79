"""Silver tables of touchpoints: clicks, messages, tickets, answers, mentions, and what was bought or spent about people."""

from personalake.tables.schema import Field, Table
from personalake.tables.stamps import STAMPS

_RUN_COLUMNS = ("batch_id",)
_NAMESPACE = Field("namespace", "string", "What kind of identifier `customer_id` is; null without a customer")
_CUSTOMER = Field("customer_id", "string", "The source's key for the customer; null if unknown", pii="identifier")
_OCCURRED_AT = Field("occurred_at", "timestamp", "When it happened (UTC)")

INTERACTION = Table(
    layer="silver",
    name="interaction",
    grain="One step of a visit to the web shop or the app",
    key=("event_id",),
    fields=(
        Field("event_id", "string", "Id of the event, unique across runs"),
        Field("interaction_type", "string", "view, search, cart, purchase, open, or the source's own word"),
        Field("channel", "string", "Where it happened, e.g. web, app"),
        _NAMESPACE,
        _CUSTOMER,
        Field("cookie_id", "string", "Browser cookie; null outside browsers", pii="identifier"),
        Field("device_id", "string", "Device; null where the source tells none", pii="identifier"),
        Field("session_id", "string", "The source's key for the visit"),
        Field("product_id", "string", "The source's key for the product; null if none is concerned"),
        Field("item_position", "int", "Place among the products of the same step, from 1; null where there is no list"),
        Field("search_term", "string", "What was searched for; null but for a search", pii="payload"),
        Field("order_id", "string", "Id of the order that a purchase ends in"),
        Field("device_type", "string", "Kind of device, e.g. phone"),
        Field("region", "string", "Region from which the visit came"),
        Field("referrer", "string", "What led to the visit, e.g. newsletter"),
        _OCCURRED_AT,
        *STAMPS,
    ),
    clustering=("occurred_at",),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

EMAIL_ENGAGEMENT = Table(
    layer="silver",
    name="email_engagement",
    grain="One thing that happened to one message",
    key=("event_id",),
    fields=(
        Field("event_id", "string", "Id of the event, unique across runs"),
        Field("message_id", "string", "The mailing service's id of the message"),
        Field("campaign_id", "string", "Campaign or newsletter that the message belongs to"),
        Field("engagement_type", "string", "sent, bounced, opened or clicked"),
        _NAMESPACE,
        _CUSTOMER,
        _OCCURRED_AT,
        *STAMPS,
    ),
    clustering=("occurred_at",),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

EXPERIMENT_EXPOSURE = Table(
    layer="silver",
    name="experiment_exposure",
    grain="One visitor seeing one variant of an experiment",
    key=("event_id",),
    fields=(
        Field("event_id", "string", "Id of the exposure, unique across runs"),
        Field("experiment_id", "string", "The source's key for the experiment"),
        Field("variant", "string", "The arm that was shown, e.g. control"),
        _NAMESPACE,
        _CUSTOMER,
        Field("cookie_id", "string", "Browser cookie; null outside browsers", pii="identifier"),
        Field("device_type", "string", "Kind of device, e.g. phone"),
        _OCCURRED_AT,
        *STAMPS,
    ),
    clustering=("occurred_at",),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

SUPPORT_TICKET = Table(
    layer="silver",
    name="support_ticket",
    grain="One request to the help desk",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "The help desk's key for the ticket"),
        _NAMESPACE,
        _CUSTOMER,
        Field("phone", "string", "Number of a caller; null for written requests", pii="identifier"),
        Field("channel", "string", "How it came, e.g. email, phone, chat"),
        Field("text", "string", "What the person wrote or said", pii="payload"),
        Field("rating", "int", "How the person rates the answer, 1 to 5; null if unrated"),
        _OCCURRED_AT,
        *STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

SURVEY_ANSWER = Table(
    layer="silver",
    name="survey_answer",
    grain="One answer to one survey",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "The survey tool's key for the answer"),
        _NAMESPACE,
        _CUSTOMER,
        Field("survey_id", "string", "The survey"),
        Field("score", "int", "Willingness to recommend, 0 to 10"),
        Field("text", "string", "What the person added; null for most", pii="payload"),
        _OCCURRED_AT,
        *STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

SOCIAL_MENTION = Table(
    layer="silver",
    name="social_mention",
    grain="One post on a social network that mentions the shop",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "The listening service's key for the post"),
        _NAMESPACE,
        _CUSTOMER,
        Field("platform", "string", "Where it was posted"),
        Field("handle", "string", "Name under which it was posted", pii="identifier"),
        Field("text", "string", "What was posted", pii="payload"),
        Field("licence", "string", "Terms under which the post may be used; unknown where nobody knows"),
        Field("is_consented", "boolean", "Whether the person allows the use of their posts"),
        _OCCURRED_AT,
        *STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

THIRD_PARTY_ATTRIBUTE = Table(
    layer="silver",
    name="third_party_attribute",
    grain="One attribute of one person as a data provider tells it",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "The provider's key for the row"),
        _NAMESPACE,
        _CUSTOMER,
        Field("attribute", "string", "What is told, e.g. income_band"),
        Field("value", "string", "The value", pii="demographic", purposes=("personalisation",)),
        Field("provider", "string", "Who tells it"),
        Field("licence", "string", "Contract or terms under which it may be used"),
        Field("is_consented", "boolean", "Whether the provider holds the person's consent"),
        Field("occurred_at", "timestamp", "Since when the provider says that it holds (UTC)"),
        *STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

CAMPAIGN_SPEND = Table(
    layer="silver",
    name="campaign_spend",
    grain="What one campaign cost on one day",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "Campaign and day"),
        Field("campaign_id", "string", "The source's key for the campaign"),
        Field("channel", "string", "Where it ran, e.g. email"),
        Field("impressions", "bigint", "Messages or views"),
        Field("clicks", "bigint", "Clicks"),
        Field("amount", "decimal(18,2)", "Cost, in `currency`"),
        Field("currency", "string", "ISO 4217 code of the amount"),
        Field("occurred_at", "timestamp", "The day, at midnight (UTC)"),
        *STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
)

TOUCHPOINTS = (
    INTERACTION, EMAIL_ENGAGEMENT, EXPERIMENT_EXPOSURE, SUPPORT_TICKET, SURVEY_ANSWER, SOCIAL_MENTION,
    THIRD_PARTY_ATTRIBUTE, CAMPAIGN_SPEND,
)  # fmt: skip
