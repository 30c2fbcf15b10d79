"""Settings of a Tealium profile, by HTTP and by file import."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from personalake.config.connections.base import Connection, Promise, Rate
from personalake.config.connections.hosts import DnsLabel, PathPart, SecretReference, base_url

_DOMAINS = ("tealiumiq.com", "tealiumapis.com")


class TealiumConnection(Connection):
    """Tealium Collect v3: events of visitors, ten to a call; for what changed, not for full loads."""

    promise: ClassVar[Promise] = Promise(
        "none",
        "at most once: Tealium honours no key, so a lost reply is unknown, held and reported; "
        "at_least_once is a choice, and repeats events",
    )
    kind: Literal["tealium"] = Field("tealium", description="Which connector speaks")
    account: PathPart = Field(description="Tealium account")
    profile: PathPart = Field(description="Tealium profile")
    datasource: str | None = Field(None, description="Data source key")
    username: SecretReference = Field(description="User to whom the API key belongs")
    api_key: SecretReference = Field(description="API key of Tealium iQ")
    region: DnsLabel | None = Field(None, description="Region of the profile, e.g. eu-central-1; the nearest by default")
    endpoint: str | None = Field(None, description="Another base URL of Collect: of Tealium, or of this machine")
    platform_endpoint: str | None = Field(None, description="Another base URL of the platform (tokens, deletions)")
    max_items: int | None = Field(10, ge=1, le=10, description="Events in one call")
    max_bytes: int | None = Field(1_000_000, ge=1, description="Bytes in one call; Tealium names no number")
    rates: tuple[Rate, ...] = Field((Rate(amount=100, of="items"),), description="Events of one account")
    token_seconds: float = Field(1_800, gt=0, description="How long a token lives, seconds")
    visitor_attribute: str = Field("tealium_visitor_id", description="Attribute that every event must have")
    erasure_attribute_id: str | None = Field(None, description="Number of the visitor id attribute, for deletions")

    @field_validator("endpoint", "platform_endpoint")
    @classmethod
    def _of_tealium(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, _DOMAINS)

    @property
    def collect_url(self) -> str:
        """Where events go."""
        if self.endpoint:
            return self.endpoint
        return f"https://collect-{self.region}.tealiumiq.com" if self.region else "https://collect.tealiumiq.com"

    @property
    def platform_url(self) -> str:
        """Where tokens come from."""
        return self.platform_endpoint or "https://platform.tealiumapis.com"
