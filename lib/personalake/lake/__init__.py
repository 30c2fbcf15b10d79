"""The lake: the only place that reads and writes Delta tables and streams."""

from personalake.lake.lake import Lake, WriteResult
from personalake.lake.ledger import Ledger
from personalake.lake.locations import Locations

__all__ = ["Lake", "Ledger", "Locations", "WriteResult"]
