"""Gold tables of how sound the tables are, apart from single rows."""

from personalake.tables.schema import Field, Table

DATASET_VERDICT = Table(
    layer="gold",
    name="dataset_verdict",
    grain="One check of one table at one as-of; the newest counts",
    key=("table", "check", "as_of", "run_id"),
    fields=(
        Field("table", "string", "Table that was looked at"),
        Field(
            "check",
            "string",
            "freshness, volume, completeness of or near duplicates by columns, drift of a column, evenness of one by "
            "groups, sample ratio of an experiment, refused rows of a source, gap of a model by a protected attribute, or "
            "the name of a consistency check",
        ),
        Field(
            "kind",
            "string",
            "freshness, volume, completeness, near_duplicates, drift, evenness, sample_ratio, refused, gap or consistency",
        ),
        Field("as_of", "date", "Exclusive day for which it was looked at"),
        Field("value", "double", "What was measured; null if it could not be"),
        Field("unit", "string", "Unit of the value: days, rows, share, index (of population stability), p (of a test)"),
        Field("low", "double", "Least value without a complaint; null if any is fine"),
        Field("high", "double", "Greatest value without a complaint; null if any is fine"),
        Field("verdict", "string", "pass, warn or fail; unknown if it could not be measured"),
        Field("reason", "string", "The verdict in words"),
        Field("run_id", "string", "The run, see gold.run"),
        Field("checked_at", "timestamp", "When it was looked at"),
    ),
    run_columns=("run_id", "checked_at"),
)

QUALITY_MARK = Table(
    layer="gold",
    name="quality_mark",
    grain="One thing that was found or done by conf/quality.yml about one column of one person's row at one as-of",
    key=("subject", "person_id", "as_of", "column", "mark"),
    fields=(
        Field("subject", "string", "Table of the row, e.g. gold.customer_profile"),
        Field("person_id", "string", "The person whose row it is"),
        Field("as_of", "date", "As-of of the row"),
        Field("column", "string", "Column that was looked at"),
        Field("mark", "string", "What was found or done: outlier; outlier, capped; outlier, dropped; imputed (method)"),
        Field("run_id", "string", "The run, see gold.run"),
    ),
    run_columns=("run_id",),
    aged_by="as_of",
)

HEALTH = (DATASET_VERDICT, QUALITY_MARK)
