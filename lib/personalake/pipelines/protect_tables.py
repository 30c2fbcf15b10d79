"""Masks and grants of Unity Catalog from the tags, table by table: who may not see persons never sees any."""

from personalake.pipelines.job import JobContext, JobResult
from personalake.privacy.masking import protecting
from personalake.tables import ALL


def run(context: JobContext) -> JobResult:
    """Create what is not there yet, mask it, and only then let analysts read it; running it again changes nothing.

    The same as `resources/protect_tables.sql`, which stops at a table that is not there yet.
    """
    lake = context.lake
    if lake.locations.catalog is None:
        return JobResult(skipped=True, message="without a catalog there are no grants; personalake query masks persons")
    statements = protecting(context.settings.privacy.access)
    if context.dry_run:
        return JobResult(message=f"{len(statements):,} statements would be run in {lake.locations.catalog}")
    with context.progress.step(f"masks and grants in {lake.locations.catalog}"):
        for table in ALL:
            lake.create(table)
        lake.spark.sql(f"USE CATALOG `{lake.locations.catalog}`")
        for statement in statements:
            lake.spark.sql(statement)
    return JobResult(message=f"{len(ALL)} tables are masked and granted by {len(statements):,} statements")
