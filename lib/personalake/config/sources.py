"""A source: where foreign rows lie, and how they map onto a contract."""

import codecs
import re
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Section
from personalake.config.connections.hosts import SecretReference
from personalake.config.currencies import check_currency
from personalake.config.databases import DatabaseSettings
from personalake.config.date_patterns import check_pattern
from personalake.config.sql import check_condition, check_row, columns_of

_PROTOCOL = "kafka.security.protocol"
Severity = Literal["refuse", "warn", "ignore"]
ELEMENT, POSITION = "_element", "_position"
# The names of `ingestion/contracts/`, told here since configuration is read before anything else; a test compares them.
ContractName = Literal[
    "order_line",
    "customer_record",
    "catalog_item",
    "consent",
    "campaign_response",
    "interaction",
    "email_engagement",
    "experiment_exposure",
    "support_ticket",
    "survey_answer",
    "social_mention",
    "third_party_attribute",
    "campaign_spend",
    "delivery_receipt",
    "erasure_request",
    "preference",
    "product_offer",
    "weather",
]
# Python's name of a character set: the name under which Spark reads files in it. All others it refuses, or splits their
# lines in the middle of a character.
_READ_BY_SPARK = {"utf-8": "UTF-8", "iso8859-1": "ISO-8859-1", "ascii": "US-ASCII"}


