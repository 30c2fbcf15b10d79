"""Requests to be forgotten and to be told: what was asked, what was done about it, and who saw what."""

from personalake.tables.schema import Field, Table
from personalake.tables.stamps import STAMPS

ERASURE_ASKED = Table(
    layer="silver",
    name="erasure_request",
    grain="One request to be forgotten as it came; the row goes with the person",
    key=("source", "record_id"),
    fields=(
        Field("record_id", "string", "The source's key for the request"),
        Field("namespace", "string", "What kind of identifier `customer_id` is"),
        Field("customer_id", "string", "The identifier by which the person asks", pii="identifier"),
        Field("regulation", "string", "Law that the person asks under: GDPR, CCPA, or another as the source calls it"),
        Field("is_verified", "boolean", "Whether the source has made sure that it is the person who asks"),
        Field("occurred_at", "timestamp", "When the person asked (UTC)"),
        *STAMPS,
    ),
    run_columns=("batch_id",),
)

ERASURE_REQUEST = Table(
    layer="gold",
    name="erasure_request",
    grain="One change of state of one request to be forgotten; append-only, the last row is the state",
    key=("request_id", "state", "changed_at"),
    fields=(
        Field("request_id", "string", "Keyed hash of the source and its key for the request"),
        Field("state", "string", "received, verified, running, partial, done or refused"),
        Field("subject", "string", "Keyed pseudonym of the identifier by which the person asked"),
        Field("regulation", "string", "Law that the person asks under: GDPR, CCPA, or another as the source calls it"),
        Field("requested_at", "timestamp", "When the person asked (UTC)"),
        Field("due_at", "timestamp", "Until when the law wants it done (UTC): one month by GDPR, 45 days by CCPA"),
        Field("reason", "string", "Why it is refused or not complete yet, or what was found; null if nothing to say"),
        Field("receipts", "bigint", "Receipts of the request so far; null before there are any"),
        Field("source", "string", "Source in conf/sources/ that brought it, or the job that was told on its command line"),
        Field("run_id", "string", "Run that changed the state; operational"),
        Field("changed_at", "timestamp", "When the state changed; operational"),
        Field("mac", "string", "HMAC-SHA-256 of the other columns under the erasure key"),
    ),
    run_columns=("run_id", "changed_at", "mac"),
)

ERASURE_RECEIPT = Table(
    layer="gold",
    name="erasure_receipt",
    grain="What was done about one request in one place: a table, a folder of files, a store, a destination",
    key=("receipt_id",),
    fields=(
        Field("receipt_id", "string", "Hash of request, place and run"),
        Field("request_id", "string", "The request, see gold.erasure_request"),
        Field("subject", "string", "Keyed pseudonym of the identifier by which the person asked"),
        Field("place", "string", "Full name of a table, or where else the person's data lay"),
        Field("kind", "string", "table, files, store, destination or search"),
        Field("outcome", "string", "intended, erased, nothing_found, clean, asked, pending, failed or settled"),
        Field("rows_before", "bigint", "Rows of the table, or files of the place, before"),
        Field("rows_after", "bigint", "The same afterwards; of what is intended, once the person's rows are gone"),
        Field("rows_erased", "bigint", "Rows, lines or files of the person that were removed"),
        Field("version_before", "bigint", "Version of the table before; null elsewhere"),
        Field("version_after", "bigint", "Version of the table after the rows were removed; null elsewhere"),
        Field("purged_at", "timestamp", "When the rows had left the current version (UTC)"),
        Field("vacuumed_at", "timestamp", "When the files of older versions had been deleted (UTC)"),
        Field(
            "reference",
            "string",
            "The destination's own name for the request; of a place settled for every request, that; null elsewhere",
        ),
        Field("detail", "string", "What was searched, why it is not complete, or who settled it and how"),
        Field("run_id", "string", "Run that did it; operational"),
        Field("recorded_at", "timestamp", "When it was written down; operational"),
        Field("mac", "string", "HMAC-SHA-256 of the other columns under the erasure key: a changed receipt does not verify"),
    ),
    run_columns=("receipt_id", "run_id", "purged_at", "vacuumed_at", "recorded_at", "mac"),
)

ACCESS_LOG = Table(
    layer="gold",
    name="access_log",
    grain="One time that somebody looked at or exported what is held about persons, or asked tables; append-only",
    key=("access_id",),
    fields=(
        Field("access_id", "string", "Id of the access"),
        Field("job", "string", "Job or command that read, e.g. export_customer, explain, query"),
        Field("user", "string", "Account of the machine or platform under which it ran"),
        Field("action", "string", "export, look, or query (persons masked)"),
        Field("subject", "string", "Keyed pseudonym of the person, or of who was asked for; null of many, or of a query"),
        Field("destination", "string", "Destination or connection that it leaves for; null where it stays in the house"),
        Field(
            "rows",
            "bigint",
            "Rows that were handed over or shown; of an export to a destination, those that were due to leave",
        ),
        Field("tables", "array<string>", "Tables that they came from"),
        Field("run_id", "string", "The run, see gold.run"),
        Field("accessed_at", "timestamp", "When (UTC)"),
    ),
    run_columns=("access_id", "run_id", "accessed_at"),
)

RETENTION_RECEIPT = Table(
    layer="gold",
    name="retention_receipt",
    grain="Rows beyond their retention in one table, told before a run removes them and once they are gone; append-only",
    key=("table", "run_id", "recorded_at"),
    fields=(
        Field("table", "string", "Full name of the table; landing/<source> of landed files"),
        Field("aged_by", "string", "Column by which the age of its rows counts; of files, that of bronze.landing_file"),
        Field("kept_days", "int", "How long its rows are kept, days"),
        Field("removed_before", "timestamp", "Rows of before this moment go (UTC); midnight of a day where a day tells"),
        Field("rows", "bigint", "Rows, or files, that go"),
        Field("sources", "map<string,bigint>", "Of these, rows of each source, where rows have one"),
        Field("rows_removed", "bigint", "Rows that are gone; null in what is told before, 0 if a run died and they stayed"),
        Field("version_before", "bigint", "Version of the table when it was told"),
        Field("run_id", "string", "Run that removes them; operational"),
        Field("recorded_at", "timestamp", "When it was written down; operational"),
        Field("mac", "string", "HMAC-SHA-256 of the other columns under the erasure key: a changed receipt does not verify"),
    ),
    run_columns=("version_before", "run_id", "recorded_at", "mac"),
)

ERASURE = (ERASURE_ASKED, ERASURE_REQUEST, ERASURE_RECEIPT, ACCESS_LOG, RETENTION_RECEIPT)
