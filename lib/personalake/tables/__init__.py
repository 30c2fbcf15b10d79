"""Every table of the lake, declared once."""

from personalake.tables.activation import ACTIVATION
from personalake.tables.audit import AUDIT
from personalake.tables.bronze import BRONZE
from personalake.tables.context import CONTEXT
from personalake.tables.erasure import ERASURE
from personalake.tables.gold import GOLD
from personalake.tables.health import HEALTH
from personalake.tables.identity import IDENTITY
from personalake.tables.journeys import JOURNEYS
from personalake.tables.privacy import PRIVACY
from personalake.tables.receipts import RECEIPTS
from personalake.tables.regions import REGIONS
from personalake.tables.schema import Field, Table
from personalake.tables.silver import SILVER
from personalake.tables.touchpoints import TOUCHPOINTS

ALL: tuple[Table, ...] = (
    *BRONZE, *SILVER, *TOUCHPOINTS, *RECEIPTS, *PRIVACY, *IDENTITY, *GOLD, *ACTIVATION, *JOURNEYS, *HEALTH, *AUDIT,
    *CONTEXT, *REGIONS, *ERASURE,
)  # fmt: skip
BY_NAME: dict[str, Table] = {table.full_name: table for table in ALL}

__all__ = ["ALL", "BY_NAME", "SILVER", "TOUCHPOINTS", "Field", "Table"]
