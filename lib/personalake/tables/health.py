"""Gold tables of how sound the tables are, apart from single rows."""

from personalake.tables.schema import Field, Table

DATASET_VERDICT = Table(
    layer="gold",
    name="dataset_verdict",
    grain="One check of one table at one as-of; the newest counts",
    key=("table", "check", "as_of", "run_id"),
    fields=(
        Field("table", "string", "Table that was looked at"),
        Field("check", "string", "freshness, volume, completeness of a column, or the name of a consistency check"),
        Field("kind", "string", "freshness, volume, completeness or consistency"),
        Field("as_of", "date", "Exclusive day for which it was looked at"),
        Field("value", "double", "What was measured; null if it could not be"),
        Field("unit", "string", "Unit of the value: days, rows, share"),
        Field("low", "double", "Least value without a complaint; null if any is fine"),
        Field("high", "double", "Greatest value without a complaint; null if any is fine"),
        Field("verdict", "string", "pass, warn or fail; unknown if it could not be measured"),
        Field("reason", "string", "The verdict in words"),
        Field("run_id", "string", "The run, see gold.run"),
        Field("checked_at", "timestamp", "When it was looked at"),
    ),
    run_columns=("run_id", "checked_at"),
)

HEALTH = (DATASET_VERDICT,)
