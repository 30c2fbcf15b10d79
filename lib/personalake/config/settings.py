"""The whole configuration as one tree of types; each field says its meaning, unit and default."""

import re
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from personalake.config.activation import Destination
from personalake.config.audiences import Cap, Sync
from personalake.config.base import Section
from personalake.config.connections import AnyConnection
from personalake.config.decisions import DecisionSettings
from personalake.config.erasure import ErasureSettings
from personalake.config.identity import IdentitySettings
from personalake.config.maintenance import MaintenanceSettings
from personalake.config.modelling import ModelSettings
from personalake.config.privacy import PrivacySettings
from personalake.config.profiles import ProfileSettings
from personalake.config.quality import QualitySettings
from personalake.config.receipts import ReceiptSettings
from personalake.config.recommending import RecommenderSettings
from personalake.config.regions import RegionSettings
from personalake.config.segmentation import SegmentSettings
from personalake.config.sources import Source
from personalake.config.templates import Template


class SparkSettings(Section):
    """How the one Spark session is sized."""

    master: str = Field("local[*]", description="Spark master; ignored where the platform starts Spark")
    driver_memory: str = Field("4g", description="Memory of the driver, with its unit, e.g. 4g")
    shuffle_partitions: int = Field(4, ge=1, description="Partitions after a shuffle; near the core count on small machines")
    compiler: Literal["auto", "quick", "full"] = Field(
        "auto", description="How a local JVM compiles: quick suits short runs, full long ones; auto looks at what has landed"
    )
    extra: dict[str, str] = Field(default_factory=dict, description="Further Spark settings, verbatim")

    @field_validator("driver_memory")
    @classmethod
    def _with_unit(cls, memory: str) -> str:
        if not re.fullmatch(r"(?i)[1-9]\d*[kmgt]b?", memory):
            raise ValueError("expected a number with its unit and no blank, e.g. 4g or 4096m")
        return memory


class StreamSettings(Section):
    """How streaming jobs run."""

    trigger_seconds: int = Field(10, ge=1, description="Interval of micro-batches with --continuous, seconds")


class LeaseSettings(Section):
    """How a job keeps a second run of itself away."""

    heartbeat_seconds: float = Field(5, gt=0, description="How often a run shows that it lives, seconds")
    stale_after_seconds: float = Field(60, gt=0, description="Silence after which a lease is taken over, seconds")


class TrackingSettings(Section):
    """Where models are tracked."""

    uri: str | None = Field(None, description="MLflow store; sqlite below the lake's root by default")
    experiment: str = Field("personalake", description="MLflow experiment")
    registry_prefix: str = Field("", description="Put before registered model names, e.g. main.gold. for Unity Catalog")


class ReportSettings(Section):
    """The static report."""

    path: Path = Field(Path("report"), description="Folder into which the report is written")
    planted: Path | None = Field(None, description="Folder with the truth about planted dirt; the demo's only")
    title: str = Field("personalake", description="Title of the report")


class Settings(Section):
    """Everything that a run needs to know."""

    environment: str = Field("local", description="Name of the environment, set by --env alone")
    root: Path = Field(
        Path("lakehouse"),
        description="Folder of the lake; tables lie at <root>/<layer>/<table>. Another one that --root or PERSONALAKE_ROOT "
        "names has its exports, report and access exports in itself, unless the run says where; it reads what has landed",
    )
    catalog: str | None = Field(None, description="Unity Catalog to use instead of folders, on Databricks")
    landing: Path = Field(Path("landing"), description="Folder in which sources drop their files")
    exports: Path = Field(Path("exports"), description="Folder of file destinations")
    business_timezone: str = Field(
        "UTC", description="Time zone of days: an as-of is its midnight; after a change, rebuild with --force"
    )
    require_as_of: bool = Field(False, description="True refuses `as_of: latest`, as production does")
    as_of: date | Literal["latest"] = Field(
        "latest",
        validate_default=True,
        description="Exclusive day up to which things are known; `latest` is the day after the last order, without orders "
        "after whatever was seen last. Consents and wishes are always those of the run's own moment",
    )
    training_cut: date | None = Field(None, description="As-of whose past models learn from; as_of by default")
    region: str | None = Field(None, description="Region of this run, set by --region; its places are its own")
    regions: RegionSettings = RegionSettings()
    spark: SparkSettings = SparkSettings()
    streams: StreamSettings = StreamSettings()
    lease: LeaseSettings = LeaseSettings()
    tracking: TrackingSettings = TrackingSettings()
    report: ReportSettings = ReportSettings()
    erasure: ErasureSettings = ErasureSettings()
    maintenance: MaintenanceSettings = MaintenanceSettings()
    identity: IdentitySettings = IdentitySettings()
    privacy: PrivacySettings = PrivacySettings()
    profiles: ProfileSettings = ProfileSettings()
    quality: QualitySettings = QualitySettings()
    models: ModelSettings = ModelSettings()
    recommender: RecommenderSettings = RecommenderSettings()
    segments: SegmentSettings = SegmentSettings()
    decisions: DecisionSettings = DecisionSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    sources: dict[str, Source] = Field(default_factory=dict, description="One file each in conf/sources/")
    destinations: dict[str, Destination] = Field(default_factory=dict, description="conf/destinations.yml")
    connections: dict[str, AnyConnection] = Field(
        default_factory=dict, description="How vendors are reached; conf/connections.yml, see docs/destinations.md"
    )
    audiences: dict[str, Sync] = Field(
        default_factory=dict, description="Who is kept in step at which connection; conf/audiences.yml"
    )

    frequency_cap: Cap | None = Field(
        None,
        description="Messages that one person is sent by all syncs to email, fcm, onesignal, braze_send and sfmc_journey "
        "together, however many decide to, when they leave; webhooks and files do not count, not even with a template",
    )
    templates: dict[str, Template] = Field(default_factory=dict, description="One file each in conf/templates/")

    @field_validator("business_timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{name!r} is not a time zone; use an IANA name such as Europe/Berlin") from error
        return name

    @field_validator("as_of")
    @classmethod
    def _explicit(cls, as_of: date | str, info: ValidationInfo) -> date | str:
        if as_of == "latest" and info.data.get("require_as_of"):
            raise ValueError("this environment wants an explicit day; pass --as-of, e.g. --as-of 2017-12-01")
        return as_of

    @field_validator("root", "landing", "exports", mode="before")
    @classmethod
    def _somewhere(cls, place: object) -> object:
        if isinstance(place, str) and not place.strip():
            raise ValueError("expected a folder; nothing stands here")
        return place

    def active_sources(self, *contracts: str) -> dict[str, Source]:
        """The enabled sources, of the given contracts if any are given."""
        return {
            name: source
            for name, source in sorted(self.sources.items())
            if source.enabled and (not contracts or source.contract in contracts)
        }
