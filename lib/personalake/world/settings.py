"""How large the world is, how long it lasts, and how badly its records are kept."""

from datetime import date, timedelta

from pydantic import Field

from personalake.config.base import Section


class RecordSettings(Section):
    """How often customer records are spoiled and repeated; shares of 0..1."""

    copies: tuple[float, ...] = Field(
        (0.25, 0.25, 0.2, 0.15, 0.1, 0.05), min_length=1, description="How likely a person has 1, 2, … records"
    )
    typo_rate: float = Field(0.06, ge=0, le=1, description="Share of names, streets, e-mails and phones with a slip")
    nickname_rate: float = Field(0.1, ge=0, le=1, description="Share of first names told as a short form")
    initial_rate: float = Field(0.03, ge=0, le=1, description="Share of first names told as an initial")
    swap_rate: float = Field(0.01, ge=0, le=1, description="Share of records with first and last name swapped")
    date_rate: float = Field(
        0.03, ge=0, le=1, description="Share of birth dates with day and month swapped or a digit wrong"
    )
    missing_rate: float = Field(0.1, ge=0, le=1, description="Share of each field that is left out")
    junk_rate: float = Field(0.01, ge=0, le=1, description="Share of e-mails, phones, loyalty ids that hold a filler value")
    anonymous_rate: float = Field(0.03, ge=0, le=1, description="Share of web records that hold nothing but a cookie")


class WorldSettings(Section):
    """A world; equal settings give equal rows, whatever the partitions.

    What is drawn for a person depends on the seed and on the person's number alone, so that a larger world of the same seed
    contains the smaller one. Aggregates over all people (the truth about a household's size, say) do not have that property.
    """

    people: int = Field(2_000, ge=1, description="Number of people")
    seed: int = Field(2026, description="Decides everything that is drawn")
    first_day: date = Field(date(2025, 1, 1), description="First day on which things happen")
    days: int = Field(90, ge=7, le=3_650, description="Days on which things happen")
    history_days: int = Field(1_095, ge=0, description="Days before the first one since which records have been kept")
    shared_device_rate: float = Field(0.4, ge=0, le=1, description="Share of larger households with a device for all")
    hub_rate: float = Field(0.02, ge=0, le=1, description="Share of web records made at a terminal that hundreds use")
    move_rate: float = Field(0.2, ge=0, le=1, description="Share of households that move between history and end")
    marriage_rate: float = Field(0.15, ge=0, le=1, description="Share of couples that marry between history and end")
    records: RecordSettings = RecordSettings()

    @property
    def end(self) -> date:
        """The day after the last one."""
        return self.first_day + timedelta(days=self.days)
