"""Audiences and syncs: who is sent where, what is said of them, and when it stops."""

from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from personalake.config.audience_columns import (
    COLUMNS,
    DECIDED,
    ORDERED,
    ORDERED_PRODUCT,
    SourceColumn,
    check_readable,
    lacking,
    lacking_in_query,
    read_query,
)
from personalake.config.audience_kinds import Mode
from personalake.config.base import Section
from personalake.config.connections.hosts import SecretReference
from personalake.config.schedules import is_schedule
from personalake.config.sql import check_condition, columns_of

Hashing = Literal["none", "sha256", "sha256_email", "sha256_phone", "hmac"]
_KINDS = ("where", "query", "segment", "decisions", "orders")


class SegmentAudience(Section):
    """A segment as it was cut at the as-of."""

    scheme: Literal["rfm", "kmeans"] = Field("rfm", description="How the segments were cut: rfm or kmeans")
    name: str = Field(min_length=1, description="Name of the segment, e.g. At risk")


class DecisionAudience(Section):
    """Decisions of the as-of to act on: events, messages and new rows one by one, else what is kept of a person."""

    actions: tuple[str, ...] = Field((), description="Actions that count; all by default")
    channels: tuple[str, ...] = Field((), description="Channels that count; all by default")


class OrderAudience(Section):
    """Orders that were placed, one delivery each, once; goods that came back are left out."""

    each: Literal["order", "product"] = Field("order", description="What one delivery is about")
    days: int = Field(7, ge=1, description="Orders of so many days before the as-of; those that were sent stay sent")


