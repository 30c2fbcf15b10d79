"""One sender for each destination at a time, and one for all that people read, where that is capped."""

from contextlib import AbstractContextManager

from personalake.config import Settings
from personalake.lake import Lake
from personalake.lake.lease import Held, lease


def sending_lease(settings: Settings, lake: Lake, destination: str, run_id: str) -> AbstractContextManager[Held]:
    """Hold a destination; who comes second is told that it is being sent to.

    Args:
        settings: How leases are kept.
        lake: Where they lie.
        destination: Its name.
        run_id: Who holds it.

    Raises:
        LeaseHeldError: If somebody else holds it.
    """
    path = lake.locations.lease(f"send_activation.{destination}")
    return lease(path, run_id, settings.lease.heartbeat_seconds, settings.lease.stale_after_seconds)


def reading_lease(settings: Settings, lake: Lake, run_id: str) -> AbstractContextManager[Held]:
    """Hold all destinations whose messages people read: a cap over them counts only what one run sends.

    Raises:
        LeaseHeldError: If somebody else holds them.
    """
    path = lake.locations.lease("send_activation+frequency_cap")
    return lease(path, run_id, settings.lease.heartbeat_seconds, settings.lease.stale_after_seconds)
