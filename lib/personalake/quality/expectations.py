"""An expectation is a predicate with a name and a severity; a row keeps all the reasons it breaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import Column
from pyspark.sql import functions as F

Severity = Literal["refuse", "warn", "ignore"]


@dataclass(frozen=True)
class Expectation:
    """What a valid row satisfies.

    Args:
        name: Short name by which a source can change the severity.
        predicate: Spark SQL that is true for a good row; null counts as good, since missing values have rules of their own.
        reason: What is wrong with a row that breaks it, as `field: what is wrong`.
        severity: `refuse` sends the row to quarantine, `warn` marks it, `ignore` does nothing.
    """

    name: str
    predicate: str
    reason: str
    severity: Severity = "refuse"

    def broken(self) -> Column:
        """The reason where the predicate is false, else null."""
        return F.when(~F.coalesce(F.expr(self.predicate), F.lit(True)), F.lit(self.reason))


def reasons(found: Sequence[Column]) -> Column:
    """The reasons that are not null, as one array."""
    return F.array_compact(F.array(*found)) if found else F.array().cast("array<string>")
