"""What persons wish, and what has been told about them to others than those who may see persons."""

from personalake.tables.schema import Field, Table
from personalake.tables.stamps import STAMPS

PREFERENCE = Table(
    layer="silver",
    name="preference",
    grain="One wish that one person stated, changed or took back; append-only",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "Id of the change"),
        Field("namespace", "string", "What kind of identifier `customer_id` is"),
        Field("customer_id", "string", "The source's key for the customer", pii="identifier"),
        Field("preference", "string", "What the wish is about, e.g. language, contact_channel"),
        Field("value", "string", "The wish; null takes it back", pii="demographic", purposes=("personalisation",)),
        Field("origin", "string", "Who changed it, e.g. preference centre, agent; null if unknown"),
        Field("occurred_at", "timestamp", "When it was changed (UTC)"),
        *STAMPS,
    ),
    run_columns=("batch_id",),
)

PRIVACY_BUDGET = Table(
    layer="gold",
    name="privacy_budget",
    grain="One publication of noisy counts, and what it cost; append-only, what is spent stays spent",
    key=("publication_id",),
    fields=(
        Field("publication_id", "string", "Id of the publication"),
        Field(
            "subject",
            "string",
            "Table whose rows were counted; the budget is one for all tables",
        ),
        Field("by", "array<string>", "Columns by which was counted"),
        Field("as_of", "date", "As-of of the counts"),
        Field("epsilon", "double", "What the publication takes from the budget: pure differential privacy"),
        Field("delta", "double", "Chance that a cell of one single person was shown"),
        Field("accuracy", "double", "No count is off by more than this, 95 % of the time, persons"),
        Field("run_id", "string", "Run that published; operational"),
        Field("spent_at", "timestamp", "When it was spent, before anything was counted (UTC)"),
    ),
    run_columns=("publication_id", "run_id", "spent_at"),
)

PUBLISHED_COUNT = Table(
    layer="gold",
    name="published_count",
    grain="One published cell: how many persons, with noise; small cells are left out",
    key=("publication_id", "cell"),
    fields=(
        Field("publication_id", "string", "The publication, see gold.privacy_budget"),
        Field("subject", "string", "Table whose rows were counted"),
        Field("cell", "map<string,string>", "Column to value; the cell's place"),
        Field("persons", "bigint", "Persons in the cell, with noise"),
        Field("accuracy", "double", "The count is off by at most this, 95 % of the time, persons"),
        Field("as_of", "date", "As-of of the counts"),
    ),
    run_columns=("publication_id", "persons"),
)

PRIVACY = (PREFERENCE, PRIVACY_BUDGET, PUBLISHED_COUNT)
