"""Campaigns and experiments: who was in which arm, and what each did to each person, which nobody in the company knows."""

from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.world.catalog import NAMES
from personalake.world.chance import Chance
from personalake.world.consents import consent_on
from personalake.world.settings import WorldSettings

TREATED_SHARE = 0.5
LEAST_EFFECT, MOST_EFFECT = -0.8, 2.0
WINDOW_DAYS = 14


@dataclass(frozen=True)
class Campaign:
    """A coupon that is sent by e-mail to a random half of those who agreed to it.

    A person's effect (by how much the rate of orders changes for two weeks, as a share of it) is
    `base + on_favourite [the favourite is on offer] + on_price (price_sensitivity - 0.5) + on_fatigue [ad_fatigue > 0.75]`
    plus noise of a twentieth.

    Args:
        campaign_id: Its id.
        start: When it begins, as a share of the world's days.
        category: What it offers at a discount.
        base: Its effect on everybody.
        on_favourite: Its effect on those who like the category most, on top.
        on_price: Its effect on those who look at prices, on top.
        on_fatigue: Its effect on those who are tired of advertising, on top.
        cost: Cost of one message, EUR.
    """

    campaign_id: str
    start: float
    category: str
    base: float
    on_favourite: float
    on_price: float
    on_fatigue: float
    cost: float

    @property
    def column(self) -> str:
        """How columns about it begin."""
        return self.campaign_id.replace("-", "_")

    def first_day(self, settings: WorldSettings) -> int:
        """The day on which its messages go out."""
        return int(settings.days * self.start)


CAMPAIGNS = (
    Campaign("spring-coupon", 0.15, "Fruit", 0.35, 0.2, 0.8, -0.7, 0.12),
    Campaign("new-arrivals", 0.3, "Clothing", 0.05, 0.6, 0.0, -0.3, 0.05),
    Campaign("win-back", 0.45, "Coffee", 0.2, 0.0, 0.4, -0.5, 0.3),
    Campaign("premium-club", 0.6, "Wine", -0.1, 0.3, -0.4, -0.3, 0.8),
    Campaign("thank-you-letter", 0.75, "Books", 0.0, 0.0, 0.0, 0.0, 0.4),
)


@dataclass(frozen=True)
class Experiment:
    """A test on the web shop; arms are drawn for everybody, exposures are logged when somebody comes by.

    Args:
        experiment_id: Its id.
        start: When it begins, as a share of the world's days.
        end: When it ends.
        effect: By how much treatment changes the rate of web orders, as a share of it.
        lost: Share of the treatment's visitors on phones of whom the log has lost all: a sample-ratio fault.
    """

    experiment_id: str
    start: float
    end: float
    effect: float
    lost: float = 0.0

    @property
    def column(self) -> str:
        """How columns about it begin."""
        return self.experiment_id.replace("-", "_")

    def is_on(self, settings: WorldSettings, day: Column) -> Column:
        """Whether it runs on a day."""
        return (day >= int(settings.days * self.start)) & (day < int(settings.days * self.end))


EXPERIMENTS = (
    Experiment("free-delivery", 0.1, 0.5, effect=0.25),
    Experiment("new-colours", 0.1, 0.5, effect=0.0),
    Experiment("new-search", 0.5, 0.9, effect=0.0, lost=0.35),
)


def with_arms(settings: WorldSettings) -> Transformation:
    """Add the arms of campaigns and experiments, and the effects of campaigns, to rows with habits and consents.

    Returns:
        A transformation that adds, for each campaign, `<campaign>_arm` (treated, control; null if not eligible) and
        `<campaign>_effect`, and for each experiment `<experiment>_arm` (treatment, control).
    """
    arms = {f"{campaign.column}_arm": _arm(settings, campaign) for campaign in CAMPAIGNS}
    effects = {f"{campaign.column}_effect": _effect(settings, campaign) for campaign in CAMPAIGNS}
    treated = {f"{test.column}_arm": _own(settings, test.experiment_id).happens("arm", 0.5) for test in EXPERIMENTS}
    drawn = {name: F.when(is_treated, "treatment").otherwise("control") for name, is_treated in treated.items()}
    return lambda rows: rows.withColumns({**arms, **effects, **drawn})


def is_under(settings: WorldSettings, campaign: Campaign, day: Column) -> Column:
    """Whether the person's orders of a day are changed by the campaign."""
    start = campaign.first_day(settings)
    is_treated = F.coalesce(F.col(f"{campaign.column}_arm") == "treated", F.lit(False))
    return is_treated & (day >= start) & (day < start + WINDOW_DAYS)


def campaign_lift(settings: WorldSettings, day: Column) -> Column:
    """What all campaigns together add to the rate of orders on a day, as a share of it."""
    effects = (
        F.when(is_under(settings, campaign, day), F.col(f"{campaign.column}_effect")).otherwise(F.lit(0.0))
        for campaign in CAMPAIGNS
    )
    return sum(effects, start=F.lit(0.0))


def experiment_lift(settings: WorldSettings, day: Column) -> Column:
    """What all experiments together add to the rate of web orders on a day, as a share of it."""
    effects = (
        F.when((F.col(f"{test.column}_arm") == "treatment") & test.is_on(settings, day), test.effect).otherwise(F.lit(0.0))
        for test in EXPERIMENTS
        if test.effect
    )
    return sum(effects, start=F.lit(0.0))


def _own(settings: WorldSettings, of: str) -> Chance:
    return Chance(settings.seed, ("person", F.lit(of)))


def _arm(settings: WorldSettings, campaign: Campaign) -> Column:
    start = F.lit(campaign.first_day(settings))
    is_there = (F.col("joined_day") <= start) & (F.col("left_day") > start)
    is_eligible = is_there & (consent_on("email_marketing", start) == "granted")
    is_treated = _own(settings, campaign.campaign_id).happens("arm", TREATED_SHARE)
    return F.when(is_eligible, F.when(is_treated, "treated").otherwise("control"))


def _effect(settings: WorldSettings, campaign: Campaign) -> Column:
    is_liked, is_tired = F.col("favourite") == NAMES.index(campaign.category), F.col("ad_fatigue") > 0.75
    has_effect = campaign.base or campaign.on_favourite or campaign.on_price or campaign.on_fatigue
    effect = (
        F.lit(campaign.base)
        + F.when(is_liked, campaign.on_favourite).otherwise(F.lit(0.0))
        + campaign.on_price * (F.col("price_sensitivity") - 0.5)
        + F.when(is_tired, campaign.on_fatigue).otherwise(F.lit(0.0))
        + 0.05 * _own(settings, campaign.campaign_id).normal("effect")
    )
    return F.greatest(F.least(effect, F.lit(MOST_EFFECT)), F.lit(LEAST_EFFECT)) if has_effect else F.lit(0.0)
