"""Which day `as_of: latest` is: the day after the last order, else after the last that was seen of anybody, else today."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from personalake.config import Settings
from personalake.errors import ConfigError
from personalake.lake import Ledger
from personalake.tables.privacy import PREFERENCE
from personalake.tables.silver import CAMPAIGN_RESPONSE, CONSENT, CUSTOMER_RECORD, EVENT, ORDER_LINE
from personalake.tables.touchpoints import EMAIL_ENGAGEMENT, INTERACTION, SOCIAL_MENTION, SUPPORT_TICKET, SURVEY_ANSWER

_SEEN = (
    EVENT, CUSTOMER_RECORD, INTERACTION, EMAIL_ENGAGEMENT, CONSENT, PREFERENCE, CAMPAIGN_RESPONSE, SUPPORT_TICKET,
    SURVEY_ANSWER, SOCIAL_MENTION,
)  # fmt: skip


def resolve_as_of(settings: Settings, ledger: Ledger, now: datetime) -> date:
    """The as-of of the settings.

    `latest` is the day after the last day on which an order became known: what models foresee is orders, and a day to which
    their feed has not come yet would pass for one on which nobody bought. It is tomorrow at most, whatever wrong clocks say.

    Args:
        settings: The as-of, and the zone of days.
        ledger: The tables.
        now: The moment, with its zone.

    Raises:
        ConfigError: If it lies in the future: what is derived then would pass for newer than all that comes until that day.
    """
    zone = ZoneInfo(settings.business_timezone)
    today = now.astimezone(zone).date()
    tomorrow = today + timedelta(1)
    if settings.as_of != "latest":
        if settings.as_of > tomorrow:
            raise ConfigError([f"as_of: {settings.as_of} lies in the future; give a day up to tomorrow, or latest"])
        return settings.as_of
    known = ledger.latest(ORDER_LINE, "known_at")
    if known is None:
        known = max((at for table in _SEEN if (at := ledger.latest(table, "known_at")) is not None), default=None)
    return today if known is None else min(known.astimezone(zone).date() + timedelta(1), tomorrow)
