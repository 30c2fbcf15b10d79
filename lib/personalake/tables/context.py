"""What surrounds people: prices and stock of products, weather by region and hour, and visits under it."""

from personalake.tables.schema import Field, Table
from personalake.tables.stamps import STAMPS

_RUN_COLUMNS = ("batch_id",)
_STORE = Field("store_id", "string", "Shop or channel that it holds for; null if for all")

PRODUCT_OFFER = Table(
    layer="silver",
    name="product_offer",
    grain="One version of the price and the stock of one product",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "Hash of the product's key and the row's content"),
        Field("product_id", "string", "The source's key for the product"),
        _STORE,
        Field("price", "decimal(18,2)", "Price of one unit, in `currency`; null if the row tells stock only"),
        Field("currency", "string", "ISO 4217 code of the price"),
        Field("stock", "decimal(12,3)", "Units that can be sold; null if the row tells the price only"),
        *STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
    aged_by="known_at",
)

WEATHER = Table(
    layer="silver",
    name="weather",
    grain="What was measured in one region in one hour",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "Hash of region, hour and content"),
        Field("region", "string", "Region, called as visits call it"),
        Field("sky", "string", "sun, cloud, rain, snow, or the source's own word"),
        Field("temperature_celsius", "double", "Temperature of the air, °C"),
        Field("occurred_at", "timestamp", "When the hour began (UTC)"),
        *STAMPS,
    ),
    run_columns=_RUN_COLUMNS,
    aged_by="occurred_at",
)

OFFER_HISTORY = Table(
    layer="gold",
    name="offer_history",
    grain="One span of time in which price and stock of one product stayed as they were; the last one is open",
    key=("product_id", "store_id", "valid_from"),
    fields=(
        Field("product_id", "string", "The source's key for the product"),
        _STORE,
        Field("price", "decimal(18,2)", "Price of one unit, in `currency`; null if unknown"),
        Field("currency", "string", "ISO 4217 code of the price"),
        Field("stock", "decimal(12,3)", "Units that could be sold; null if unknown"),
        Field("valid_from", "timestamp", "Since when it was known (UTC)"),
        Field("valid_to", "timestamp", "Until when, exclusive (UTC); null for what holds now"),
        Field("as_of", "date", "Exclusive day up to which things were known"),
    ),
)

VISIT_CONTEXT = Table(
    layer="gold",
    name="visit_context",
    grain="One region, hour and kind of device, with who came by and the weather outside",
    key=("region", "hour", "device_type"),
    fields=(
        Field("region", "string", "Region from which the visits came"),
        Field("hour", "timestamp", "When the hour began (UTC)"),
        Field("device_type", "string", "Kind of device; null if unknown, or if nobody came"),
        Field("visits", "bigint", "Visits with a step in the hour"),
        Field("purchases", "bigint", "Orders that ended a visit in the hour"),
        Field("sky", "string", "Sky over the region; null if nobody told"),
        Field("temperature_celsius", "double", "Temperature there, °C; null if nobody told"),
        Field("as_of", "date", "Exclusive day up to which things were known"),
    ),
)

CONTEXT = (PRODUCT_OFFER, WEATHER, OFFER_HISTORY, VISIT_CONTEXT)
