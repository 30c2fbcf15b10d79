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


class DirtSettings(Section):
    """How often events, answers and records are spoiled on their way; shares of 0..1.

    Nothing true is lost: a spoiled copy is added, but for `late`, which moves a true event to a later file.
    """

    late: float = Field(0.005, ge=0, le=0.1, description="Share of events that arrive two to nine days late")
    exact_duplicate: float = Field(0.002, ge=0, le=0.1, description="Share of events that arrive once more, to the letter")
    near_duplicate: float = Field(0.002, ge=0, le=0.1, description="Share of events that are sent again, marked as a retry")
    malformed: float = Field(0.001, ge=0, le=0.1, description="Share of events with a copy that is cut off")
    missing_key: float = Field(0.001, ge=0, le=0.1, description="Share of events with a copy that lacks its time")
    wrong_type: float = Field(0.001, ge=0, le=0.1, description="Share of events with a copy that tells its time in words")
    wrong_clock: float = Field(0.001, ge=0, le=0.1, description="Share of events with a copy by a clock ten years ahead")


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
    drift_at: float = Field(0.6, ge=0, le=1, description="When the world changes, as a share of its days")
    card_shown_rate: float = Field(0.85, ge=0, le=1, description="Share of receipts for which a card is shown")
    slice_region: str = Field("hills", description="Region of whose people less is recorded than is true")
    slice_card_rate: float = Field(0.4, ge=0, le=1, description="The same share in that region")
    slice_lost_rate: float = Field(0.5, ge=0, le=1, description="Share of that region's visits to the web that are lost")
    label_flip_rate: float = Field(0.03, ge=0, le=1, description="Share of account states in the CRM that are wrong")
    records: RecordSettings = RecordSettings()
    dirt: DirtSettings = DirtSettings()

    @property
    def end(self) -> date:
        """The day after the last one."""
        return self.first_day + timedelta(days=self.days)
