"""Profiles: stages of a customer's life, journeys, and which attributes keep their history."""

import re
from collections.abc import Iterable
from datetime import date

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Section
from personalake.tables.gold import CUSTOMER_PROFILE
from personalake.tables.silver import CUSTOMER_RECORD, DEMOGRAPHICS


class LifecycleSettings(Section):
    """When someone is new, active, at risk, lapsed, or back."""

    new_days: int = Field(30, ge=1, description="Days from the first order for which someone is new")
    active_days: int = Field(45, ge=1, description="Longest silence of someone active, days; beyond it they are at risk")
    lapsed_days: int = Field(90, ge=1, description="Longest silence of someone at risk, days; beyond it they have lapsed")
    reactivated_days: int = Field(30, ge=1, description="Days from the order that ended a lapse for which someone is back")

    @model_validator(mode="after")
    def _ordered(self) -> "LifecycleSettings":
        if self.active_days >= self.lapsed_days:
            raise ValueError(f"active_days ({self.active_days}) must be below lapsed_days ({self.lapsed_days})")
        return self


class JourneySettings(Section):
    """How touchpoints are cut into sessions and journeys."""

    session_minutes: int = Field(30, ge=1, description="Pause after which a new session begins, minutes")
    journey_days: int = Field(30, ge=1, description="Silence after which a journey without a purchase is over, days")
    path_steps: int = Field(5, ge=1, le=20, description="Steps of a path that are kept")
    path_min_persons: int = Field(5, ge=1, description="Fewest persons of a path that gold.journey_path shows")
    online_stores: tuple[str, ...] = Field(
        ("web", "app"), description="Values of store_id that name a channel; any other is a store"
    )


class Licence(Section):
    """What one contract with a data provider, or the terms of a place where people post, permits."""

    until: date | None = Field(
        None, description="Last day of the contract, by the day of the run, not its as-of; none by default"
    )
    days: int | None = Field(None, ge=1, description="Days from what a row says of its time, after which it is too old")
    attributes: tuple[str, ...] = Field((), description="Attributes that may be used; all by default")


class PreferenceSettings(Section):
    """One thing that a person may wish."""

    values: tuple[str, ...] = Field((), description="Values that the wish may have; any text by default")

    @field_validator("values")
    @classmethod
    def _plain(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        odd = [value for value in values if not value.strip() or len(value) > 256]
        if odd:
            raise ValueError(f"{odd[0][:40]!r}: a value has 1 to 256 characters")
        return values


class HistorySettings(Section):
    """Attributes whose changes are kept in gold.customer_profile_history."""

    profile: tuple[str, ...] = Field(
        ("lifecycle_stage", "favourite_category", "favourite_store_id", "currency", "region", "consents", "preferences"),
        description="Columns of gold.customer_profile; not worth it for what moves with every order",
    )
    records: tuple[str, ...] = Field(
        DEMOGRAPHICS,
        description="Columns of silver.customer_record; names and addresses only where a purpose needs their past",
    )

    @field_validator("profile")
    @classmethod
    def _of_the_profile(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _among(names, CUSTOMER_PROFILE.columns, CUSTOMER_PROFILE.full_name, ("person_id", "as_of"))

    @field_validator("records")
    @classmethod
    def _of_the_records(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        texts = tuple(field.name for field in CUSTOMER_RECORD.fields if field.type == "string" and field.pii != "protected")
        stamps = ("record_id", "namespace", "customer_id", "source", "batch_id")
        return _among(names, texts, CUSTOMER_RECORD.full_name, stamps)

    @model_validator(mode="after")
    def _told_once(self) -> "HistorySettings":
        both = sorted({*self.profile} & {*self.records})
        if both:
            raise ValueError(f"history.profile and history.records both name {', '.join(both)}; keep it in one")
        return self


class ProfileSettings(Section):
    """conf/profiles.yml."""

    lifecycle: LifecycleSettings = LifecycleSettings()
    journey: JourneySettings = JourneySettings()
    history: HistorySettings = HistorySettings()
    licences: dict[str, Licence] = Field(
        default_factory=dict,
        description="Licences under which what data providers tell may be used: what comes under any other is left out; "
        "posts under one named here count while it permits, under any other but `unknown` always",
    )
    preferences: dict[str, PreferenceSettings] = Field(
        default_factory=dict,
        description="What persons may wish, by name: anything else is quarantined. None declared lets everything in",
    )

    @field_validator("preferences")
    @classmethod
    def _named(cls, wishes: dict[str, PreferenceSettings]) -> dict[str, PreferenceSettings]:
        odd = [name for name in wishes if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name)]
        if odd:
            raise ValueError(f"{odd[0]!r} is no name of a preference; use small letters, digits and _, e.g. contact_channel")
        return wishes


def _among(names: tuple[str, ...], columns: Iterable[str], table: str, never: tuple[str, ...]) -> tuple[str, ...]:
    known = [name for name in columns if name not in never]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{table} has no attribute {', '.join(unknown)}; there are: {', '.join(known)}")
    return names
