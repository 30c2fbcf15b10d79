"""The shape of a parametrised transformation."""

from collections.abc import Callable

from pyspark.sql import DataFrame

Transformation = Callable[[DataFrame], DataFrame]
