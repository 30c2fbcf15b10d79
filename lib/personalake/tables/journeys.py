"""Gold tables of how people got where they are: their touchpoints in order, the paths that many take, and what changed."""

from personalake.tables.schema import Field, Table

_PERSON = Field("person_id", "string", "The resolved human")

CUSTOMER_JOURNEY = Table(
    layer="gold",
    name="customer_journey",
    grain="One touchpoint of one person, in order; a journey ends with a purchase, or in silence",
    key=("person_id", "touchpoint"),
    fields=(
        _PERSON,
        Field("touchpoint", "int", "Place in the person's order of touchpoints, from 1"),
        Field("touchpoint_id", "string", "Id of the event, order or ticket"),
        Field("occurred_at", "timestamp", "When it happened (UTC)"),
        Field("channel", "string",
              "Where: web, app, email, push, store, campaign, survey, a social network, or the help desk's way in"),
        Field("kind", "string",
              "What: view, search, cart, purchase, open (of app or message), click, ticket, answer, mention, redemption, …"),
        Field("product_id", "string", "The source's key for the product; null if none is concerned",
              purposes=("personalisation",)),
        Field("order_id", "string", "Id of the order; null but for a purchase"),
        Field("device_type", "string", "Kind of device, e.g. phone; null outside of visits"),
        Field("region", "string", "Region from which a visit came; null outside of visits", purposes=("personalisation",)),
        Field("session", "int", "Number of the person's session, from 1; a pause beyond session_minutes starts a new one"),
        Field("session_id", "string", "Hash of the person and the session's first touchpoint; stays as more arrive"),
        Field("journey", "int", "Number of the person's journey, from 1; one begins after a purchase, or a long silence"),
        Field("path", "string", "Steps of the journey so far, repeated ones once, purchases left out; null for none",
              purposes=("personalisation",)),
        Field("is_first_touch", "boolean", "True for the first touchpoint of a journey"),
        Field("is_last_touch", "boolean", "True for the last touchpoint before the journey's purchase"),
        Field("seconds_since_previous", "bigint", "Since the person's touchpoint before, seconds; null for the first"),
        Field("seconds_to_purchase", "bigint", "Until the journey's purchase, seconds; null if none came"),
        Field("definition", "string", "Fingerprint of the rules by which journeys were cut"),
    ),
)  # fmt: skip

JOURNEY_PATH = Table(
    layer="gold",
    name="journey_path",
    grain="One beginning of journeys at one as-of, taken by several; journeys = went on + bought + dropped + open",
    key=("path", "as_of"),
    fields=(
        Field("path", "string", "The first steps of a journey, e.g. `email click > web view`"),
        Field("as_of", "date", "Exclusive day up to which things were known"),
        Field("steps", "int", "Steps of the path; 0 for a purchase without any touchpoint before it"),
        Field("journeys", "bigint", "Journeys that began so"),
        Field("persons", "bigint", "Persons whose journeys they are"),
        Field("went_on", "bigint", "Of these, took a further step"),
        Field("bought", "bigint", "Of these, bought as the next thing"),
        Field("dropped", "bigint", "Of these, fell silent here for longer than journey_days without a purchase"),
        Field("open", "bigint", "Of these, may still go on"),
        Field("purchases", "bigint", "Journeys that began so and ended in a purchase, soon or later"),
        Field("conversion", "double", "Purchases by journeys, 0..1"),
        Field(
            "median_seconds_to_purchase",
            "double",
            "Median from the first touchpoint to the purchase, seconds; null without one",
        ),
    ),
)

CUSTOMER_PROFILE_HISTORY = Table(
    layer="gold",
    name="customer_profile_history",
    grain="One value of one attribute of one person while it held; no row while it was unknown",
    key=("person_id", "attribute", "valid_from"),
    fields=(
        _PERSON,
        Field("attribute", "string", "Name of the attribute, e.g. lifecycle_stage; of one key of a map, `consents.<key>`"),
        Field("value", "string", "The value, as text", pii="demographic", purposes=("personalisation",)),
        Field(
            "valid_from",
            "timestamp",
            "Since when it holds (UTC): of what is computed the as-of, of answers and wishes when the last came",
        ),
        Field("valid_to", "timestamp", "Until when it held, exclusive (UTC); null if it still holds"),
        Field("source", "string", "Source whose record tells it; profile for what is computed"),
        Field("record_id", "string", "The record that tells it; null for what is computed"),
    ),
    aged_by="valid_to",
)

JOURNEYS = (CUSTOMER_JOURNEY, JOURNEY_PATH, CUSTOMER_PROFILE_HISTORY)
