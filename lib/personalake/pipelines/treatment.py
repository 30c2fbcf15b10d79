"""Treats a table's rows as conf/quality.yml declares, on their way into the table, and writes down what was done."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from personalake.common.transformation import Transformation
from personalake.config.quality import TREATED
from personalake.pipelines.job import JobContext
from personalake.quality.treatments import DROPPED, MARKS, treated
from personalake.tables import Table
from personalake.tables.gold import DATA_HEALTH
from personalake.tables.health import QUALITY_MARK


@contextmanager
def treating(context: JobContext, rows: DataFrame, table: Table, job: str, as_ofs: Sequence[date]) -> Iterator[DataFrame]:
    """The rows as they are to be written: as they are where nothing is declared for the table, whose old marks go then.

    Args:
        context: What the job is given.
        rows: Rows of the table.
        table: The table that they are for.
        job: Name of the job, for `gold.data_health`.
        as_ofs: As-ofs that are written whole, whether or not any rows are left of them.

    Yields:
        The treated rows without those that are dropped. What was done is a row of `gold.data_health`: rows in = accepted +
        dropped, marks by column under `warnings`, dropped rows under `reasons`; and each mark of each row is a row of
        `gold.quality_mark`, in the place of those of the same as-ofs: rows that are gone, or are not treated any more, leave
        no mark behind.
    """
    declared = context.settings.quality.columns.get(table.full_name, ())
    if not declared:
        _forget_marks(context, table, as_ofs)
        yield rows
        return
    carries = any(it.impute is not None and it.impute.method == "forward" for it in declared)
    known = context.lake.read(table) if carries else None
    marked = treated(rows, declared, table.key, TREATED[table.full_name], known)
    marked = marked.persist(StorageLevel.MEMORY_AND_DISK_DESER)
    try:
        if not context.dry_run:
            _note(context, marked, table, job)
            _keep_marks(context, marked, table, as_ofs)
        yield marked.where(~F.col(DROPPED)).drop(DROPPED, MARKS)
    finally:
        marked.unpersist()


def row_by_row(context: JobContext, table: Table) -> Transformation:
    """Treatments of a stream's rows, each by itself; what was done joins the row's `warnings`."""
    declared = context.settings.quality.columns.get(table.full_name, ())

    def marked(rows: DataFrame) -> DataFrame:
        told = treated(rows, declared)
        return told.withColumn("warnings", F.concat("warnings", MARKS)).drop(MARKS, DROPPED)

    return marked if declared else lambda rows: rows


def _forget_marks(context: JobContext, table: Table, as_ofs: Sequence[date]) -> None:
    """Remove what earlier treatments left about rows that are written anew without any."""
    held = [("subject", "=", table.full_name), ("as_of", "in", list(as_ofs))]
    if context.lake.ledger.count(QUALITY_MARK, held):
        context.lake.delete(QUALITY_MARK, (F.col("subject") == table.full_name) & F.col("as_of").isin(*as_ofs))


def _keep_marks(context: JobContext, marked: DataFrame, table: Table, as_ofs: Sequence[date]) -> None:
    """Which rows were marked, and with what: who asks why a value looks as it does, finds out."""
    column, mark = F.split_part("told", F.lit(": "), F.lit(1)), F.expr("substring(told, length(`column`) + 3)")
    marks = (
        marked.select("person_id", "as_of", F.explode(MARKS).alias("told"))
        .withColumns({"subject": F.lit(table.full_name), "column": column})
        .withColumns({"mark": mark, "run_id": F.lit(context.run_id)})
        .select(*QUALITY_MARK.columns)
    )
    context.lake.replace_as_ofs(marks, QUALITY_MARK, as_ofs, f"subject = '{table.full_name}'")


def _note(context: JobContext, marked: DataFrame, table: Table, job: str) -> None:
    rows, dropped = marked.agg(F.count("*"), F.count_if(DROPPED)).collect()[0]
    accepted = marked.where(~F.col(DROPPED)).count()
    exploded = marked.select(DROPPED, F.explode(MARKS).alias("mark"))
    counted = exploded.groupBy("mark").count().collect()
    marks = {row["mark"]: row["count"] for row in counted}
    reasons = {mark: count for mark, count in marks.items() if mark.endswith("dropped")}
    row = {
        "job": job,
        "source": table.full_name,
        "batch_id": f"{job}/{table.full_name}/{context.as_of.isoformat()}/{context.run_id}",
        "run_id": context.run_id,
        "rows_in": rows,
        "rows_accepted": accepted,
        "rows_quarantined": dropped,
        "rows_duplicate": 0,
        "rows_late": 0,
        "balanced": rows == accepted + dropped,
        "reasons": reasons,
        "warnings": {mark: count for mark, count in marks.items() if mark not in reasons},
        "recorded_at": context.run_started_at,
    }
    context.lake.ledger.append(DATA_HEALTH, [row])
