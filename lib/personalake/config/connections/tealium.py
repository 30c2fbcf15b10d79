"""Settings of a Tealium profile, by HTTP and by file import."""

from typing import ClassVar, Literal

from pydantic import Field, field_validator

from personalake.config.connections.base import Connection, Promise, Rate
from personalake.config.connections.hosts import DnsLabel, PathPart, SecretReference, base_url

_DOMAINS = ("tealiumiq.com", "tealiumapis.com")
_VISITOR = "tealium_visitor_id"


class TealiumConnection(Connection):
    """Tealium Collect v3: events of visitors, ten to a call; for what changed, not for full loads."""

    promise: ClassVar[Promise] = Promise(
        "none",
        "at most once: Tealium honours no key, so a lost reply is unknown, held and reported; "
        "at_least_once is a choice, and repeats events",
    )
    tells_of_deletions: ClassVar[bool] = True
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
    max_bytes: int | None = Field(1_000_000, ge=1, le=1_000_000, description="Bytes in one call; above 1 MB it is refused")
    rates: tuple[Rate, ...] = Field((Rate(amount=100, of="items"),), description="Events of one account")
    token_seconds: float = Field(1_800, gt=0, description="How long a token lives, seconds")
    visitor_attribute: str = Field(_VISITOR, description="Attribute that every event must have")
    erasure_attribute_id: str | None = Field(
        None,
        pattern=r"^\d+$",
        description="Number of the visitor id attribute: deletions ask by it, and known visitors are called after it",
    )
    known_visitors: bool = Field(
        True,
        description="True: a key names a person, and is sent as __account_profile__number_key__, as Tealium calls known "
        "visitors; False: keys are anonymous ids, or made up so already",
    )

    @field_validator("endpoint", "platform_endpoint")
    @classmethod
    def _of_tealium(cls, url: str | None) -> str | None:
        return None if url is None else base_url(url, _DOMAINS)

    @property
    def known_beginning(self) -> str:
        """What stands before the value by which Tealium knows a visitor; `__` stands behind it."""
        return f"__{self.account}_{self.profile}__{self.erasure_attribute_id}_"

    @property
    def visitor_beginning(self) -> str | None:
        """The same, where keys are sent so; null where they are sent as they are."""
        is_made = self.known_visitors and self.visitor_attribute == _VISITOR and self.erasure_attribute_id is not None
        return self.known_beginning if is_made else None

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
