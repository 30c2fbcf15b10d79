"""Settings of a Segment source."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from personalake.config.connections.base import Connection, Promise, Rate, UnknownPolicy
from personalake.config.connections.hosts import SecretReference, base_url

_HOSTS = {"us": "https://api.segment.io", "eu": "https://events.eu1.segmentapis.com"}
_API = {"us": "https://api.segmentapis.com", "eu": "https://eu1.api.segmentapis.com"}
_DOMAINS = ("segment.io", "segmentapis.com")


class SegmentConnection(Connection):
    """Segment: identify, track and group in batches; deletion by regulations."""

    promise: ClassVar[Promise] = Promise(
        "item_key",
        "exactly once within about a day, by messageId (Segment states 99 %); a lost reply is sent again under the same "
        "messageId; later than that it is held and reported",
    )
    kind: Literal["segment"] = Field("segment", description="Which connector speaks")
    write_key: SecretReference = Field(description="Write key of the source")
    api_token: SecretReference | None = Field(None, description="Public API token; needed for deletions only")
    region: Literal["us", "eu"] = Field("us", description="Where the workspace lives")
    endpoint: str | None = Field(None, description="Another base URL for events: of Segment, or of this machine")
    api_endpoint: str | None = Field(None, description="Another base URL of the Public API")
    max_items: int | None = Field(2_500, ge=1, description="Events in one request; beyond it Segment drops them silently")
    max_bytes: int | None = Field(500_000, ge=1, description="Bytes in one request")
    max_item_bytes: int | None = Field(32_000, ge=1, description="Bytes of one event")
    rates: tuple[Rate, ...] = Field((Rate(amount=1_000),), description="Advice for one workspace")
    unknown: UnknownPolicy = Field("resend_same_key", description="What is done about a lost reply")
    window_seconds: float = Field(86_400, gt=0, description="How long Segment remembers a messageId, seconds")
    max_message_id: int = Field(100, ge=1, description="Characters of a messageId; Segment wants fewer than this")
    erasure_items: int = Field(5_000, ge=1, description="Ids in one regulation")

    @field_validator("endpoint", "api_endpoint")
    @classmethod
    def _of_segment(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, _DOMAINS)

    @property
    def events_url(self) -> str:
        """Where events go."""
        return self.endpoint or _HOSTS[self.region]

    @property
    def api_url(self) -> str:
        """Where regulations go."""
        return self.api_endpoint or _API[self.region]
