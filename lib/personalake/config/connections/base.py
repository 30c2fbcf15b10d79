"""What the settings of all connections have in common."""

from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

from pydantic import Field, model_validator

from personalake.config.base import Section

# How the addresses of ways begin that anyone between can read along.
_IN_CLEAR = ("http://", "abfs://", "hdfs://", "ftp://")
UnknownPolicy = Literal["resend_same_key", "hold", "at_least_once"]
Deduplication = Literal["none", "item_key", "request_key", "natural"]


class Promise(NamedTuple):
    """What a destination can be relied on for.

    Args:
        deduplication: What makes a repetition harmless there: a key in each item, a key of the request, the nature of the
            operation (the same row twice is one row), or nothing.
        guarantee: What follows from that, in a sentence.
    """

    deduplication: Deduplication
    guarantee: str


class Rate(Section):
    """How much may leave in a time."""

    amount: int = Field(ge=1, description="How many")
    per_seconds: float = Field(1, gt=0, description="In how many seconds")
    of: Literal["requests", "items", "bytes"] = Field("requests", description="What is counted")

    def __str__(self) -> str:
        return f"{self.amount} {self.of} in {self.per_seconds:g} s"


class Patience(Section):
    """Time-outs and retries."""

    connect_seconds: float = Field(10, gt=0, description="Longest wait for a connection, seconds")
    reply_seconds: float = Field(30, gt=0, description="Longest wait for a whole reply; then it counts as lost, seconds")
    max_tries: int = Field(8, ge=1, description="Tries of one request in a run; what is left then stays pending")
    first_wait_seconds: float = Field(1, gt=0, description="Bound of the first wait between tries; it doubles each time")
    max_wait_seconds: float = Field(
        300, gt=0, description="Longest wait; who asks for more is left alone for this run, seconds"
    )
    pause_seconds: float = Field(
        0, ge=0, description="Least pause after `too many requests` without a time to wait, seconds"
    )
    lost_statuses: tuple[int, ...] = Field(
        (502, 504, 520, 522, 524, 598, 599),
        description="HTTP statuses of a gateway or proxy that cannot say whether the request was taken",
    )
    max_reply_bytes: int = Field(
        16_000_000, ge=10_000, description="Bytes of one reply, unpacked; a longer one is not read and counts as lost"
    )
    poll_seconds: float = Field(5, gt=0, description="Interval at which the results of a queued request are asked for")
    poll_limit_seconds: float = Field(1800, gt=0, description="After this they stay accepted, not confirmed, seconds")


class Bounds(Section):
    """When sending stops, rather than warns."""

    max_deliveries: int | None = Field(None, ge=0, description="Deliveries in one run; a larger plan does not start")
    max_removals: int | None = Field(None, ge=0, description="Removals in one run; a larger plan does not start")
    max_in_window: int | None = Field(None, ge=1, description="Deliveries in any window of `window_seconds`, over all runs")
    window_seconds: float = Field(900, gt=0, description="Length of that window, seconds")
    open_after_failures: int = Field(
        5, ge=1, description="Requests in a row that fail or lose their reply, after which the destination is left alone"
    )
    open_after_rejections: int = Field(
        1_000, ge=1, description="Items in a row that are refused while none is taken, after which it is left alone"
    )
    open_after_no_mailbox: int | None = Field(
        20,
        ge=1,
        le=25,
        description="E-mail: so many of 25 answers in a row that an address is unknown, after which the relay is left alone "
        "and none of them counts as bounced; null believes all of them",
    )


class Connection(Section):
    """How one destination is reached, and how carefully."""

    enabled: bool = Field(True, description="False leaves the connection alone")
    max_items: int | None = Field(None, ge=1, description="Items in one request or file")
    max_bytes: int | None = Field(None, ge=1, description="Bytes in one request or file")
    max_item_bytes: int | None = Field(None, ge=1, description="Bytes of one item; a larger one is rejected")
    rates: tuple[Rate, ...] = Field((), description="How much may leave in a time; all of them hold")
    max_in_flight: int = Field(8, ge=1, description="Requests at the same time")
    seconds_per_call: float = Field(0.25, gt=0, description="How long a request takes, for estimates of plans, seconds")
    chunk_items: int = Field(
        20_000,
        ge=1,
        description="Deliveries that are claimed together, at most; where `unknown` is hold, ten seconds of sending",
    )
    recheck_seconds: float = Field(
        2, ge=0, description="Consent is asked again before a request if the last look is older, seconds"
    )
    unknown: UnknownPolicy = Field("hold", description="What is done about a lost reply")
    patience: Patience = Patience()
    bounds: Bounds = Bounds()

    promise: ClassVar[Promise] = Promise("none", "at most once")
    # Whether it says later, by the reference that it gave, if a deletion is done.
    tells_of_deletions: ClassVar[bool] = False

    @property
    def promised(self) -> Promise:
        """What can be relied on with these settings."""
        return self.promise

    @property
    def local_folder(self) -> Path | None:
        """The folder of this machine in which its files lie; None for all that leaves it."""
        return None

    @property
    def is_encrypted(self) -> bool:
        """Whether all that is sent travels by TLS or SSH, or stays on this machine's disks."""
        texts = [value for value in vars(self).values() if isinstance(value, str)]
        return not any(text.startswith(_IN_CLEAR) or "scheme=http&" in f"{text}&" for text in texts)

    @model_validator(mode="after")
    def _honest_policy(self) -> "Connection":
        if self.unknown == "resend_same_key" and self.promised.deduplication == "none":
            raise ValueError(
                "unknown is resend_same_key, but this destination honours no key: "
                "hold reports a lost reply, at_least_once sends again and may repeat"
            )
        return self

    @model_validator(mode="after")
    def _one_item_fits(self) -> "Connection":
        if self.max_bytes is not None and self.max_item_bytes is not None and self.max_item_bytes > self.max_bytes:
            raise ValueError(f"max_item_bytes ({self.max_item_bytes}) is above max_bytes ({self.max_bytes})")
        return self
