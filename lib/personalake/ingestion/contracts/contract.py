"""What a contract is made of."""

from dataclasses import dataclass
from typing import Literal

from personalake.quality.expectations import Expectation, Severity
from personalake.tables import Table

Kind = Literal["event", "record"]


@dataclass(frozen=True)
class ContractField:
    """One field that a source can fill.

    Args:
        name: Name of the field, and of the column in silver.
        type: Spark type that the raw string must be castable to.
        required: Whether a row without it is refused.
        default: Spark SQL used where the source maps nothing onto the field, or a row leaves it blank.
        blank: Spark SQL used in the place of `default` where the source maps the field and a row leaves it blank.
        noun: What the type is called in a reason, e.g. `number`.
        form: Spark SQL that gives every spelling of a value one form; `{text}` is what the source says, trimmed.
        unless: Spark SQL for rows that stand, with a warning, though the field is missing or cannot be read.
        instead: Spark SQL for the value of the field in such a row.
        is_day: Whether a text is a day: a source may say its `format`, by which it becomes ISO; what does not fit stays.
    """

    name: str
    type: str = "string"
    required: bool = False
    default: str = "NULL"
    blank: str = ""
    noun: str = "text"
    form: str = "{text}"
    unless: str = ""
    instead: str = "NULL"
    is_day: bool = False


@dataclass(frozen=True)
class Reference:
    """A value that should be known to another table; only checked once that table has rows.

    Args:
        name: Name by which a source can change the severity.
        field: Field of this contract.
        table: Table that should know the value.
        column: Column of that table.
        reason: What is wrong with a row that breaks it.
        severity: What happens to it.
    """

    name: str
    field: str
    table: Table
    column: str
    reason: str
    severity: Severity = "warn"


@dataclass(frozen=True)
class Contract:
    """One kind of row.

    Args:
        name: Name that sources refer to.
        kind: `event` rows come through bronze.event, `record` rows through bronze.record.
        table: Silver table of the accepted rows.
        row_id: Field that identifies a row across runs.
        fields: What a source can fill.
        expectations: What a valid row satisfies.
        references: Values that other tables should know.
        versions_of: Fields that say what a row is a version of, beside its source; none if each row stands for itself.
    """

    name: str
    kind: Kind
    table: Table
    row_id: str
    fields: tuple[ContractField, ...]
    expectations: tuple[Expectation, ...] = ()
    references: tuple[Reference, ...] = ()
    versions_of: tuple[str, ...] = ()
