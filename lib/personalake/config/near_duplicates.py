"""Rows of a table that are nearly the same as others: how they are found, and how many are too many."""

from typing import ClassVar

from pydantic import Field, field_validator

from personalake.config.base import Ordered
from personalake.config.sql import check_row


class NearDuplicates(Ordered):
    """How many rows may be nearly the same as an earlier one."""

    columns: tuple[str, ...] = Field(min_length=1, description="Columns of text that are compared, edits summed over them")
    block: str = Field(description="Spark SQL that two rows must share to be compared at all, e.g. postcode")
    most_edits: int = Field(2, ge=0, description="Edits (Levenshtein) up to which two rows are nearly the same")
    largest_block: int = Field(500, ge=2, description="Rows of a block beyond which its rows are not compared")
    tolerance: float = Field(0.01, ge=0, le=1, description="Share of such rows that is a pass")
    fail_beyond: float = Field(0.1, ge=0, le=1, description="Share beyond which it is a failure")

    @field_validator("block")
    @classmethod
    def _of_one_row(cls, block: str) -> str:
        check_row(block)
        return block

    in_order: ClassVar[tuple[str, str]] = ("tolerance", "fail_beyond")
