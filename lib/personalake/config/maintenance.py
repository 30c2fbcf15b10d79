"""How tables are kept small and lawful."""

from pydantic import Field, field_validator

from personalake.config.base import Section
from personalake.tables import BY_NAME

_LONGEST_DAYS = 36_500


class MaintenanceSettings(Section):
    """What maintain_tables does."""

    version_hours: int = Field(
        168, ge=24, description="Age from which files of older versions go, hours; nothing may read versions that are older"
    )
    compact: bool = Field(True, description="Whether small files become large ones")
    landed_days: int | None = Field(
        None,
        ge=1,
        le=_LONGEST_DAYS,
        description="Days that landed files are kept once bronze has read them, in landing folders and inboxes alike; "
        "as long as rows of bronze.event by default. What was rejected or not read yet stays",
    )
    retention_days: dict[str, int] = Field(
        default_factory=dict,
        description="Table to days that its rows are kept, where docs/data-map.md does not fit, e.g. gold.decision: 400",
    )

    @field_validator("retention_days", mode="before")
    @classmethod
    def _of_aging_tables(cls, told: object) -> object:
        """Names first: a layer with tables below it, as the command line writes it, is no number of days."""
        if not isinstance(told, dict):
            return told
        days = {}
        for name, kept in told.items():
            days.update({f"{name}.{table}": it for table, it in kept.items()} if isinstance(kept, dict) else {name: kept})
        aging = sorted(name for name, table in BY_NAME.items() if table.aged_by is not None)
        unknown = sorted(str(name) for name in days if name not in aging)
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: no rows with an age; there are: {', '.join(aging)}")
        return days

    @field_validator("retention_days")
    @classmethod
    def _some_days(cls, days: dict[str, int]) -> dict[str, int]:
        odd = sorted(name for name, kept in days.items() if not 1 <= kept <= _LONGEST_DAYS)
        if odd:
            raise ValueError(f"{', '.join(odd)}: from one day to {_LONGEST_DAYS:,}")
        return days
