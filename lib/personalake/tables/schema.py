"""What a table declaration is made of."""

from dataclasses import dataclass, field
from functools import cached_property

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

# What reads are cut by: time, batch, source.
_INDEXED = ("as_of", "batch_id", "known_at", "logged_at", "occurred_at", "source")

# How long rows are kept where a table does not say otherwise: two years of what arrived, three of what was made of it.
RETENTION_DAYS = {"bronze": 730, "silver": 1095, "gold": 1095}

# Spark parses DDL only with a session; declarations must stand without one.
_TYPES: dict[str, DataType] = {
    "string": StringType(),
    "int": IntegerType(),
    "bigint": LongType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "date": DateType(),
    "timestamp": TimestampType(),
    "decimal(12,3)": DecimalType(12, 3),
    "decimal(18,2)": DecimalType(18, 2),
    "array<string>": ArrayType(StringType()),
    "array<bigint>": ArrayType(LongType()),
    "map<string,double>": MapType(StringType(), DoubleType()),
    "map<string,string>": MapType(StringType(), StringType()),
    "map<string,bigint>": MapType(StringType(), LongType()),
    "array<struct<feature:string,value:double,effect:double,words:string>>": ArrayType(
        StructType(
            [
                StructField("feature", StringType()),
                StructField("value", DoubleType()),
                StructField("effect", DoubleType()),
                StructField("words", StringType()),
            ]
        )
    ),
}


@dataclass(frozen=True)
class Field:
    """One column: its name, Spark DDL type, and what it means (with the unit).

    Args:
        name: Column name.
        type: Spark DDL type, e.g. `decimal(18,2)`.
        comment: Meaning and unit, shown in the table dictionary and in the catalog.
        pii: Kind of personal data held (`identifier`, `demographic`, `payload`), None where there is none.
        purposes: Consent purposes needed before the column may leave through a destination.
    """

    name: str
    type: str
    comment: str
    pii: str | None = None
    purposes: tuple[str, ...] = ()

    @property
    def data_type(self) -> DataType:
        """The Spark type; a `KeyError` names a type that no table has used so far."""
        return _TYPES[self.type]


@dataclass(frozen=True)
class Table:
    """One Delta table: its place, grain, key, and fields.

    Args:
        layer: `bronze`, `silver` or `gold`.
        name: Table name, a singular noun.
        grain: What one row is, in a sentence.
        key: Columns that identify a row; empty for pure logs.
        fields: The columns, in order.
        clustering: Liquid clustering columns, for tables that grow large.
        run_columns: Columns that differ between equal runs, left out of checksums.
        aged_by: Column that says how old a row is: `maintain_tables` removes what is older than `retention_days`. None for
            what is rebuilt from other rows, stands until it is replaced, or must be kept as proof; erasure reaches it, too.
        retention_days: How long rows are kept; by layer where nothing is said.
    """

    layer: str
    name: str
    grain: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    clustering: tuple[str, ...] = ()
    run_columns: tuple[str, ...] = field(default=())
    retention_days: int | None = None
    aged_by: str | None = None

    @property
    def full_name(self) -> str:
        """`layer.name`, as jobs and SQL call it."""
        return f"{self.layer}.{self.name}"

    @property
    def kept_days(self) -> int:
        """How long rows are kept, days."""
        return RETENTION_DAYS[self.layer] if self.retention_days is None else self.retention_days

    @property
    def kept(self) -> str:
        """How long rows are kept, in words."""
        return f"{self.kept_days:,} days after `{self.aged_by}`" if self.aged_by else "until replaced or erased"

    @property
    def indexed(self) -> tuple[str, ...]:
        """Columns whose least and greatest values each file's log entry tells; never personal data.

        Statistics of every column cost more than they save, and would repeat identifiers in the log.
        """
        chosen = {*self.clustering, *_INDEXED}
        return tuple(column.name for column in self.fields if column.name in chosen and column.pii is None)

    @property
    def columns(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(column.name for column in self.fields)

    @cached_property
    def schema(self) -> StructType:
        """The Spark schema, with each comment in the field's metadata; every column nullable, as Delta stores it."""
        return StructType(
            [StructField(column.name, column.data_type, True, {"comment": column.comment}) for column in self.fields]
        )
