"""Settings of a Segment source."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from personalake.config.connections.base import Connection, Promise, Rate, UnknownPolicy
from personalake.config.connections.hosts import SecretReference, base_url

_HOSTS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
_API = {"us": "https://api.segmentapis.com", "eu": "https://eu1.api.segmentapis.com"}
_DOMAINS = ("segment.io", "segmentapis.com")


class WorkspaceConnection(Connection):
    """What is reached by one workspace's Public API."""

    tells_of_deletions: ClassVar[bool] = True
    region: Literal["us", "eu"] = Field("us", description="Where the workspace lives")
    api_endpoint: str | None = Field(None, description="Another base URL of the Public API")
    regulation: Literal["SUPPRESS_WITH_DELETE", "DELETE_ONLY", "SUPPRESS_WITH_DELETE_INTERNAL", "DELETE_INTERNAL"] = Field(
        "SUPPRESS_WITH_DELETE",
        description="What an erasure asks for; INTERNAL leaves what was forwarded, without SUPPRESS the id may come again",
    )
    erasure_items: int = Field(5_000, ge=1, le=5_000, description="Ids in one regulation")

    @field_validator("api_endpoint")
    @classmethod
    def _api_of_segment(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, _DOMAINS)

    @property
    def api_url(self) -> str:
        """Where regulations go."""
        return self.api_endpoint or _API[self.region]


class SegmentConnection(WorkspaceConnection):
    """Segment: identify, track and group in batches; deletion by regulations."""

    promise: ClassVar[Promise] = Promise(
        "item_key",
        "exactly once within about a day, by messageId (Segment states 99 %); a lost reply is sent again under the same "
        "messageId; later than that it is held and reported",
    )
    kind: Literal["segment"] = Field("segment", description="Which connector speaks")
    write_key: SecretReference = Field(description="Write key of the source")
    api_token: SecretReference | None = Field(None, description="Public API token; needed for deletions only")
    endpoint: str | None = Field(None, description="Another base URL for events: of Segment, or of this machine")
    max_items: int | None = Field(
        2_500, ge=1, le=2_500, description="Events in one request; beyond it Segment drops them silently"
    )
    max_bytes: int | None = Field(500_000, ge=1, description="Bytes in one request")
    max_item_bytes: int | None = Field(32_000, ge=1, description="Bytes of one event")
    rates: tuple[Rate, ...] = Field((Rate(amount=1_000),), description="Advice for one workspace")
    unknown: UnknownPolicy = Field("resend_same_key", description="What is done about a lost reply")
    window_seconds: float = Field(86_400, gt=0, le=86_400, description="How long Segment remembers a messageId, seconds")
    max_message_id: int = Field(100, ge=1, le=100, description="Characters of a messageId; Segment wants fewer than this")

    @field_validator("endpoint")
    @classmethod
    def _of_segment(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, _DOMAINS)

    @property
    def events_url(self) -> str:
        """Where events go."""
        return self.endpoint or _HOSTS[self.region]


class SegmentSuppressionConnection(WorkspaceConnection):
    """Segment: whose data the workspace takes in; who leaves the audience is suppressed there, who comes is not any more."""

    promise: ClassVar[Promise] = Promise(
        "natural",
        "the state ends up as sent: suppressing twice is suppressing once; a lost reply is sent again; confirmed when "
        "Segment has finished the regulation, which later runs ask for; it takes 110,000 users in a calendar month, beyond "
        "which a run stops and says until when",
    )
    kind: Literal["segment_suppression"] = Field("segment_suppression", description="Which connector speaks")
    api_token: SecretReference = Field(description="Public API token")
    max_items: int | None = Field(5_000, ge=1, le=5_000, description="Ids in one regulation")
    unknown: UnknownPolicy = Field("resend_same_key", description="What is done about a lost reply")
    results_seconds: float = Field(2_592_000, gt=0, description="For how long later runs ask whether it is done, seconds")
