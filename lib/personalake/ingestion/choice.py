"""Which rows of what arrived are a source's own: those of one kind among several, and one for each element of an array."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType

from personalake.common.transformation import Transformation
from personalake.config.sources import ELEMENT, POSITION, Source
from personalake.config.sql import columns_of
from personalake.ingestion.parsing import CORRUPT, raw_columns

_OURS = "_ours"


def one_per_element(source: Source) -> Transformation:
    """One row for each element of the source's array; its payload is the whole one after `_element` and `_position`."""
    if source.each is None:
        return lambda rows: rows
    elements = F.from_json(F.expr(source.each), ArrayType(StringType()))
    named = F.to_json(F.struct(F.col(ELEMENT), (F.col(POSITION) + 1).cast("string").alias(POSITION)))
    before = F.substring(named, F.lit(1), F.length(named) - 1)
    joined = F.concat(before, F.lit(","), F.substring(F.trim("payload"), F.lit(2), F.length("payload")))
    payload = F.when(F.col(ELEMENT).isNull(), F.col("payload")).otherwise(joined)
    return lambda rows: (
        _with_raw(rows, source.each or "")
        .select(f"{_OURS}.*", F.posexplode_outer(elements).alias(POSITION, ELEMENT))
        .withColumn("payload", payload)
        .drop(POSITION, ELEMENT)
    )


def only_where(source: Source) -> Transformation:
    """The rows for which the source's condition holds, and those that cannot be read: they are refused and counted later."""
    if source.where is None:
        return lambda rows: rows
    kept = F.col(CORRUPT).isNotNull() | F.expr(source.where)
    return lambda rows: _with_raw(rows, source.where or "").where(kept).select(f"{_OURS}.*")


def _with_raw(rows: DataFrame, expression: str) -> DataFrame:
    """The columns that an expression reads beside ours, which step aside: a source may have columns of the same names."""
    raw = F.inline(F.array(raw_columns(columns_of(expression))))
    return rows.select(F.struct(*rows.columns).alias(_OURS), "payload").select(_OURS, raw)
