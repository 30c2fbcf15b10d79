"""One sender for each destination at a time, and one for all that people read, where that is capped."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

from personalake.config import Settings
from personalake.lake import Lake
from personalake.lake.lease import Held, lease
from personalake.pipelines.caps_now import capped_destinations
from personalake.pipelines.job import JobContext

_JOB = "send_activation"


def sending_lease(
    settings: Settings, lake: Lake, destination: str, run_id: str, job: str = _JOB
) -> AbstractContextManager[Held]:
    """Hold a destination; who comes second is told that it is being sent to.

    Args:
        settings: How leases are kept.
        lake: Where they lie.
        destination: Its name.
        run_id: Who holds it.
        job: What they are doing there; named to who comes second.

    Raises:
        LeaseHeldError: If somebody else holds it.
    """
    path = lake.locations.lease(f"send_activation.{destination}")
    return lease(path, run_id, settings.lease.heartbeat_seconds, settings.lease.stale_after_seconds, job)


def reading_lease(settings: Settings, lake: Lake, run_id: str) -> AbstractContextManager[Held]:
    """Hold all destinations whose messages people read: a cap over them counts only what one run sends.

    Raises:
        LeaseHeldError: If somebody else holds them.
    """
    path = lake.locations.lease("send_activation+frequency_cap")
    return lease(path, run_id, settings.lease.heartbeat_seconds, settings.lease.stale_after_seconds, _JOB)


class Leases:
    """What this run holds: each destination, and once all that share the cap over what people read."""

    def __init__(self, context: JobContext, opened: ExitStack) -> None:
        self._context, self._opened = context, opened
        self._sharing = capped_destinations(context.settings)
        self._taken: dict[str, Held] = {}
        self._shared: Held | None = None

    def take(self, destination: str) -> None:
        """Hold a destination to the end of the run, and with it those that share the cap over what people read.

        Raises:
            LeaseHeldError: If somebody else holds one of them.
        """
        if destination in self._taken:
            return
        given = self._context
        if destination in self._sharing and self._shared is None:
            self._shared = self._opened.enter_context(reading_lease(given.settings, given.lake, given.run_id))
        held = sending_lease(given.settings, given.lake, destination, given.run_id)
        self._taken[destination] = self._opened.enter_context(held)

    @contextmanager
    def briefly(self, destination: str) -> Iterator[Callable[[], None]]:
        """Hold a destination to write down what is not sent to it; if it is being sent to from here, it is held already."""
        if destination in self._taken:
            yield partial(self.require, destination)
            return
        with sending_lease(self._context.settings, self._context.lake, destination, self._context.run_id) as held:
            yield held.require

    def require(self, destination: str) -> None:
        """Go on only if what was taken for a destination is still held: a run that stood still may have lost it.

        Raises:
            LeaseHeldError: If somebody else has it.
        """
        self._taken[destination].require()
        if destination in self._sharing and self._shared is not None:
            self._shared.require()
