"""Where tables, checkpoints and leases lie."""

from dataclasses import dataclass
from pathlib import Path

from personalake.config import Settings
from personalake.tables import Table


@dataclass(frozen=True)
class Locations:
    """Places below one root; with a catalog, tables go by name instead.

    Args:
        root: Folder of the lake.
        catalog: Unity Catalog, or None for folders.
    """

    root: Path
    catalog: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Locations":
        """The locations that the settings name, absolute."""
        return cls(settings.root.expanduser().resolve(), settings.catalog)

    @classmethod
    def of_handover(cls, settings: Settings, region: str) -> "Locations | None":
        """Where a region leaves figures for the centre, and the centre finds them; None unless the set-up is hybrid.

        It is the one place that both know: neither has a path into the other's lake.
        """
        regions = settings.regions
        if regions.mode != "hybrid" or regions.handover is None or region not in regions.names:
            return None
        catalog = f"{regions.handover_catalog}_{region}" if settings.catalog else None
        return cls(regions.handover.expanduser().resolve() / region, catalog)

    def table(self, table: Table) -> str:
        """Folder of a table."""
        return str(self.root / table.layer / table.name)

    def identifier(self, table: Table) -> str:
        """How Spark SQL names the table."""
        if self.catalog:
            return f"{self.catalog}.{table.layer}.{table.name}"
        return f"delta.`{self.table(table)}`"

    def checkpoint(self, job: str, source: str) -> Path:
        """Folder of a stream's checkpoint."""
        return self.root / "_checkpoints" / job / source

    def inbox(self, source: str) -> Path:
        """Folder of the checked files of a source; streams read here."""
        return self.root / "_inbox" / source

    def log(self, name: str) -> Path:
        """A log file; traces go here, and what the JVM says."""
        return self.root / "_logs" / f"{name}.log"

    def lease(self, job: str) -> Path:
        """The lease file of a job."""
        return self.root / "_leases" / f"{job}.json"
