"""The time of this machine, for sending; rooms take their time as an argument."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Now, and waiting for real."""

    def now(self) -> datetime:
        """The time of day, UTC."""
        return datetime.now(UTC)

    def ticks(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
