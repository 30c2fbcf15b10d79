"""What a source adapter asks the lake to read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql.types import StructType


@dataclass(frozen=True)
class ReadSpec:
    """What to read, as a source adapter describes it; nothing is read until the lake executes it.

    Args:
        format: Spark's name of the format.
        options: Reader options.
        schema: Schema for formats that need one.
        path: Folder, for file sources.
    """

    format: str
    options: Mapping[str, str] = field(default_factory=dict)
    schema: StructType | None = None
    path: str | None = None
