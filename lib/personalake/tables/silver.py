"""Silver: typed by a contract, validated, deduplicated; what failed is in quarantine with its reasons."""

from personalake.tables.schema import Field, Table
from personalake.tables.stamps import STAMPS as _STAMPS

_RUN_COLUMNS = ("batch_id",)

EVENT = Table(
    layer="silver",
    name="event",
    grain="One event; an order line is one event",
    key=("event_id",),
    fields=(
        Field("event_id", "string", "Id of the event, unique across runs"),
        Field("event_type", "string", "Kind of event, e.g. order_line"),
        Field("namespace", "string", "What kind of identifier `customer_id` is; null without a customer"),
        Field("customer_id", "string", "The source's key for the customer; null if unknown", pii="identifier"),
        Field("occurred_at", "timestamp", "When it happened (UTC)"),
        Field("payload_checksum", "bigint", "xxHash64 of the payload, to tell an exact duplicate from a near one"),
        *_STAMPS,
    ),
    clustering=("occurred_at",),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

ORDER_LINE = Table(
    layer="silver",
    name="order_line",
    grain="One line of one order",
    key=("event_id",),
    fields=(
        Field("event_id", "string", "Id of the event, unique across runs"),
        Field("order_id", "string", "Id of the order (basket, receipt)"),
        Field("namespace", "string", "What kind of identifier `customer_id` is; null without a customer"),
        Field("customer_id", "string", "The source's key for the customer; null if unknown", pii="identifier"),
        Field("product_id", "string", "The source's key for the product"),
        Field("quantity", "decimal(12,3)", "Units; negative for a return"),
        Field("amount", "decimal(18,2)", "Paid for the line, after discounts, in `currency`; negative for a return"),
        Field("discount_amount", "decimal(18,2)", "Discount granted on the line, in `currency`, never negative"),
        Field("currency", "string", "ISO 4217 code of the amounts"),
        Field("is_return", "boolean", "True if the line takes goods back"),
        Field("store_id", "string", "Shop or channel where it was bought; null if unknown"),
        Field("occurred_at", "timestamp", "When it happened (UTC)"),
        *_STAMPS,
    ),
    clustering=("occurred_at",),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

CUSTOMER_RECORD = Table(
    layer="silver",
    name="customer_record",
    grain="One version of one customer as a source knows it",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "The source's key of the record, or a hash of that and of the row's content"),
        Field("namespace", "string", "What kind of identifier `customer_id` is"),
        Field("customer_id", "string", "The source's key for the customer", pii="identifier"),
        Field("age_band", "string", "Age group as the source writes it", pii="demographic", purposes=("personalisation",)),
        Field("income_band", "string", "Income group", pii="demographic", purposes=("personalisation",)),
        Field("home_ownership", "string", "Owner, renter, …", pii="demographic", purposes=("personalisation",)),
        Field("marital_status", "string", "Marital status", pii="demographic", purposes=("personalisation",)),
        Field("household_size", "string", "Persons in the household", pii="demographic", purposes=("personalisation",)),
        Field("household_type", "string", "Kind of household", pii="demographic", purposes=("personalisation",)),
        Field("kids_count", "string", "Children in the household", pii="demographic", purposes=("personalisation",)),
        # A protected attribute: it may say whether groups are treated alike, and decides nothing.
        Field("gender", "string", "Gender as the source writes it", pii="protected", purposes=("fairness",)),
        Field("first_name", "string", "First name as the source writes it", pii="contact"),
        Field("last_name", "string", "Last name as the source writes it", pii="contact"),
        Field(
            "birth_date",
            "string",
            "Day of birth: ISO if the source's YAML has its format, else as the source writes it",
            pii="demographic",
        ),
        Field("street", "string", "Street and house number as the source writes them", pii="contact"),
        Field("postcode", "string", "Postcode as the source writes it", pii="contact"),
        Field("city", "string", "Town as the source writes it", pii="contact"),
        Field("email", "string", "E-mail address as the source writes it", pii="identifier"),
        Field("phone", "string", "Phone number as the source writes it", pii="identifier"),
        Field("login", "string", "Account with which the customer signs in", pii="identifier"),
        Field("loyalty_id", "string", "Number of the loyalty card", pii="identifier"),
        Field("device_id", "string", "Device that was used", pii="identifier"),
        Field("cookie_id", "string", "Browser cookie that was seen", pii="identifier"),
        Field("attributes", "map<string,string>", "Further attributes of the source, by name", pii="demographic"),
        *_STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
)

# What records tell of a person beside names, addresses and identifiers.
DEMOGRAPHICS = tuple(
    field.name
    for field in CUSTOMER_RECORD.fields
    if (field.pii, field.type) == ("demographic", "string") and field.name != "birth_date"
)

CATALOG_ITEM = Table(
    layer="silver",
    name="catalog_item",
    grain="One version of one product",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "Hash of the product's key and the row's content"),
        Field("product_id", "string", "The source's key for the product"),
        Field("name", "string", "What a customer would call it; null if unknown"),
        Field("department", "string", "Top level of the assortment"),
        Field("category", "string", "Middle level of the assortment"),
        Field("product_type", "string", "Lowest level of the assortment"),
        Field("brand", "string", "Brand or brand class"),
        Field("manufacturer_id", "string", "The source's key for the manufacturer"),
        Field("package_size", "string", "Size as printed on the package"),
        Field("description", "string", "What the shop tells customers of it; null if nothing"),
        *_STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
)

