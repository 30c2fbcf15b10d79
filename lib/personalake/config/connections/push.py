"""Settings of push destinations: Firebase Cloud Messaging and OneSignal."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from personalake.config.connections.base import Bounds, Connection, Patience, Promise, Rate, UnknownPolicy
from personalake.config.connections.hosts import PathPart, SecretReference, base_url


class FcmConnection(Connection):
    """Firebase Cloud Messaging v1: one message, one request."""

    promise: ClassVar[Promise] = Promise(
        "none",
        "at most once: FCM honours no key, so a lost reply is unknown, held and reported; at_least_once is a choice, "
        "softened by collapse_key and apns-collapse-id",
    )
    kind: Literal["fcm"] = Field("fcm", description="Which connector speaks")
    project: PathPart = Field(description="Firebase project id")
    service_account: SecretReference = Field(description="Service account's key file, JSON")
    endpoint: str | None = Field(None, description="Another base URL: of this machine")
    token_endpoint: str | None = Field(None, description="Another base URL for tokens: of this machine")
    validate_only: bool = Field(
        False, description="True lets Firebase check messages without delivering them; all of them still wait to be sent"
    )
    max_items: int | None = Field(1, ge=1, le=1, description="Messages in one request")
    max_payload_bytes: int = Field(4_096, ge=1, le=4_096, description="Bytes of notification and data together")
    max_topic_payload_bytes: int = Field(2_048, ge=1, le=2_048, description="The same for a message to a topic")
    rates: tuple[Rate, ...] = Field((Rate(amount=600_000, per_seconds=60),), description="Messages of one project")
    max_in_flight: int = Field(64, ge=1, description="Requests at the same time")
    patience: Patience = Field(Patience(pause_seconds=60), description="Time-outs and retries")

    @field_validator("endpoint")
    @classmethod
    def _of_firebase(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, ("fcm.googleapis.com",))

    @field_validator("token_endpoint")
    @classmethod
    def _of_google(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, ("oauth2.googleapis.com",))

    @property
    def url(self) -> str:
        """Where messages go."""
        return self.endpoint or "https://fcm.googleapis.com"

    @property
    def token_url(self) -> str:
        """Where tokens come from; what the key file says about it is not believed."""
        return self.token_endpoint or "https://oauth2.googleapis.com"


class _OneSignalConnection(Connection):
    app_id: PathPart = Field(description="App id")
    api_key: SecretReference = Field(description="REST API key of the app")
    endpoint: str | None = Field(None, description="Another base URL: of this machine")
    alias_labels: tuple[str, ...] = Field(
        ("external_id",),
        min_length=1,
        description="Labels of aliases by which syncs name users; deletions ask by the one that was told, else by each",
    )

    @field_validator("endpoint")
    @classmethod
    def _of_onesignal(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, ("onesignal.com",))

    @property
    def url(self) -> str:
        """Base of all endpoints."""
        return self.endpoint or "https://api.onesignal.com"


class OneSignalConnection(_OneSignalConnection):
    """OneSignal: one content to many people."""

    promise: ClassVar[Promise] = Promise(
        "request_key",
        "exactly once within thirty days, by the request's idempotency_key; a lost reply is sent again, the same people "
        "under the same key; later than that it is held and reported",
    )
    kind: Literal["onesignal"] = Field("onesignal", description="Which connector speaks")
    subscribers: int = Field(ge=1, description="Subscribers of the app: beyond ten times as many in a window it is disabled")
    subscribers_factor: float = Field(10, gt=0, description="How many times the subscribers may be sent to in a window")
    max_items: int | None = Field(20_000, ge=1, le=20_000, description="People in one request")
    max_bytes: int | None = Field(5_000_000, ge=1, description="Bytes in one request; OneSignal names no number")
    rates: tuple[Rate, ...] = Field((Rate(amount=6_000),), description="Requests of a paid app; 150 for a free one")
    unknown: UnknownPolicy = Field("resend_same_key", description="What is done about a lost reply")
    window_seconds: float = Field(
        2_592_000, gt=0, le=2_592_000, description="How long OneSignal remembers an idempotency key, seconds"
    )
    bounds: Bounds = Field(Bounds(window_seconds=900), description="When sending stops")

    @property
    def effective_bounds(self) -> Bounds:
        """The bounds, with the volume at which OneSignal disables the app, unless a lower one is set."""
        limit = int(self.subscribers * self.subscribers_factor)
        lowest = limit if self.bounds.max_in_window is None else min(limit, self.bounds.max_in_window)
        return self.bounds.model_copy(update={"max_in_window": lowest})


class OneSignalUserConnection(_OneSignalConnection):
    """OneSignal: tags and properties of users whom the app knows."""

    promise: ClassVar[Promise] = Promise(
        "natural", "tags end up as sent: setting them twice is setting them once; a lost reply is sent again"
    )
    kind: Literal["onesignal_user"] = Field("onesignal_user", description="Which connector speaks")
    max_items: int | None = Field(1, ge=1, le=1, description="Users in one request")
    rates: tuple[Rate, ...] = Field((Rate(amount=1_000),), description="Requests of one app")
    max_in_flight: int = Field(32, ge=1, description="Requests at the same time")
    unknown: UnknownPolicy = Field("resend_same_key", description="What is done about a lost reply")
