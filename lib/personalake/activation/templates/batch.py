"""Templates filled for many people, by Arrow: a column of items, and a column of refusals."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StringType, StructType

from personalake.activation.templates.payloads import message_payloads
from personalake.activation.templates.rendering import Refusal
from personalake.common.transformation import Transformation
from personalake.config.templates import Template

COLUMNS = ("operation", "payload", "refusal")


def filled(
    kind: str, batch: pa.RecordBatch, templates: Mapping[str, Template], fixed: Mapping[str, Any] | None = None
) -> pa.RecordBatch:
    """A batch of rows with `operation`, `payload` (JSON) and `refusal` behind its columns.

    Args:
        kind: Kind of the connection.
        batch: Rows as `message_payloads` wants them.
        templates: By name.
        fixed: What all items of a sync share.
    """
    found = [
        (None, None, item.reason)
        if isinstance(item, Refusal)
        else (item.operation, json.dumps(item.payload, ensure_ascii=False, separators=(",", ":")), None)
        for item in message_payloads(kind, batch.to_pylist(), templates, fixed)
    ]
    columns = [pa.array([row[place] for row in found], pa.string()) for place in range(len(COLUMNS))]
    return pa.RecordBatch.from_arrays([*batch.columns, *columns], [*batch.schema.names, *COLUMNS])


def with_messages(kind: str, templates: Mapping[str, Template], fixed: Mapping[str, Any] | None = None) -> Transformation:
    """Add `operation`, `payload` and `refusal` to rows with `template`, `to`, perhaps `locale`, and the variables.

    Args:
        kind: Kind of the connection.
        templates: By name.
        fixed: What all items of a sync share.
    """

    def fill(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return (filled(kind, batch, templates, fixed) for batch in batches)

    def added(rows: Any) -> Any:
        schema = StructType(list(rows.schema.fields))
        for name in COLUMNS:
            schema = schema.add(name, StringType())
        return rows.mapInArrow(fill, schema)

    return added
