"""Gold: the 360 row, what is known of one person now."""

from personalake.tables.schema import Field, Table

# Whatever says something of a person, told or seen, may leave only for who grants this.
_ABOUT = ("personalisation",)


def _said(name: str, comment: str, kind: str = "string") -> Field:
    """What records say of the person."""
    return Field(name, kind, comment, pii="demographic", purposes=_ABOUT)


def _seen(name: str, kind: str, comment: str) -> Field:
    """What the person did."""
    return Field(name, kind, comment, purposes=_ABOUT)


CUSTOMER_PROFILE = Table(
    layer="gold",
    name="customer_profile",
    grain="One person as known now",
    key=("person_id",),
    fields=(
        Field("person_id", "string", "The resolved human"),
        Field("customer_id", "string", "One identifier of the person, for look-up", pii="identifier"),
        _seen("first_order_date", "date", "Day of the first order"),
        _seen("last_order_date", "date", "Day of the latest order"),
        _seen("lifecycle_stage", "string", "prospect (no order), new, active, at_risk, lapsed or reactivated"),
        _seen("orders", "bigint", "Orders so far"),
        _seen("order_lines", "bigint", "Order lines so far"),
        _seen("spend", "decimal(18,2)", "Paid so far, returns deducted, in `currency`"),
        Field("currency", "string", "ISO 4217 code of the amounts"),
        _seen("average_order_value", "decimal(18,2)", "Spend by orders, in `currency`"),
        _seen("days_between_orders", "double", "Mean days between days with an order; null below two"),
        _seen("favourite_category", "string", "Category with most orders; ties by spend, then name"),
        _seen("favourite_store_id", "string", "Shop, or channel in its place, with most orders; ties by id"),
        _seen("discount_share", "double", "Discounts by undiscounted spend, 0..1"),
        _seen("coupons_redeemed", "bigint", "Coupons redeemed so far"),
        _said("age_band", "Age group as the source writes it, e.g. 25-34, 1980s; null if none tells"),
        _said("income_band", "Income group"),
        _said("household_size", "Persons in the household, as text, e.g. 2, 5+"),
        _said("kids_count", "Children in the household, as text, e.g. 1, 3+"),
        _said("home_ownership", "Owner, renter, …"),
        _said("marital_status", "Marital status"),
        _said("household_type", "Kind of household"),
        _said("region", "Region of most visits to web shop or app; ties by name; null without any"),
        _seen("web_visits", "bigint", "Visits to the web shop so far"),
        _seen("last_web_visit_at", "timestamp", "Last step of the latest visit to the web shop (UTC)"),
        _seen("app_visits", "bigint", "Visits to the app so far"),
        _seen("last_app_visit_at", "timestamp", "Last step of the latest visit to the app (UTC)"),
        _seen("emails_sent", "bigint", "Messages that were sent so far"),
        _seen("emails_opened", "bigint", "Of these, opened or clicked"),
        _seen("emails_clicked", "bigint", "Of these, clicked"),
        _seen("last_email_at", "timestamp", "When a message was last opened or clicked (UTC); null if none was"),
        _seen("tickets", "bigint", "Requests to the help desk so far"),
        _seen("last_ticket_at", "timestamp", "When the latest was made (UTC)"),
        _seen("ticket_rating", "double", "Mood towards it: mean rating of its answers, 1 to 5; null if none is rated"),
        _seen("survey_score", "int", "Willingness to recommend as last told, 0 to 10"),
        _seen("last_survey_at", "timestamp", "When it was told (UTC)"),
        Field("consents", "map<string,string>", "Purpose to status when the profile was made; no answer, no entry"),
        _said("preferences", "What the person wishes when it was made, by name, e.g. language: de", "map<string,string>"),
        _said("third_party", "What data providers tell and licence and consent permit, by attribute", "map<string,string>"),
        Field("provenance", "map<string,string>",
              "Attribute, or `third_party.<attribute>`: what its value is from, as `source:record at time (rule)`",
              pii="identifier"),
        Field("as_of", "date", "Exclusive day up to which things were known"),
    ),
)  # fmt: skip
