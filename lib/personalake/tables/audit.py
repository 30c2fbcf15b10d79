"""What is known of the sources themselves."""

from personalake.tables.schema import Field, Table

SOURCE_AUDIT = Table(
    layer="gold",
    name="source_audit",
    grain="One source as an audit found it; the newest row of a source counts, and one is added when something changed",
    key=("source", "audited_at"),
    fields=(
        Field("source", "string", "Name of the source in conf/sources/"),
        Field("as_of", "date", "Exclusive day up to which things were known"),
        Field("contract", "string", "What its rows become"),
        Field("kind", "string", "How its rows arrive: files, kafka or jdbc"),
        Field("feeds_tables", "array<string>", "Tables that hold its rows or are computed from them in one step"),
        Field("feeds_features", "array<string>", "Features of gold.customer_feature that are computed from its rows"),
        Field(
            "touchpoints", "map<string,string>", "Touchpoint (email, web, app, shop, support, push) to what it gives there"
        ),
        Field("rows", "bigint", "Rows that lie in silver now"),
        Field("rows_in", "bigint", "Rows that ever came in"),
        Field("rows_quarantined", "bigint", "Of these, refused"),
        Field("rows_duplicate", "bigint", "Of these, dropped because they were known already"),
        Field("refused_share", "double", "Refused by rows in, 0..1; null before any came in"),
        Field("first_date", "date", "First day with a row"),
        Field("last_date", "date", "Last day with a row"),
        Field("days_without_rows", "bigint", "Days between those without a row"),
        Field("longest_gap_days", "bigint", "Longest run of such days"),
        Field("known_until", "timestamp", "When the latest row could have been known (UTC)"),
        Field("freshness_days", "bigint", "Whole days from then to the as-of; negative if rows came in after it"),
        Field("identifier_share", "map<string,double>", "Identifier to the share of rows that have it, 0..1"),
        Field("persons", "bigint", "Persons who were seen in the source"),
        Field("consent_share", "map<string,double>", "Purpose to the share of those persons who grant it, 0..1"),
        Field("audited_at", "timestamp", "When the audit was made"),
    ),
    run_columns=("audited_at",),
)

AUDIT = (SOURCE_AUDIT,)
