"""What is done about reports of destinations: bounces, withdrawals, deliveries."""

from pydantic import Field

from personalake.config.base import Section


class ReceiptSettings(Section):
    """How receipts change what is known."""

    purposes: dict[str, str] = Field(
        {"email": "email_marketing", "push": "push_marketing", "sms": "sms_marketing"},
        description="Channel: the purpose that somebody withdraws who unsubscribes there, or complains",
    )
    hard_bounce_days: int | None = Field(
        None, ge=1, description="Days after which an address that bounced for good may be tried again; never by default"
    )
    unknown_user_days: int | None = Field(
        30, ge=1, description="Days after which a user is tried again whom an app did not know by that name; null: never"
    )
    rewards: dict[str, float] = Field(
        {"clicked": 1.0, "unsubscribed": -1.0, "complained": -1.0},
        description="Kind of receipt: what it is worth of a message that a decision asked for; others are worth 0",
    )
    look_back_days: int = Field(
        7, ge=0, description="How long a receipt waits for the log to name the delivery that it is about, days"
    )
