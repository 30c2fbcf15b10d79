"""Templates filled for many people, by Arrow: a column of bodies, and a column of reasons why there is none."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.types import StringType, StructType

from personalake.activation.templates.bodies import body_of
from personalake.activation.templates.rendering import Refusal, render
from personalake.config.templates import Template

BODY, UNSAID, LOCALE, VARIABLE = "body", "unsaid", "_locale", "_said_"


@dataclass(frozen=True)
class Saying:
    """What is said, and to which kind of destination.

    Args:
        kind: Kind of the connection.
        template: The template.
        variables: Variables that are given, each in a column `_said_<name>`.
    """

    kind: str
    template: Template
    variables: Sequence[str]


def filled(saying: Saying, batch: pa.RecordBatch) -> pa.RecordBatch:
    """A batch without the columns of variables, and with `body` (JSON) and `unsaid`.

    Args:
        saying: What is said.
        batch: Rows with `refusal`, `_locale` and the variables; of a row that is refused already, nothing is said.
    """
    given = [LOCALE, *(f"{VARIABLE}{name}" for name in saying.variables)]
    kept = [name for name in batch.schema.names if name not in given]
    told = [
        _said(saying, row) if row["refusal"] is None else (None, None)
        for row in batch.select(["refusal", *given]).to_pylist()
    ]
    columns = [pa.array([row[place] for row in told], pa.string()) for place in (0, 1)]
    return pa.RecordBatch.from_arrays([*batch.select(kept).columns, *columns], [*kept, BODY, UNSAID])


def _said(saying: Saying, row: dict[str, object]) -> tuple[str | None, str | None]:
    locale = row[LOCALE]
    said = render(
        saying.template,
        None if locale is None else str(locale),
        {name: row[f"{VARIABLE}{name}"] for name in saying.variables},
    )
    if isinstance(said, Refusal):
        return None, said.reason
    return json.dumps(body_of(saying.kind, said), ensure_ascii=False, separators=(",", ":")), None


def with_bodies(rows: DataFrame, saying: Saying) -> DataFrame:
    """Fill a template for each row that is not refused, see `filled`."""
    given = {LOCALE, *(f"{VARIABLE}{name}" for name in saying.variables)}
    schema = StructType([field for field in rows.schema.fields if field.name not in given])
    for name in (BODY, UNSAID):
        schema = schema.add(name, StringType())

    def fill(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (filled(saying, batch) for batch in batches)

    return rows.mapInArrow(fill, schema)
