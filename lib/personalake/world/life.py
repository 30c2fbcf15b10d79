"""What happened to everyone, before any system noted it down; computed where it is first needed."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession

from personalake.world.activity import activity
from personalake.world.customer_feeds import customer_records
from personalake.world.mails import messages
from personalake.world.orders import order_lines
from personalake.world.settings import WorldSettings
from personalake.world.voices import mentions, tickets
from personalake.world.web import clicks, sessions
from personalake.world.wishes import wishes

Hold = Callable[[DataFrame], DataFrame]


def as_drawn(rows: DataFrame) -> DataFrame:
    """Rows that are drawn anew by whoever reads them."""
    return rows


def kept(rows: DataFrame) -> DataFrame:
    """Rows that are drawn now, and kept: no later plan has theirs in it."""
    return rows.localCheckpoint()


@dataclass(frozen=True)
class Life:
    """The frames that several feeds and truths are drawn from.

    Args:
        settings: The world.
        everyone: Rows of `everyone`.
        hold: What becomes of each frame before others are drawn from it, e.g. `kept`.
    """

    settings: WorldSettings
    everyone: DataFrame
    hold: Hold = as_drawn

    @property
    def spark(self) -> SparkSession:
        """The session."""
        return self.everyone.sparkSession

    @cached_property
    def activity(self) -> DataFrame:
        """The days on which anything happened."""
        return self.hold(activity(self.everyone, self.settings))

    @cached_property
    def order_lines(self) -> DataFrame:
        """What was bought and brought back."""
        return self.hold(order_lines(self.activity, self.settings))

    @cached_property
    def sessions(self) -> DataFrame:
        """Visits to the web shop and the app."""
        return self.hold(sessions(self.activity, self.settings))

    @cached_property
    def clicks(self) -> DataFrame:
        """The steps of recorded visits."""
        return self.hold(clicks(self.sessions, self.settings))

    @cached_property
    def messages(self) -> DataFrame:
        """E-mails sent."""
        return self.hold(messages(self.everyone, self.settings))

    @cached_property
    def tickets(self) -> DataFrame:
        """Support tickets with the mood behind them."""
        return self.hold(tickets(self.everyone, self.settings))

    @cached_property
    def mentions(self) -> DataFrame:
        """Mentions on social networks with whose they are."""
        return self.hold(mentions(self.everyone, self.settings))

    @cached_property
    def wishes(self) -> DataFrame:
        """What people wish, change by change."""
        return self.hold(wishes(self.everyone, self.settings))

    @cached_property
    def records(self) -> DataFrame:
        """Customer records of all systems."""
        return self.hold(customer_records(self.everyone, self.settings))
