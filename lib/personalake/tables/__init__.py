"""Every table of the lake, declared once."""

from personalake.tables.bronze import BRONZE
from personalake.tables.gold import GOLD
from personalake.tables.health import HEALTH
from personalake.tables.identity import IDENTITY
from personalake.tables.journeys import JOURNEYS
from personalake.tables.schema import Field, Table
from personalake.tables.silver import SILVER
from personalake.tables.touchpoints import TOUCHPOINTS

ALL: tuple[Table, ...] = (*BRONZE, *SILVER, *TOUCHPOINTS, *IDENTITY, *GOLD, *JOURNEYS, *HEALTH)
BY_NAME: dict[str, Table] = {table.full_name: table for table in ALL}

__all__ = ["ALL", "BRONZE", "BY_NAME", "GOLD", "HEALTH", "IDENTITY", "JOURNEYS", "SILVER", "TOUCHPOINTS", "Field", "Table"]
