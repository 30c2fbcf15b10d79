"""A table's declaration as delta-rs wants it: the Arrow schema, and the properties of the table."""

from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql.pandas.types import to_arrow_schema

from personalake.tables import Table

_NO_STATISTICS = {"delta.dataSkippingNumIndexedCols": "0"}


def delta_properties(table: Table) -> dict[str, str]:
    """Statistics are kept where reads are cut by them, and nowhere else."""
    return {"delta.dataSkippingStatsColumns": ",".join(table.indexed)} if table.indexed else _NO_STATISTICS


def arrow_schema(table: Table, columns: Sequence[str] | None = None) -> pa.Schema:
    """The declared schema for delta-rs, of all columns or a choice of them: UTC microseconds.

    Without comments: a table that exists keeps those it was created with, and rows that come with others are refused.
    """
    schema = to_arrow_schema(table.schema, timezone="UTC")
    return pa.schema([schema.field(name).remove_metadata() for name in (table.columns if columns is None else columns)])


def commented_schema(table: Table) -> pa.Schema:
    """The same of a table that is created: with what each column means."""
    told = {field.name: field.comment for field in table.fields}
    return pa.schema([column.with_metadata({"comment": told[column.name]}) for column in arrow_schema(table)])
