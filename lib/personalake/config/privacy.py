"""What data may be used for, how persons are named to others, who sees what, and what may be published."""

import re

from pydantic import Field, field_validator, model_validator

from personalake.config.base import Section
from personalake.config.connections.hosts import SecretReference

_VERSION = re.compile(r"[a-z0-9]{1,8}")
_GROUP = re.compile(r"[\w.@ -]{1,128}")
GLOBAL_PRIVACY_CONTROL = "global_privacy_control"


def _with_short_versions(keys: dict[str, str]) -> dict[str, str]:
    wrong = [version for version in keys if not _VERSION.fullmatch(version)]
    if wrong:
        raise ValueError(f"a key version has 1 to 8 small letters and digits; not: {', '.join(wrong)}")
    return keys


class PseudonymSettings(Section):
    """Keyed pseudonyms: what a destination with `identifier: pseudonym` is told in the place of a person id."""

    keys: dict[str, SecretReference] = Field(
        default_factory=dict,
        description="Key version, e.g. k1: its key, as secret://scope/key; destinations' are derived",
    )
    current: str | None = Field(None, description="Key version of pseudonyms that leave now")
    previous: tuple[str, ...] = Field(
        (), description="Key versions of which pseudonyms are still understood, until a rotation is over"
    )

    @field_validator("keys")
    @classmethod
    def _short_versions(cls, keys: dict[str, str]) -> dict[str, str]:
        return _with_short_versions(keys)

    @model_validator(mode="after")
    def _complete(self) -> "PseudonymSettings":
        if self.keys and self.current is None:
            raise ValueError(f"current is missing: which of {', '.join(self.keys)} do pseudonyms that leave now have?")
        lacking = [version for version in self.valid if version not in self.keys]
        if lacking:
            raise ValueError(f"no key for version {', '.join(lacking)}; there are: {', '.join(self.keys) or 'none'}")
        if self.current in self.previous:
            raise ValueError(f"{self.current} is the current version and a previous one")
        return self

    @property
    def valid(self) -> tuple[str, ...]:
        """Versions that are understood, the current one first."""
        return (*((self.current,) if self.current else ()), *self.previous)


class EncryptionSettings(Section):
    """Raw payloads at rest under a key for each person, which an erasure destroys; off until a master key is current."""

    keys: dict[str, SecretReference] = Field(
        default_factory=dict,
        description="Master key version, e.g. m1: its key, as secret://scope/key, of 32 characters or more; wraps data keys",
    )
    current: str | None = Field(
        None, description="Master key version under which new payloads are encrypted; none leaves new ones in clear text"
    )

    @field_validator("keys")
    @classmethod
    def _short_versions(cls, keys: dict[str, str]) -> dict[str, str]:
        return _with_short_versions(keys)

    @model_validator(mode="after")
    def _complete(self) -> "EncryptionSettings":
        if self.current is not None and self.current not in self.keys:
            raise ValueError(f"no key for version {self.current}; there are: {', '.join(self.keys) or 'none'}")
        return self


class PublishingSettings(Section):
    """Figures about persons that are shown to others than those who may see persons."""

    minimum_cell: int = Field(50, ge=1, description="Fewest persons of a published cell; smaller ones are left out")
    budget: float = Field(4.0, gt=0, description="Greatest sum of epsilon of all published counts in a period")
    delta_budget: float = Field(
        1e-6, gt=0, lt=1, description="Greatest sum of delta, the chances that a cell of one person is shown, in a period"
    )
    period_days: int = Field(365, ge=1, description="After how many days a publication no longer counts, days")


class AccessSettings(Section):
    """Who sees persons, and who sees them masked; groups of the platform's identity provider."""

    full_group: str = Field("personalake_full", description="Group whose members see every column as it is")
    analyst_group: str = Field("personalake_analysts", description="Group whose members see personal columns masked")

    @field_validator("full_group", "analyst_group")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _GROUP.fullmatch(name):
            raise ValueError("a group's name has letters, digits, spaces, and . _ @ - only")
        return name


class PrivacySettings(Section):
    """conf/privacy.yml."""

    purposes: tuple[str, ...] = Field(
        (), description="All that data may be used for: no other purpose is asked for; if none is named, any is"
    )
    signals: dict[str, tuple[str, ...]] = Field(
        {GLOBAL_PRIVACY_CONTROL: ("sale", "sharing")},
        description="A signal that arrives as an answer about a purpose of this name: the purposes that it speaks for",
    )
    require_tls: bool | None = Field(
        None, description="Whether every way in and out must be encrypted; true by default, but on one's own machine"
    )
    pseudonyms: PseudonymSettings = PseudonymSettings()
    encryption: EncryptionSettings = EncryptionSettings()
    publishing: PublishingSettings = PublishingSettings()
    access: AccessSettings = AccessSettings()

    @model_validator(mode="after")
    def _known_purposes(self) -> "PrivacySettings":
        odd = [name for name in self.purposes if name != name.strip() or not name or self.purposes.count(name) > 1]
        if odd:
            raise ValueError(f"purposes: {odd[0]!r} stands twice, is empty, or has blanks around it")
        named = {purpose for purposes in self.signals.values() for purpose in purposes}
        unknown = sorted(named - set(self.purposes)) if self.purposes else []
        if unknown:
            raise ValueError(f"signals speak for {', '.join(unknown)}, which purposes do not name; add them, or set signals")
        return self
