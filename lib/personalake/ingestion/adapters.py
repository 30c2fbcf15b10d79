"""Source adapters: what to read from a source, and how a row of it becomes a bronze row."""

from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)
from pyspark.sql.window import Window

from personalake.common.read_spec import ReadSpec
from personalake.common.transformation import Transformation
from personalake.config.secrets import resolve_secret
from personalake.config.sources import KafkaSettings, Source
from personalake.ingestion.choice import one_per_element, only_where
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.parsing import UNREAD, named, telling_texts, with_texts

# A file stream forgets files that are much older than the newest; history must not be lost that way.
_NEVER = "36500d"
_CORRUPT = "_corrupt_row"
# What was read of a database, and when; added to its rows by who reads them.
READ_FROM, READ_AT = "_read_from", "_read_at"


def read_spec(source: Source, inbox: Path, header: tuple[str, ...] | None) -> ReadSpec:
    """What to read.

    Args:
        source: The source.
        inbox: Folder of its checked files.
        header: Column names of a CSV or Parquet source.
    """
    if source.kind == "kafka":
        return _kafka(source)
    options = {"maxFileAge": _NEVER, "recursiveFileLookup": "true"}
    if source.max_files_per_trigger is not None:
        options["maxFilesPerTrigger"] = str(source.max_files_per_trigger)
    if source.format == "json":
        return ReadSpec("text", options, None, str(inbox))
    columns = [StructField(name, StringType()) for name in header or ()]
    if source.format == "parquet":
        return ReadSpec("parquet", options, None, str(inbox))
    csv = {
        "header": "true",
        "enforceSchema": "false",
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": _CORRUPT,
        "encoding": source.inbox_encoding,
        "sep": source.separator,
        "quote": source.quote,
        "escape": source.quote,
        "multiLine": str(source.multiline).lower(),
    }
    schema = StructType([*columns, StructField(_CORRUPT, StringType())])
    return ReadSpec("csv", {**options, **csv}, schema, str(inbox))


def to_bronze(name: str, source: Source) -> Transformation:
    """Rows of a source as bronze rows, all but `ordinal`, `ingested_at` and `batch_id`; blank lines do not count."""

    def arrived(rows: DataFrame) -> DataFrame:
        with_origin = rows.select("*", *((F.col("_metadata"),) if source.kind == "files" else ()))
        file, landed = _origin(source)
        return (
            with_origin.withColumn("payload", _payload(source, rows.schema))
            .where(F.length(F.trim("payload")) > 0)
            .select(
                F.lit(name).alias("source"),
                "payload",
                file.alias("source_file"),
                landed.alias("landed_at"),
            )
            .transform(one_per_element(source))
            .transform(only_where(source))
        )

    return arrived


def with_ordinal(source: Source) -> Transformation:
    """Number the rows of one file that say the same in every mapped column, for events without ids.

    Two such lines of one receipt are two lines, also if they differ in a column that is not mapped, such as a line number:
    the number keeps their ids apart. Two identical records are one record. Whole files share a micro-batch.
    """
    if source.contract != "order_line" or "event_id" in source.columns:
        return lambda rows: rows.withColumn("ordinal", F.lit(1))
    contract = CONTRACTS[source.contract]
    same = Window.partitionBy("source_file", *telling_texts(source, contract)).orderBy("payload")
    return lambda rows: (
        rows.transform(with_texts(source, contract))
        .withColumn("ordinal", F.row_number().over(same))
        .select(*rows.columns, "ordinal")
    )


def _payload(source: Source, schema: StructType) -> Column:
    if source.kind == "kafka":
        return F.col("value").cast("string")
    if source.kind == "files" and source.format == "json":
        return F.col("value")
    raw = F.to_json(F.struct(*(_as_text(field) for field in schema if field.name not in (_CORRUPT, READ_FROM, READ_AT))))
    if source.format == "csv":
        return F.when(F.col(_CORRUPT).isNotNull(), F.concat(F.lit(UNREAD), F.col(_CORRUPT))).otherwise(raw)
    return raw


def _as_text(field: StructField) -> Column:
    """The raw string of a column: nested ones as JSON; an instant tells its zone: nothing later knows that it had one."""
    column = named(field.name)
    if isinstance(field.dataType, ArrayType | MapType | StructType):
        text = F.to_json(column)
    elif isinstance(field.dataType, TimestampType):
        text = F.date_format(column, "yyyy-MM-dd HH:mm:ss.SSSSSSXXX")
    else:
        text = column.cast("string")
    return text.alias(field.name)


def _origin(source: Source) -> tuple[Column, Column]:
    """Where a row came from, and when that landed."""
    if source.kind == "jdbc":
        return F.col(READ_FROM), F.col(READ_AT)
    if source.kind == "kafka":
        place = F.concat_ws("-", "topic", F.col("partition").cast("string"), F.col("offset").cast("string"))
        return place, F.col("timestamp")
    # …/_inbox/<source>/<path as it landed>/<landed, epoch seconds>_<version>: cut by counting characters, since a regular
    # expression for each row takes seconds.
    below = "substring_index(_metadata.file_path, '/_inbox/', -1)"
    name = "substring_index(_metadata.file_path, '/', -1)"
    path = f"substring({below}, locate('/', {below}) + 1, length({below}) - length({name}) - 1 - locate('/', {below}))"
    landed = f"timestamp_seconds(cast(substring_index({name}, '_', 1) AS bigint))"
    return F.expr(path), F.expr(landed)


def _kafka(source: Source) -> ReadSpec:
    assert source.kafka is not None, "the settings refuse a Kafka source without its section"
    options = {
        "kafka.bootstrap.servers": source.kafka.bootstrap_servers,
        "subscribe": source.kafka.topic,
        "startingOffsets": source.kafka.starting_offsets,
        "failOnDataLoss": "true",
    }
    if source.kafka.max_offsets_per_trigger is not None:
        options["maxOffsetsPerTrigger"] = str(source.kafka.max_offsets_per_trigger)
    for key, value in {**_tls(source.kafka), **source.kafka.options}.items():
        options[key] = resolve_secret(value) if value.startswith("secret://") else value
    return ReadSpec("kafka", options)


def _tls(kafka: KafkaSettings) -> dict[str, str]:
    """Kafka's options for an encrypted way, in PEM files as other tools read them."""
    if kafka.tls is None:
        return {}
    options = {
        "kafka.security.protocol": kafka.security_protocol,
        "kafka.ssl.endpoint.identification.algorithm": "https" if kafka.tls.check_host else "",
    }
    if kafka.tls.authorities is not None:
        options |= {"kafka.ssl.truststore.type": "PEM", "kafka.ssl.truststore.location": str(kafka.tls.authorities)}
    if kafka.tls.identity is not None:
        options |= {"kafka.ssl.keystore.type": "PEM", "kafka.ssl.keystore.location": str(kafka.tls.identity)}
    if kafka.tls.key_password is not None:
        options["kafka.ssl.key.password"] = kafka.tls.key_password
    return options