class Audience(Section):
    """Who is meant; exactly one of these."""

    where: str | None = Field(None, description="Spark SQL over profile, golden record, segments, scores and items")
    query: str | None = Field(None, description="SELECT person_id over gold tables, each as it was at the as-of")
    segment: SegmentAudience | None = Field(None, description="People of a segment")
    decisions: DecisionAudience | None = Field(None, description="People for whom it was decided to act")
    orders: OrderAudience | None = Field(None, description="People who placed an order, once for each")

    @model_validator(mode="after")
    def _one(self) -> "Audience":
        named = [name for name in _KINDS if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError(f"name exactly one of {', '.join(_KINDS)}; found {', '.join(named) or 'none'}")
        return self

    @field_validator("where")
    @classmethod
    def _reads_known_columns(cls, where: str | None) -> str | None:
        if where is not None:
            check_readable(where, COLUMNS)
            check_condition(where, {name: column.type for name, column in COLUMNS.items()})
        return where

    @field_validator("query")
    @classmethod
    def _reads_allowed_tables(cls, query: str | None) -> str | None:
        if query is not None:
            read_query(query)
        return query


class Mapped(Section):
    """One value that leaves."""

    source: str = Field(description="Column or Spark SQL over what is known of the person, and of the decision")
    hashing: Hashing = Field(
        "none", description="sha256_email and sha256_phone put the value in its usual form first; hmac needs a secret"
    )
    secret: SecretReference | None = Field(None, description="Key of an hmac")

    @model_validator(mode="after")
    def _keyed(self) -> "Mapped":
        if (self.hashing == "hmac") != (self.secret is not None):
            raise ValueError("hashing hmac and secret belong together")
        return self


class SyncBounds(Section):
    """When a plan stops, rather than warns; shares are of what the destination is known to hold."""

    max_removed: int | None = Field(None, ge=0, description="Removals in one plan")
    max_removed_share: float | None = Field(0.2, ge=0, le=1, description="Removals, 0..1; an outage looks like an exodus")
    max_changed: int | None = Field(None, ge=0, description="Changes in one plan, removals left out")
    max_changed_share: float | None = Field(None, ge=0, le=1, description="Changes, 0..1, removals and additions left out")


class Cap(Section):
    """How often one person is sent something, at most."""

    deliveries: int = Field(ge=1, description="Deliveries")
    days: int = Field(ge=1, description="In so many days before the day of sending, and on it, by when each left")


class Sync(Section):
    """One audience, kept in step at one destination."""

    enabled: bool = Field(True, description="False leaves the sync alone")
    audience: Audience = Field(description="Who is meant")
    destination: str = Field(description="Name in conf/connections.yml")
    mode: Mode = Field(
        "upsert",
        description="insert: new ones only; update: those whom the destination knows; upsert: both; "
        "mirror: and who left is taken away; archive: and who left is marked",
    )
    schedule: str = Field(
        "daily",
        description="daily, weekly on monday, monthly on 1 (to 28), or on demand (--sync); of mode mirror or archive, "
        "who withdrew is taken away by every run, on other days too",
    )
    purposes: tuple[str, ...] = Field(min_length=1, description="Consent purposes that a person must have granted, all")
    key: Mapped = Field(Mapped(source="customer_id"), description="What the destination knows a person by")
    key_field: str | None = Field(None, description="What the destination calls it; by kind if not said")
    alias_label: str | None = Field(None, min_length=1, description="Braze: label of the alias, if key_field is user_alias")
    anonymous_key: Mapped | None = Field(
        None, description="Segment: what it knew the person by before; sent as anonymousId, beside the key or without one"
    )
    fields: dict[str, Mapped] = Field(default_factory=dict, description="Field there to column or expression here")
    membership: str | None = Field(None, description="Field that is true for members, and false once they left")
    nulls: Literal["skip", "erase"] = Field(
        "skip", description="skip: a null is left out; erase: it takes the value away at the destination"
    )
    template: str | None = Field(
        None, description="Name in conf/templates/: what is said; fields give its variables where they are no columns"
    )
    locale: str | None = Field(
        None, description="Spark SQL for the person's language, for the template, e.g. preferences['language']"
    )
    event: str | None = Field(None, min_length=1, description="Name of the event, where each delivery is one")
    group: str | None = Field(
        None, description="Segment: the field that holds the id of the person's group; each delivery is a group call"
    )
    integrations: dict[str, bool] | None = Field(
        None, min_length=1, description="Segment: to which of its destinations a call goes on, by name; All is the rest"
    )
    purchase: bool = Field(
        False,
        description="Braze: each delivery is a purchase, of orders with each: product; "
        "product_id, currency, price, perhaps quantity",
    )
    campaign_id: str | None = Field(None, min_length=1, description="Braze campaign to trigger")
    subscription_group_id: str | None = Field(None, min_length=1, description="Braze subscription group")
    template_id: str | None = Field(None, min_length=1, description="OneSignal template")
    channel: Literal["push", "email", "sms"] | None = Field(None, description="OneSignal channel")
    holdout: bool = Field(True, description="Whether people who are held out of decisions are left alone here, too")
    min_people: int = Field(50, ge=1, description="People below whom an audience says too much about each; nothing is sent")
    bounds: SyncBounds = SyncBounds()
    approve_above: int | None = Field(
        100_000, ge=0, description="Deliveries above which a person must approve the plan; who withdrew leaves without"
    )
    max_personal_fields: int = Field(8, ge=0, description="Fields that say something about the person, in one delivery")
    cap: Cap | None = Field(None, description="How often this sync sends one person something; asked again when it leaves")
    max_age_days: int = Field(
        7, ge=1, description="Days after a plan was made after which it is neither approved nor sent, but for removals"
    )
    max_item_bytes: int = Field(32_000, ge=1, description="Bytes of one delivery; a larger one is refused")
    resend_rejected: bool = Field(False, description="Whether what the destination refused is planned again as it was")

    @field_validator("event")
    @classmethod
    def _as_it_is_called(cls, event: str | None) -> str | None:
        if event is not None and event != event.strip():
            raise ValueError("a blank at an end would make another event of it; leave it out")
        return event

    @field_validator("schedule")
    @classmethod
    def _known_schedule(cls, schedule: str) -> str:
        if not is_schedule(schedule):
            raise ValueError("expected daily, weekly on monday, monthly on 1 (to 28), or on demand; each in small letters")
        return schedule

    @field_validator("key", "anonymous_key", mode="before")
    @classmethod
    def _short_key(cls, key: Any) -> Any:
        return {"source": key} if isinstance(key, str) else key

    @field_validator("fields", mode="before")
    @classmethod
    def _short_fields(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        return {name: {"source": value} if isinstance(value, str) else value for name, value in fields.items()}

    @model_validator(mode="after")
    def _lawful(self) -> "Sync":
        problems = list(self._unreadable())
        if not problems:
            problems = [
                f"{where}: {column} needs the purpose {purpose}, which this sync lacks (it has {', '.join(self.purposes)})"
                for where, column, purpose in self._gaps()
            ]
            personal = [name for name, one in self.fields.items() if self._is_personal(one)]
            if len(personal) > self.max_personal_fields:
                problems.append(
                    f"fields: {len(personal)} say something about the person ({', '.join(personal)}); "
                    f"max_personal_fields is {self.max_personal_fields}"
                )
        if self.locale is not None and self.template is None:
            problems.append("locale: only a template has languages")
        if self.membership is not None and self.membership in self.fields:
            problems.append(f"membership: {self.membership} is a field, too")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _unreadable(self) -> Iterator[str]:
        for where, one in self.mapped().items():
            try:
                check_readable(one.source, self.columns)
            except ValueError as error:
                yield f"{where}: {error}"
        if self.locale is not None:
            try:
                check_readable(self.locale, self.columns)
            except ValueError as error:
                yield f"locale: {error}"

    def _gaps(self) -> Iterator[tuple[str, str, str]]:
        for where, one in self.mapped().items():
            yield from ((where, *gap) for gap in self._lacking(one.source))
        if self.locale is not None:
            yield from (("locale", *gap) for gap in self._lacking(self.locale))
        if self.audience.where is not None:
            yield from (("audience.where", *gap) for gap in self._lacking(self.audience.where))
        if self.audience.query is not None:
            found = lacking_in_query(read_query(self.audience.query), self.purposes)
            yield from (("audience.query", *gap) for gap in found)

    def _lacking(self, expression: str) -> Iterator[tuple[str, str]]:
        return lacking(columns_of(expression), self.purposes, self.columns)

    def _is_personal(self, one: Mapped) -> bool:
        return any(self.columns[name.lower()].is_personal for name in columns_of(one.source))

    @property
    def happening(self) -> str | None:
        """What each delivery says that happened; null where it tells what a person is like."""
        return "purchase" if self.purchase else self.event

    @property
    def columns(self) -> dict[str, SourceColumn]:
        """What fields may read."""
        if self.audience.orders is not None:
            return COLUMNS | (ORDERED if self.audience.orders.each == "order" else ORDERED_PRODUCT)
        return COLUMNS | DECIDED if self.audience.decisions is not None else COLUMNS

    def mapped(self) -> dict[str, Mapped]:
        """Every value that leaves, by where it is said."""
        before = {} if self.anonymous_key is None else {"anonymous_key": self.anonymous_key}
        return {"key": self.key, **before, **{f"fields.{name}": one for name, one in self.fields.items()}}

    @property
    def reads(self) -> tuple[str, ...]:
        """Columns that are read of a person, of any part."""
        texts = [one.source for one in self.mapped().values()]
        texts += [text for text in (self.audience.where, self.locale) if text is not None]
        return tuple(dict.fromkeys(name.lower() for text in texts for name in columns_of(text)))
