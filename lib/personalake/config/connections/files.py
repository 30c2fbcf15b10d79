"""Settings of destinations that take files: a folder, SFTP, an object store, Tealium's file import."""

from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, field_validator

from personalake.config.connections.base import Connection, Promise, UnknownPolicy
from personalake.config.connections.hosts import PathPart, SecretReference


class FilesConnection(Connection):
    """What all destinations of CSV files share."""

    promise: ClassVar[Promise] = Promise(
        "request_key",
        "each row in one whole file: files are named by their rows, written beside and renamed, so that a repetition "
        "overwrites; confirmed once the manifest lies beside the file",
    )
    prefix: PathPart = Field("personalake", description="How file names begin")
    columns: tuple[str, ...] = Field(min_length=1, description="Columns of the file, in order; others are left out")
    escape_formulas: bool = Field(True, description="Whether cells that a spreadsheet would run get an apostrophe")
    max_items: int | None = Field(100_000, ge=1, description="Rows in one file")
    max_bytes: int | None = Field(50_000_000, ge=1, description="Bytes in one file")
    max_in_flight: int = Field(2, ge=1, description="Files at the same time")
    chunk_items: int = Field(100_000, ge=1, description="Deliveries that are claimed together; bounds memory")
    unknown: UnknownPolicy = Field("resend_same_key", description="What is done about a file that may not be whole")

    # Characters of a cell, where whoever reads the files has a limit.
    longest_cell: ClassVar[int | None] = None

    @property
    def local_folder(self) -> Path | None:
        """The folder of this machine in which files lie; None where they are on another."""
        folder, uri = getattr(self, "folder", None), getattr(self, "uri", None) or ""
        if uri.startswith("file://"):
            return Path(unquote(urlsplit(uri).path))
        return folder if isinstance(folder, Path) and not uri else None

    @field_validator("columns")
    @classmethod
    def _once_each(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise ValueError(f"named twice: {', '.join(twice)}")
        return columns


class CsvDropConnection(FilesConnection):
    """CSV files in a folder, each with its manifest."""

    kind: Literal["csv_drop"] = Field("csv_drop", description="Which connector speaks")
    folder: Path = Field(description="Folder that takes the files")


class SftpConnection(FilesConnection):
    """CSV files on an SFTP server."""

    kind: Literal["sftp"] = Field("sftp", description="Which connector speaks")
    host: str = Field(description="SFTP server")
    port: int = Field(22, ge=1, le=65_535, description="Its port")
    username: str = Field(description="User")
    password: SecretReference | None = Field(None, description="Password, if no key is used")
    private_key: SecretReference | None = Field(None, description="Private key, in OpenSSH or PEM form")
    host_key: str = Field(description="The server's public key as in known_hosts, e.g. ssh-ed25519 AAAA…")
    folder: str = Field(".", description="Folder on the server")

    @field_validator("host_key")
    @classmethod
    def _a_key(cls, key: str) -> str:
        if len(key.split()) < 2:
            raise ValueError("expected type and key, e.g. ssh-ed25519 AAAA…")
        return key


class ObjectStoreConnection(FilesConnection):
    """CSV files in an object store, or any file system that pyarrow knows by a URI."""

    kind: Literal["object_store"] = Field("object_store", description="Which connector speaks")
    uri: str = Field(description="Where files go, e.g. s3://bucket/folder?region=eu-central-1, gs://…, abfss://…")
    access_key: SecretReference | None = Field(None, description="S3 access key; the machine's own identity by default")
    secret_key: SecretReference | None = Field(None, description="S3 secret key")

    @field_validator("uri")
    @classmethod
    def _without_credentials(cls, uri: str) -> str:
        parts = urlsplit(uri)
        if parts.scheme not in ("s3", "gs", "gcs", "abfs", "abfss", "file", "hdfs"):
            raise ValueError("expected s3://, gs://, abfss://, hdfs:// or file://")
        if parts.username is not None:
            raise ValueError("credentials do not belong into a URI; use access_key and secret_key")
        return uri


class TealiumFileConnection(FilesConnection):
    """Tealium's CSV file import, by the folder, bucket or server that Tealium reads."""

    kind: Literal["tealium_file"] = Field("tealium_file", description="Which connector speaks")
    folder: Path | None = Field(None, description="Folder that is synchronised to Tealium; this or uri")
    uri: str | None = Field(None, description="Bucket that Tealium reads, e.g. s3://collect-eu-central-1.tealium.com/bulk/…")
    access_key: SecretReference | None = Field(None, description="S3 access key")
    secret_key: SecretReference | None = Field(None, description="S3 secret key")
    visitor_column: str = Field(description="Column with the visitor id; every row must have it")
    escape_formulas: bool = Field(False, description="Tealium reads cells as they are; an apostrophe would stay in them")

    # Longer ones are trimmed there.
    longest_cell: ClassVar[int | None] = 1_000

    @field_validator("prefix")
    @classmethod
    def _told_from_versions(cls, prefix: str) -> str:
        if not prefix.isascii() or prefix.endswith("_"):
            raise ValueError("expected letters a to z, digits, dots, hyphens and underscores, and no underscore at the end")
        return prefix

    @field_validator("columns")
    @classmethod
    def _readable(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        odd = [name for name in columns if not name or any(sign in "#^" or sign.isspace() for sign in name)]
        if odd:
            raise ValueError(f"{', '.join(map(repr, odd))}: names of columns hold no #, no ^ and no blank at Tealium")
        return columns

    @field_validator("visitor_column")
    @classmethod
    def _named(cls, column: str) -> str:
        if not column:
            raise ValueError("every row needs a visitor id")
        return column
