"""Settings of a Braze workspace: profiles, sends, subscription states."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from personalake.config.connections.base import Connection, Promise, Rate, UnknownPolicy
from personalake.config.connections.hosts import SecretReference, base_url, host_below

_DOMAINS = ("braze.com", "braze.eu")
# Objects in one request at most: in all, or of each kind.
_MOST = {"combined75": 75, "each75": 75, "combined50": 50}


class BrazeConnection(Connection):
    """What all endpoints of one workspace share."""

    instance: str = Field(description="REST host of the workspace, e.g. rest.fra-01.braze.eu; a wrong one answers 401")
    api_key: SecretReference = Field(description="REST API key with the endpoint's permission")
    endpoint: str | None = Field(None, description="Another base URL: of Braze, or of this machine")
    erasure_items: int = Field(50, ge=1, le=50, description="Ids in one deletion request")
    alias_labels: tuple[str, ...] = Field(
        (),
        description="Labels of aliases by which syncs name people; deletions ask by the one that was told, else by each",
    )
    erasure_rounds: int = Field(10, ge=1, description="Profiles with one address that are deleted, one by one, at most")

    @field_validator("instance")
    @classmethod
    def _host(cls, host: str) -> str:
        return host_below(host, _DOMAINS)

    @field_validator("endpoint")
    @classmethod
    def _of_braze(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, _DOMAINS)

    @property
    def url(self) -> str:
        """Base of all endpoints."""
        return self.endpoint or f"https://{self.instance}"


class BrazeTrackConnection(BrazeConnection):
    """Attributes, events and purchases by /users/track."""

    promise: ClassVar[Promise] = Promise(
        "none",
        "attributes end up as sent: a lost reply is sent again; events and purchases leave at most once: Braze honours no "
        "key, so a lost reply is unknown, held and reported; at_least_once is a choice, and repeats them",
    )
    kind: Literal["braze_track"] = Field("braze_track", description="Which connector speaks")
    batch_rule: Literal["combined75", "each75", "combined50"] = Field(
        "combined75", description="What the contract allows in one request: 75 or 50 in all, or 75 of each kind"
    )
    app_id: str | None = Field(None, min_length=1, description="App that events and purchases are said to come from")
    max_bytes: int | None = Field(4_000_000, ge=1, description="Bytes in one request")
    max_item_bytes: int | None = Field(100_000, ge=1, description="Bytes of one item")
    rates: tuple[Rate, ...] = Field((Rate(amount=3_000, per_seconds=3),), description="Requests of one workspace")

    @model_validator(mode="after")
    def _within_the_rule(self) -> "BrazeTrackConnection":
        most = _MOST[self.batch_rule]
        if self.max_items is not None and self.max_items > most:
            raise ValueError(f"max_items ({self.max_items}) is above what batch_rule {self.batch_rule} allows ({most})")
        return self


class BrazeSendConnection(BrazeConnection):
    """An API-triggered campaign to named people."""

    promise: ClassVar[Promise] = Promise(
        "none",
        "at most once: send_id is for reports, not a key, so a lost reply is unknown, held and reported; "
        "at_least_once is a choice, and sends messages twice",
    )
    kind: Literal["braze_send"] = Field("braze_send", description="Which connector speaks")
    max_items: int | None = Field(50, ge=1, le=50, description="Recipients in one request")
    max_bytes: int | None = Field(4_000_000, ge=1, description="Bytes in one request")
    rates: tuple[Rate, ...] = Field(
        (Rate(amount=250_000, per_seconds=3_600),), description="Requests; Braze shares them with other endpoints"
    )


class BrazeSubscriptionConnection(BrazeConnection):
    """States of subscription groups."""

    promise: ClassVar[Promise] = Promise(
        "natural",
        "the state ends up as sent: setting it twice is setting it once; a lost reply is sent again",
    )
    kind: Literal["braze_subscription"] = Field("braze_subscription", description="Which connector speaks")
    max_items: int | None = Field(50, ge=1, le=50, description="People in one request")
    rates: tuple[Rate, ...] = Field((Rate(amount=5_000, per_seconds=60),), description="Requests of one workspace")
    unknown: UnknownPolicy = Field("resend_same_key", description="What is done about a lost reply")
