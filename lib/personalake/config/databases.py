"""How a source is read from a database: where, with whose rights, over what kind of line, and what tells new rows."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Section

# What an URL begins with: the driver's class. TLS is set the same way for these; others are told in their own words.
# What drivers call it (sslmode, useSSL, encrypt, trustServerCertificate is about something else), and how they turn it off.
_ABOUT_TLS = re.compile(r"^(?!trust)(?=.*(ssl|tls|encrypt))", re.IGNORECASE)
_NOT_ENCRYPTED = ("", "0", "false", "no", "off", "none", "disable", "disabled", "allow", "prefer", "preferred", "optional")
_OF_URL = re.compile(r"[?;&]([\w.]+)=([^;&]*)")
_DRIVERS = {"jdbc:postgresql:": "org.postgresql.Driver"}
_CREDENTIALS = re.compile(r"[?&;](user|password|passwd|pwd)=|//[^/?]*@", re.IGNORECASE)


class DatabaseSettings(Section):
    """Where a database source reads, and how it finds its place again."""

    url: str = Field(description="JDBC URL without user and password, e.g. jdbc:postgresql://crm.example:5432/crm")
    table: str | None = Field(None, description="Table or view to read, e.g. public.customer")
    query: str | None = Field(None, description="SELECT to read in the place of a table, in the database's own SQL")
    watermark: str = Field(
        description="Column that grows whenever a row is written: a time of change, a day, a number, or a sortable text"
    )
    overlap: int = Field(
        300,
        ge=0,
        description="How far behind the last watermark a read begins, for rows that were committed late: seconds of a time, "
        "steps of a number; rows that are known already do not come in again",
    )
    user: str | None = Field(None, description="User, as secret://scope/key or in plain")
    password: str | None = Field(None, description="Password, as secret://scope/key")
    tls: Literal["verify-full", "verify-ca", "require", "off", "own"] = Field(
        "verify-full",
        description="What the server must prove: its name and its authority, its authority, nothing but that it encrypts; "
        "own leaves it to `options`, in the words of the driver",
    )
    root_certificate: Path | None = Field(None, description="PEM file of the authority; those that Java knows by default")
    client_certificate: Path | None = Field(None, description="PEM file by which the server knows the client")
    client_key: Path | None = Field(None, description="Key of that certificate, PKCS-8 DER or PKCS-12")
    fetch_size: int = Field(10_000, ge=1, description="Rows fetched at a time by each connection")
    partition_column: str | None = Field(None, description="Column of numbers, days or times by which a read is cut")
    partitions: int = Field(1, ge=1, description="Connections of a read; more than one needs `partition_column`")
    driver: str | None = Field(None, description="Class of the JDBC driver; known for PostgreSQL")
    options: dict[str, str] = Field(
        default_factory=dict, description="Further properties of the driver; secrets as secret://scope/key"
    )

    @field_validator("tls", mode="before")
    @classmethod
    def _off(cls, tls: object) -> object:
        """YAML takes off without quotes for false."""
        return "off" if tls is False else tls

    @field_validator("url")
    @classmethod
    def _bare_url(cls, url: str) -> str:
        if not url.startswith("jdbc:"):
            raise ValueError("a JDBC URL begins with jdbc:, e.g. jdbc:postgresql://crm.example:5432/crm")
        if _CREDENTIALS.search(url):
            raise ValueError("user and password do not belong into the URL; name them as `user` and `password`")
        return url

    @field_validator("password")
    @classmethod
    def _secret_password(cls, password: str | None) -> str | None:
        if password is not None and not password.startswith("secret://"):
            raise ValueError("a password is a reference, secret://scope/key, never a value")
        return password

    @model_validator(mode="after")
    def _consistent(self) -> "DatabaseSettings":
        if (self.table is None) == (self.query is None):
            raise ValueError("name exactly one of table, query")
        if self.partitions > 1 and self.partition_column is None:
            raise ValueError(f"partitions is {self.partitions}: partition_column is missing")
        if self.driver_class is None:
            raise ValueError(f"driver is missing: none is known for {self.url.split('//')[0]}")
        if self.tls != "own" and not self._is_known:
            raise ValueError("tls: only PostgreSQL's words are known; write tls: own and name its driver's under options")
        return self

    @property
    def driver_class(self) -> str | None:
        """Class of the JDBC driver."""
        return self.driver or next((name for start, name in _DRIVERS.items() if self.url.startswith(start)), None)

    @property
    def is_encrypted(self) -> bool:
        """Whether rows travel encrypted, as far as settings tell: `own` must say so in the words of the driver."""
        if self.tls != "own":
            return self.tls != "off"
        told = {**dict(_OF_URL.findall(self.url)), **self.options}
        asked = [value.lower() for name, value in told.items() if _ABOUT_TLS.search(name)]
        return bool(asked) and all(value not in _NOT_ENCRYPTED for value in asked)

    @property
    def _is_known(self) -> bool:
        return any(self.url.startswith(start) for start in _DRIVERS)

    @property
    def relation(self) -> str:
        """What stands after FROM."""
        return self.table or f"({(self.query or '').strip().rstrip(';')})"
