"""Rows against a table's declaration, all differences in one error."""

from pyspark.sql import DataFrame

from personalake.errors import TableMismatchError
from personalake.tables import Table


def require_fit(rows: DataFrame, table: Table) -> None:
    """Check that rows have exactly the declared columns and types; order and nullability do not matter.

    Raises:
        TableMismatchError: With every missing, unknown and differently typed column.
    """
    found = {column.name: column.dataType.simpleString() for column in rows.schema.fields}
    declared = {column.name: column.data_type.simpleString() for column in table.fields}
    differences = [f"{name} is missing" for name in declared if name not in found]
    differences += [f"{name} is not declared" for name in found if name not in declared]
    differences += [
        f"{name} is {found[name]}, declared {declared[name]}"
        for name in declared
        if name in found and found[name] != declared[name]
    ]
    if differences:
        raise TableMismatchError(
            f"Rows for {table.full_name} do not fit its declaration: {'; '.join(differences)}.",
            f"Change the rows, or the declaration in tables/{table.layer}.py.",
        )
