"""Settings of destinations that are no vendor's: signed webhooks and e-mail."""

from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from personalake.common.mailboxes import one_address
from personalake.config.connections.base import Connection, Promise, Rate
from personalake.config.connections.hosts import SecretReference


class WebhookConnection(Connection):
    """A signed request for each delivery, e.g. a ticket for a help desk."""

    promise: ClassVar[Promise] = Promise(
        "none",
        "at most once: whether the receiver looks at webhook-id is not known, so a lost reply is unknown, held and "
        "reported; at_least_once is a choice, and keeps the id",
    )
    kind: Literal["webhook"] = Field("webhook", description="Which connector speaks")
    url: str = Field(description="Where requests go; the host cannot be changed by a payload")
    secret: SecretReference = Field(
        description="Shared secret of the signature, 24 to 64 bytes as base64, with or without whsec_"
    )
    former_secret: SecretReference | None = Field(
        None, description="Secret that is being replaced: while receivers change over, messages are signed by both"
    )
    form: Literal["event", "fields"] = Field(
        "event",
        description="event: type, time and data, as Standard Webhooks has them; fields: the sync's fields and nothing else, "
        "named as the receiver names them, e.g. ticket.comment.body at Zendesk",
    )
    bearer: SecretReference | None = Field(None, description="Token for an Authorization header, if the receiver wants one")
    basic: SecretReference | None = Field(
        None,
        description="Or user and password with a colon between them, e.g. me@shop.example/token:KEY at Zendesk, KEY:X at "
        "Freshdesk",
    )
    allow_private: bool = Field(False, description="True allows addresses that are not public, and plain http there")
    allow_redirects: bool = Field(False, description="True follows redirects that keep the request (307, 308) and https")
    max_items: int | None = Field(1, ge=1, le=1, description="Deliveries in one request")
    max_bytes: int | None = Field(1_000_000, ge=1, description="Bytes of one request")
    max_item_bytes: int | None = Field(1_000_000, ge=1, description="Bytes of one payload")
    max_in_flight: int = Field(16, ge=1, description="Requests at the same time")

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError("expected https://host/path, without credentials")
        return url

    @model_validator(mode="after")
    def _one_authorization(self) -> "WebhookConnection":
        if self.bearer is not None and self.basic is not None:
            raise ValueError("bearer and basic are both an Authorization header: name one of them")
        return self

    @model_validator(mode="after")
    def _encrypted(self) -> "WebhookConnection":
        if not self.allow_private and urlsplit(self.url).scheme != "https":
            raise ValueError("expected https://; plain http is for private addresses, with allow_private")
        return self


class EmailConnection(Connection):
    """E-mail by SMTP, one message for each delivery."""

    promise: ClassVar[Promise] = Promise(
        "none",
        "at most once: a relay may have taken a message whose reply is lost, so that is unknown, held and reported; "
        "at_least_once is a choice, and keeps the Message-ID, by which some mailboxes hide the second",
    )
    kind: Literal["email"] = Field("email", description="Which connector speaks")
    host: str = Field(description="SMTP relay")
    port: int = Field(587, ge=1, le=65_535, description="Its port")
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="none is refused but for this machine")
    username: SecretReference | None = Field(None, description="User, if the relay wants one")
    password: SecretReference | None = Field(None, description="Password of the user")
    sender: str = Field(description="From header, e.g. Shop <news@shop.example>")
    one_click: bool = Field(True, description="Whether the unsubscribe address takes a POST by one click (RFC 8058)")
    max_items: int | None = Field(1, ge=1, le=1, description="Messages in one transaction")
    max_item_bytes: int | None = Field(10_000_000, ge=1, description="Bytes of one message")
    max_in_flight: int = Field(4, ge=1, description="SMTP sessions at the same time")
    rates: tuple[Rate, ...] = Field((), description="What the relay allows")

    @property
    def is_encrypted(self) -> bool:
        """Whether the relay is spoken to by TLS."""
        return self.security != "none"

    @field_validator("sender")
    @classmethod
    def _one_line(cls, sender: str) -> str:
        if "\n" in sender or "\r" in sender or one_address(sender) is None:
            raise ValueError("expected one address, e.g. Shop <news@shop.example>; a name with a comma stands in quotes")
        return sender

    @model_validator(mode="after")
    def _private(self) -> "EmailConnection":
        from personalake.config.connections.hosts import is_loopback

        if self.security == "none" and not is_loopback(self.host):
            raise ValueError("security: none is for a relay on this machine only")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        return self
