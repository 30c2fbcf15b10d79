"""Bronze: what arrived, unparsed, with where and when it arrived."""

from personalake.tables.schema import Field, Table

_ARRIVAL = (
    Field("source", "string", "Name of the source in conf/sources/"),
    Field(
        "payload",
        "string",
        "The row as it came, JSON; encrypted where that is on",
        pii="payload",
    ),
    Field("source_file", "string", "File the row came from, or topic-partition-offset"),
    Field("ordinal", "int", "Place among identical rows of one file; 1 where the source has ids of its own"),
    Field("landed_at", "timestamp", "When it landed: the date in the file's path, else the file's or message's time"),
    Field("ingested_at", "timestamp", "When this system took it in; operational, never used by features"),
    Field("batch_id", "string", "Stream and micro-batch that brought the row"),
)

EVENT = Table(
    layer="bronze",
    name="event",
    grain="One event as it arrived, by Kafka or file",
    key=(),
    fields=_ARRIVAL,
    run_columns=("ingested_at", "batch_id", "source_file"),
    aged_by="ingested_at",
)

RECORD = Table(
    layer="bronze",
    name="record",
    grain="One record (customer, catalog item, consent, campaign response) as it arrived",
    key=(),
    fields=_ARRIVAL,
    run_columns=("ingested_at", "batch_id", "source_file"),
    aged_by="ingested_at",
)

LANDING_FILE = Table(
    layer="bronze",
    name="landing_file",
    grain="One landing file that was checked, and the verdict",
    key=("source", "path", "modified_at"),
    fields=(
        Field("source", "string", "Name of the source in conf/sources/"),
        Field("path", "string", "Path below the source's folder"),
        Field("bytes", "bigint", "Size of the file, bytes"),
        Field("modified_at", "timestamp", "Modification time of the file"),
        Field("status", "string", "admitted or rejected"),
        Field("reason", "string", "Why it was rejected; null if admitted"),
        Field("checked_at", "timestamp", "When it was checked"),
    ),
    run_columns=("checked_at", "modified_at"),
)

DATABASE_READ = Table(
    layer="bronze",
    name="database_read",
    grain="One step of one read of a database source: planned before its rows are written, done after",
    key=(),
    fields=(
        Field("source", "string", "Name of the source in conf/sources/"),
        Field("relation", "string", "Hash of what is read and by which watermark; another one begins anew"),
        Field("number", "bigint", "Number of the read, from 1 for each source"),
        Field("status", "string", "planned, or done"),
        Field("batch_id", "string", "The read as its rows in bronze name it"),
        Field("watermark_type", "string", "instant, local_time, day, number or text"),
        Field("after", "string", "Watermark at which the read began, overlap included; null for the first"),
        Field("watermark", "string", "Greatest watermark that the read saw"),
        Field("rows", "bigint", "Rows written; null while planned"),
        Field("recorded_at", "timestamp", "When this was written down"),
    ),
    run_columns=("recorded_at",),
)

DATA_KEY = Table(
    layer="bronze",
    name="data_key",
    grain="One key under which raw payloads of one person are encrypted, itself encrypted; gone once the person is erased",
    key=("key_id",),
    fields=(
        Field("key_id", "string", "Id of the key, by chance; stands before each payload that it encrypts"),
        Field("subject", "string", "Keyed hash of an identifier, or of source and day for what is nobody's"),
        Field("master_version", "string", "Version of the master key that wraps it, see privacy.encryption"),
        Field("wrapped", "string", "The key under the master key: AES-256-GCM, base64"),
        Field("created_at", "timestamp", "When it was made; operational"),
    ),
    run_columns=("key_id", "wrapped", "created_at"),
)

BRONZE = (EVENT, RECORD, LANDING_FILE, DATABASE_READ, DATA_KEY)