CONSENT = Table(
    layer="silver",
    name="consent",
    grain="One answer about one purpose; append-only ledger",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "Id of the answer"),
        Field("namespace", "string", "What kind of identifier `customer_id` is"),
        Field("customer_id", "string", "The source's key for the customer", pii="identifier"),
        Field("purpose", "string", "What the data may be used for, e.g. email_marketing"),
        Field("status", "string", "granted, denied, withdrawn, or what else the source says, which allows nothing"),
        Field("legal_basis", "string", "Ground in law, e.g. consent"),
        Field("text_version", "string", "Version of the text that was agreed to"),
        Field("origin", "string", "How the answer came about; the demo's are marked synthetic-demo"),
        Field("occurred_at", "timestamp", "When the answer was given (UTC)"),
        Field("expires_at", "timestamp", "When a consent ends (UTC); null if it does not by itself"),
        *_STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
)

CAMPAIGN_RESPONSE = Table(
    layer="silver",
    name="campaign_response",
    grain="One reaction of a customer to a campaign, e.g. a redeemed coupon",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "Id of the reaction"),
        Field("namespace", "string", "What kind of identifier `customer_id` is"),
        Field("customer_id", "string", "The source's key for the customer", pii="identifier"),
        Field("campaign_id", "string", "The source's key for the campaign"),
        Field("offer_id", "string", "Coupon or offer that was used"),
        Field("response_type", "string", "Kind of reaction, e.g. coupon_redeemed"),
        Field("occurred_at", "timestamp", "When it happened (UTC)"),
        *_STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

QUARANTINE = Table(
    layer="silver",
    name="quarantine",
    grain="One refused row, with its payload and all its reasons",
    key=(),
    fields=(
        Field("source", "string", "Name of the source in conf/sources/"),
        Field("contract", "string", "Contract that the row was to meet"),
        Field("payload", "string", "The row as it came", pii="payload"),
        Field("payload_hash", "string", "SHA-256 of the payload"),
        Field("reasons", "array<string>", "Every reason for refusal, as `field: what is wrong`"),
        Field("source_file", "string", "File the row came from, or topic-partition-offset"),
        Field("ordinal", "int", "Place among identical rows of one file"),
        Field("landed_at", "timestamp", "When it landed"),
        Field("quarantined_at", "timestamp", "When it was refused; operational"),
        Field("batch_id", "string", "Stream and micro-batch that refused the row"),
    ),
    run_columns=("quarantined_at", "batch_id", "source_file"),
    aged_by="quarantined_at",
)

DUPLICATE = Table(
    layer="silver",
    name="duplicate",
    grain="One row that was dropped because its event or record was known already",
    key=(),
    fields=(
        Field("source", "string", "Name of the source in conf/sources/"),
        Field("contract", "string", "Contract that the row meets"),
        Field("row_id", "string", "Event or record id that was known already"),
        Field("payload_hash", "string", "SHA-256 of the payload"),
        Field("is_exact", "boolean", "True if the payload is the same to the byte, false for a near duplicate"),
        Field("known_at", "timestamp", "When this copy could have been known"),
        Field("batch_id", "string", "Stream and micro-batch that dropped the row"),
    ),
    run_columns=("batch_id",),
    aged_by="known_at",
)

PERSON_LINK = Table(
    layer="silver",
    name="person_link",
    grain="One identifier and the person it belongs to",
    key=("namespace", "value"),
    fields=(
        Field("namespace", "string", "Kind of identifier, e.g. customer_id"),
        Field("value", "string", "The identifier", pii="identifier"),
        Field("person_id", "string", "The resolved human"),
        Field("sources", "array<string>", "Sources in which the identifier was seen"),
        Field("first_known_at", "timestamp", "When the identifier could first have been known (UTC)"),
    ),
)

CONSENT_CURRENT = Table(
    layer="silver",
    name="consent_current",
    grain="What one person says about one purpose, by the latest run's own moment",
    key=("person_id", "purpose"),
    fields=(
        Field("person_id", "string", "The resolved human"),
        Field("purpose", "string", "What the data may be used for"),
        Field("status", "string", "granted, denied, withdrawn, expired, or assumed_granted"),
        Field("legal_basis", "string", "Ground in law, or the setting that assumes it"),
        Field("origin", "string", "How the answer came about"),
        Field("occurred_at", "timestamp", "When the answer was given (UTC)"),
        Field("known_at", "timestamp", "When we could have known it (UTC)"),
        Field("expires_at", "timestamp", "When a consent ends (UTC); null if it does not by itself"),
    ),
)

SILVER = (
    EVENT, ORDER_LINE, CUSTOMER_RECORD, CATALOG_ITEM, CONSENT, CAMPAIGN_RESPONSE,
    QUARANTINE, DUPLICATE, PERSON_LINK, CONSENT_CURRENT,
)  # fmt: skip