class ColumnMap(Section):
    """How one field of a contract is filled: by a column, a Spark SQL expression over the raw strings, or a constant."""

    column: str | None = Field(None, description="Column of the source, read as a string")
    expression: str | None = Field(None, description="Spark SQL over the source's columns, all of them strings")
    constant: str | None = Field(None, description="The same value for every row")
    format: str | None = Field(
        None, description="Pattern of a time or of birth_date, e.g. dd.MM.yyyy HH:mm; ISO-8601 by default"
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "ColumnMap":
        if sum(value is not None for value in (self.column, self.expression, self.constant)) != 1:
            raise ValueError("name exactly one of column, expression, constant")
        if self.expression is not None:
            check_row(self.expression)
        if self.format is not None:
            check_pattern(self.format)
        if self.column is not None and self.column != self.column.strip():
            raise ValueError(
                f"column {self.column!r} begins or ends with a blank; if it does so in the files, too, write "
                f'{{expression: "`{self.column}`"}}'
            )
        if self.column == "":
            raise ValueError("column is empty; name a column, or leave the field out")
        return self


class KafkaTls(Section):
    """What a Kafka broker must prove, and how this side is known to it; an empty section trusts what Java trusts."""

    authorities: Path | None = Field(None, description="PEM file of trusted authorities; those that Java knows by default")
    identity: Path | None = Field(None, description="PEM file with the client's certificate and key, if brokers want one")
    key_password: SecretReference | None = Field(None, description="Password of that key, as secret://scope/key")
    check_host: bool = Field(True, description="Whether the broker's certificate must bear its host name")


class KafkaSettings(Section):
    """Where a Kafka source listens."""

    bootstrap_servers: str = Field(description="host:port, comma-separated")
    topic: str = Field(description="Topic to subscribe to")
    starting_offsets: Literal["earliest", "latest"] = Field("earliest", description="Where the first run begins")
    max_offsets_per_trigger: int | None = Field(None, description="Upper bound of messages in a micro-batch")
    tls: KafkaTls | None = Field(None, description="Encryption on the way; needed outside of one's own machine")
    options: dict[str, str] = Field(
        default_factory=dict, description="Further kafka.* options, e.g. of SASL; secrets as secret://scope/key"
    )

    @property
    def security_protocol(self) -> str:
        """Kafka's word for how brokers are spoken to."""
        return self.options.get(_PROTOCOL, "PLAINTEXT" if self.tls is None else "SSL")

    @model_validator(mode="after")
    def _of_one_mind(self) -> "KafkaSettings":
        if self.tls is not None and not self.security_protocol.endswith("SSL"):
            raise ValueError(f"tls is set, but {_PROTOCOL} is {self.security_protocol}; expected SSL or SASL_SSL")
        return self


class Source(Section):
    """One source of rows for one contract."""

    enabled: bool = Field(True, description="False leaves the source alone")
    contract: ContractName = Field(description="What the rows become")
    kind: Literal["files", "kafka", "jdbc"] = Field("files", description="How the rows arrive")
    format: Literal["json", "csv", "parquet"] = Field("json", description="How a file or message is written")
    layout: Literal["lines", "document"] = Field(
        "lines",
        description="How a JSON file is laid out: one object a line, or one object or array of them in a file, as webhooks "
        "drop it",
    )
    where: str | None = Field(
        None,
        description="Spark SQL over the source's columns, all of them strings: rows for which it does not hold are left to "
        "other sources; what cannot be read is kept",
    )
    each: str | None = Field(
        None,
        description="Column with a JSON array: each of its elements becomes a row of its own, in which the element is the "
        "column `_element` beside all others, and its place, from 1, is `_position`; an empty array is one row without them",
    )
    path: Path | None = Field(None, description="Folder of a file source")
    glob: str = Field("**/*", description="Which files below the folder; names that begin with _ or . never count")
    kafka: KafkaSettings | None = Field(None, description="Needed for kind: kafka")
    database: DatabaseSettings | None = Field(None, description="Needed for kind: jdbc")
    encoding: str = Field("utf-8", description="Character set of text files")
    separator: str = Field(",", description="Column separator of CSV files")
    quote: str = Field('"', description="Quote character of CSV files")
    multiline: bool = Field(
        False,
        description="True where a value in quotes of a CSV goes over several lines: such a file is read by one worker; else "
        "each line of such a row is refused as not readable",
    )
    decimal: Literal[".", ","] = Field(".", description="Decimal mark of numbers")
    header: tuple[str, ...] | None = Field(None, description="Columns of a CSV; taken from the first file by default")
    time_zone: str = Field("UTC", description="Time zone of times that carry none")
    currency: str | None = Field(None, description="ISO 4217 code, if the rows carry none")
    namespace: str = Field("customer_id", description="What kind of identifier the customer key is")
    event_type: str = Field("order_line", description="Kind of event that the rows are")
    known_at: Literal["landed_at", "occurred_at"] = Field(
        "landed_at", description="When a row could be known, unless columns.known_at says so; occurred_at for imports"
    )
    returns: Literal["negative_quantity", "reject"] = Field(
        "reject", description="Whether a negative quantity is a return or an error"
    )
    consent: Literal["require", "assume_granted"] = Field(
        "require", description="assume_granted treats silence as consent; shown in red in the report"
    )
    severities: dict[str, Severity] = Field(
        default_factory=dict, description="Severity of a contract's rule for this source, by the rule's name"
    )
    settle_seconds: int = Field(
        60, ge=0, description="How long a text file whose last line has no end may still grow, seconds; 0 takes it at once"
    )
    max_files_per_trigger: int | None = Field(None, description="Upper bound of files in a micro-batch; none by default")
    not_personal: tuple[str, ...] = Field(
        (), description="Columns of the source that look like personal data by their names, and are none"
    )
    columns: dict[str, Annotated[ColumnMap, Field()]] = Field(description="Contract field: how it is filled")

    @model_validator(mode="before")
    @classmethod
    def _short_column(cls, raw: object) -> object:
        if isinstance(raw, dict) and isinstance(raw.get("columns"), dict):
            columns = {k: {"column": v} if isinstance(v, str) else v for k, v in raw["columns"].items()}
            return {**raw, "columns": columns}
        return raw

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, name: str) -> str:
        try:
            "".encode(name)
        except (LookupError, ValueError) as error:
            raise ValueError("not a character set; use a name such as utf-8, iso-8859-1 or windows-1252") from error
        return name

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("not a time zone; use an IANA name such as Europe/Berlin") from error
        return name

    @field_validator("separator", "quote")
    @classmethod
    def _one_character(cls, text: str) -> str:
        if len(text) != 1:
            raise ValueError("expected exactly one character")
        return text

    @field_validator("currency")
    @classmethod
    def _known_currency(cls, code: str | None) -> str | None:
        if code is not None:
            check_currency(code)
        return code

    @property
    def is_rewritten(self) -> bool:
        """Whether checked files are rewritten as UTF-8: Spark reads JSON lines in no other character set, CSV in a few."""
        name = codecs.lookup(self.encoding).name
        if self.layout == "document":
            return True
        return self.format != "parquet" and (name not in _READ_BY_SPARK if self.format == "csv" else name != "utf-8")

    @property
    def inbox_encoding(self) -> str:
        """Character set of the checked files, as Spark calls it."""
        return "UTF-8" if self.is_rewritten else _READ_BY_SPARK.get(codecs.lookup(self.encoding).name, "UTF-8")

    @model_validator(mode="after")
    def _reachable(self) -> "Source":
        if self.kind == "files" and self.path is None:
            raise ValueError("path is missing: a file source needs the folder in which files land")
        if self.kind == "kafka" and self.kafka is None:
            raise ValueError("kafka is missing: a Kafka source needs bootstrap_servers and topic")
        if self.kind == "kafka" and self.format != "json":
            raise ValueError(f"format is {self.format!r}: messages of a Kafka source are read as json")
        if self.kind == "jdbc" and self.database is None:
            raise ValueError("database is missing: a jdbc source needs url, table or query, and watermark")
        if self.layout == "document" and (self.kind, self.format) != ("files", "json"):
            raise ValueError("layout is 'document': only files of format json are laid out so")
        return self

    @field_validator("where")
    @classmethod
    def _readable_where(cls, where: str | None) -> str | None:
        if where is not None:
            check_row(where)
            check_condition(where, dict.fromkeys((name.lower() for name in columns_of(where)), "string"))
        return where

    @field_validator("each")
    @classmethod
    def _readable_each(cls, each: str | None) -> str | None:
        if each is not None:
            check_row(each)
        return each

    @field_validator("glob")
    @classmethod
    def _below_the_folder(cls, glob: str) -> str:
        if not glob.strip() or glob.startswith("/") or ".." in Path(glob).parts:
            raise ValueError("a glob names files below the folder in path, e.g. *.csv or **/*.json")
        return glob

    @field_validator("event_type")
    @classmethod
    def _plain_event_type(cls, kind: str) -> str:
        if not kind or re.search(r"\s", kind):
            raise ValueError("a kind of event is one word, e.g. order_line: without a blank")
        return kind

    @field_validator("namespace")
    @classmethod
    def _plain_namespace(cls, namespace: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", namespace):
            raise ValueError("a namespace has small letters, digits and _, e.g. customer_id")
        return namespace
