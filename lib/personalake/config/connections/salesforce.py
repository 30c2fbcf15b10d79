"""Settings of Salesforce Marketing Cloud Engagement."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from personalake.config.connections.base import Connection, Promise, UnknownPolicy
from personalake.config.connections.hosts import DnsLabel, PathText, SecretReference, base_url

_DOMAINS = ("marketingcloudapis.com",)


class SalesforceConnection(Connection):
    """What all parts of one Marketing Cloud account share."""

    tells_of_deletions: ClassVar[bool] = True
    subdomain: DnsLabel = Field(description="Tenant's subdomain, one label, e.g. mc563885gzs27c5t9")
    client_id: SecretReference = Field(description="Client id of the installed package")
    client_secret: SecretReference = Field(description="Client secret of the installed package")
    account_id: str | None = Field(None, description="MID of a business unit; the package's own by default")
    auth_endpoint: str | None = Field(None, description="Another base URL for tokens: of this machine")
    rest_endpoint: str | None = Field(None, description="Another base URL of the REST API: of this machine")
    account_codes: tuple[str, ...] = Field(
        ("50200",), description="Error codes that concern the whole account: sending stops"
    )
    pause_codes: tuple[str, ...] = Field(("50100",), description="Error codes that ask for a pause")
    erasure_items: int = Field(1_000, ge=1, description="Contact keys in one deletion request")

    @field_validator("auth_endpoint", "rest_endpoint")
    @classmethod
    def _of_salesforce(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, _DOMAINS)

    @property
    def auth_url(self) -> str:
        """Where tokens come from."""
        return self.auth_endpoint or f"https://{self.subdomain}.auth.marketingcloudapis.com"

    @property
    def rest_url(self) -> str:
        """Where requests go; what a token's reply says about hosts is not believed."""
        return self.rest_endpoint or f"https://{self.subdomain}.rest.marketingcloudapis.com"


class _DataExtension(SalesforceConnection):
    data_extension: PathText = Field(description="External key of the data extension")
    keys: tuple[str, ...] = Field(min_length=1, description="Primary key columns of the data extension")
    unknown: UnknownPolicy = Field("resend_same_key", description="What is done about a lost reply")


class SalesforceRowsConnection(_DataExtension):
    """Rows of a data extension, asynchronously; results are polled to the end."""

    promise: ClassVar[Promise] = Promise(
        "natural",
        "the row ends up once: an upsert by primary key may be repeated; confirmed when Salesforce has processed it",
    )
    kind: Literal["sfmc_rows"] = Field("sfmc_rows", description="Which connector speaks")
    mode: Literal["upsert", "insert"] = Field("upsert", description="PUT or POST; an insert is not repeatable")
    max_items: int | None = Field(28_000, ge=1, le=32_000, description="Rows in one request; beyond 32,000 it is refused")
    max_bytes: int | None = Field(5_000_000, ge=1, description="Bytes in one request")
    max_in_flight: int = Field(4, ge=1, description="Requests at the same time")
    chunk_items: int = Field(112_000, ge=1, description="Deliveries that are claimed together; bounds memory")
    results_seconds: float = Field(
        86_400, gt=0, description="For how long later runs ask for results that outlasted polling, seconds"
    )
    rerun_phrase: str = Field("rerun the transaction", description="Row errors that contain it (deadlocks) are sent again")

    @property
    def promised(self) -> Promise:
        """An insert cannot be repeated."""
        if self.mode == "upsert":
            return self.promise
        return Promise("none", "at most once: an insert may not be repeated; a lost reply is unknown, held and reported")


class SalesforceRowsetConnection(_DataExtension):
    """Rows of a data extension, synchronously, few at a time."""

    promise: ClassVar[Promise] = Promise(
        "natural",
        "the row ends up once: an upsert by primary key may be repeated; confirmed by the reply",
    )
    kind: Literal["sfmc_rowset"] = Field("sfmc_rowset", description="Which connector speaks")
    max_items: int | None = Field(50, ge=1, description="Rows in one request")
    max_bytes: int | None = Field(1_000_000, ge=1, description="Bytes in one request")
    max_columns: int | None = Field(
        None, ge=1, description="Columns of one row, beyond which it is refused; Salesforce advises 50, and takes more"
    )
    transient_codes: tuple[str, ...] = Field(("10006",), description="Codes of status 400 that are sometimes transient")


class SalesforceJourneyConnection(SalesforceConnection):
    """Entry of one contact into a journey."""

    promise: ClassVar[Promise] = Promise(
        "none",
        "at most once: an event has no key, so a lost reply is unknown, held and reported; "
        "at_least_once is a choice, and lets people enter twice",
    )
    kind: Literal["sfmc_journey"] = Field("sfmc_journey", description="Which connector speaks")
    max_items: int | None = Field(1, ge=1, le=1, description="Contacts in one request")
