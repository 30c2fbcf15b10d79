"""Watermarks of database sources: values of a column that grows, as text in tables and as literals in SQL."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from personalake.errors import InputError

Kind = Literal["instant", "local_time", "day", "number", "text"]
_AHEAD = timedelta(days=1)
# Python counts with 28 digits by default, databases with more.
_EXACT = Context(prec=80)


@dataclass(frozen=True)
class Watermark:
    """A value of the column by which new rows are told.

    Args:
        kind: What it is: a time with or without a zone, a day, a number, or a text that sorts.
        value: The value; an instant is in UTC.
    """

    kind: Kind
    value: Any

    @classmethod
    def of(cls, value: Any, column: str) -> "Watermark":
        """The watermark that a database gave.

        Args:
            value: What the driver made of it.
            column: Its column, for the message.

        Raises:
            InputError: If values of that type cannot tell what is new.
        """
        match value:
            case datetime(tzinfo=None):
                return cls("local_time", value)
            case datetime():
                return cls("instant", value.astimezone(UTC))
            case date():
                return cls("day", value)
            case bool() | float() | bytes():
                raise InputError(
                    f"Column {column} holds {type(value).__name__}s, which cannot tell what is new.",
                    "Name a time of change, a day, a whole number or a sortable text as watermark.",
                )
            case int() | Decimal():
                return cls("number", Decimal(value))
            case _:
                return cls("text", str(value))

    @classmethod
    def from_text(cls, kind: Kind, text: str) -> "Watermark":
        """What `text` wrote down.

        >>> Watermark.from_text("day", "2024-05-01").value
        datetime.date(2024, 5, 1)
        """
        match kind:
            case "instant" | "local_time":
                return cls(kind, datetime.fromisoformat(text))
            case "day":
                return cls(kind, date.fromisoformat(text))
            case "number":
                return cls(kind, Decimal(text))
        return cls(kind, text)

    @property
    def text(self) -> str:
        """The value as text, of which `from_text` makes it again.

        >>> Watermark("local_time", datetime(2024, 5, 1, 9)).text
        '2024-05-01 09:00:00.000000'
        """
        if isinstance(self.value, datetime):
            return self.value.isoformat(sep=" ", timespec="microseconds")
        if isinstance(self.value, date):
            return self.value.isoformat()
        return format(self.value, "f") if isinstance(self.value, Decimal) else str(self.value)

    @property
    def literal(self) -> str:
        """The value in SQL; a quoted text takes the type of the column with which it is compared.

        >>> Watermark("text", "it's").literal, Watermark("number", Decimal(7)).literal
        ("'it''s'", '7')
        """
        return self.text if self.kind == "number" else "'" + self.text.replace("'", "''") + "'"

    def back(self, overlap: int) -> "Watermark":
        """Where a read begins that looks behind this one.

        Args:
            overlap: Seconds of a time, steps of a number; a day or a text is looked at again as it is.
        """
        if self.kind in ("instant", "local_time"):
            return Watermark(self.kind, self.value - timedelta(seconds=overlap))
        return Watermark(self.kind, _EXACT.subtract(self.value, Decimal(overlap))) if self.kind == "number" else self

    def latest_at(self, now: datetime, time_zone: str) -> "Watermark | None":
        """The greatest value that is believed at a moment: what claims to be of later would hide all that comes until then.

        Args:
            now: The moment.
            time_zone: Zone of times that carry none.

        Returns:
            A day ahead of the moment; None where a value is no time.
        """
        local = (now + _AHEAD).astimezone(ZoneInfo(time_zone))
        match self.kind:
            case "instant":
                return Watermark(self.kind, local.astimezone(UTC))
            case "local_time":
                return Watermark(self.kind, local.replace(tzinfo=None))
            case "day":
                return Watermark(self.kind, local.date())
        return None

    def is_before(self, other: "Watermark") -> bool:
        """Whether this value is less than another of its kind."""
        return bool(self.value < other.value)
