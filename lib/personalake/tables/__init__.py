"""Every table of the lake, declared once."""

from personalake.tables.audit import AUDIT
from personalake.tables.bronze import BRONZE
from personalake.tables.gold import GOLD
from personalake.tables.identity import IDENTITY
from personalake.tables.receipts import RECEIPTS
from personalake.tables.regions import REGIONS
from personalake.tables.schema import Field, Table
from personalake.tables.silver import SILVER
from personalake.tables.touchpoints import TOUCHPOINTS

ALL: tuple[Table, ...] = (*BRONZE, *SILVER, *TOUCHPOINTS, *RECEIPTS, *IDENTITY, *GOLD, *AUDIT, *REGIONS)
BY_NAME: dict[str, Table] = {table.full_name: table for table in ALL}

__all__ = [
    "ALL", "AUDIT", "BRONZE", "BY_NAME", "GOLD", "IDENTITY", "RECEIPTS", "REGIONS", "SILVER", "TOUCHPOINTS", "Field",
    "Table",
]  # fmt: skip
