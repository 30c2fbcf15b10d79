"""Which texts Spark, in ANSI mode off, can make a number, day, time or truth of where it compares them with one."""

import re
import string
from decimal import Decimal

from sqlglot import exp

from personalake.config.sql_times import is_day, is_time

_WHOLE = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_FRACTION = re.compile(rf"{_DECIMAL.pattern}[df]?|[+-]?inf(inity)?|nan", re.IGNORECASE | re.ASCII)
_TRUTHS = frozenset({"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"})
# IN sets a column against texts as a text, and so asks for the one way in which Spark writes its values.
_WHOLE_AS_WRITTEN = re.compile(r"0|-?[1-9]\d*", re.ASCII)
_DECIMAL_AS_WRITTEN = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
_FRACTION_AS_WRITTEN = re.compile(r"-?\d+\.\d+(E-?\d+)?|-?Infinity|NaN", re.ASCII)
_TIMES = ("timestamp", "timestamptz", "timestampltz", "timestampntz")
# Of a decimal that does not say it.
_WIDTH = (10, 0)
_BITS = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
# What Spark takes off both ends of a text before it reads it: other than Python, no blank beyond ASCII.
_BLANKS = string.whitespace + "".join(map(chr, range(32)))


def fits(text: str, value: exp.Expr, as_written: bool = False) -> bool:
    """Whether a text in quotes can be compared with a value whose type is known.

    Args:
        text: The text.
        value: The value, with its type. How wide that is counts for columns: of what is reckoned the parser knows no more
            than the kind.
        as_written: Whether it must be as Spark writes such a value, see `IN`.

    >>> day, small = exp.column("day"), exp.column("small")
    >>> day.type, small.type = exp.DataType.build("date"), exp.DataType.build("tinyint")
    >>> fits("2026-1-5", day), fits("2026-W01-1", day), fits("2026-1-5", day, as_written=True), fits("128", small)
    (True, False, False, False)
    """
    kind = value.type
    if kind is None:
        return True
    read = text if as_written else text.strip(_BLANKS)
    if kind.is_type("date", *_TIMES):
        reads = is_day if kind.is_type("date") else is_time
        return reads(read, as_written) or (read.lower() == "epoch" and not as_written)
    if kind.is_type("boolean"):
        # Spark refuses IN with a text for these.
        return read.lower() in _TRUTHS and not as_written
    if not kind.is_type(*exp.DataType.NUMERIC_TYPES):
        return True
    is_number = _pattern(kind, as_written).fullmatch(read) is not None
    return is_number and (not isinstance(value, exp.Column) or _has_room(read, kind, as_written))


def _pattern(kind: exp.DataType, as_written: bool) -> re.Pattern[str]:
    if kind.is_type(*exp.DataType.INTEGER_TYPES):
        return _WHOLE_AS_WRITTEN if as_written else _WHOLE
    if kind.is_type("decimal"):
        # Beside a decimal with digits behind its point Spark makes a double of the text.
        is_double = not as_written and _width(kind)[1]
        return _DECIMAL_AS_WRITTEN if as_written else _FRACTION if is_double else _DECIMAL
    return _FRACTION_AS_WRITTEN if as_written else _FRACTION


def _has_room(number: str, kind: exp.DataType, as_written: bool) -> bool:
    """Whether a type is wide enough for a number; a decimal is written with all of its digits behind the point."""
    if kind.is_type("decimal"):
        precision, scale = _width(kind)
        if as_written:
            return len(number.partition(".")[2]) == scale
        # What is rounded up to one digit more is too much as well.
        return scale > 0 or Decimal(number).copy_abs() < Decimal("9" * precision + ".5")
    bits = next((bits for name, bits in _BITS.items() if kind.is_type(name)), None)
    if bits is None:
        return True
    digits = number.partition(".")[0].strip("+-").lstrip("0")
    # Python makes no number of thousands of digits.
    whole = int(digits or 0) if len(digits) <= bits else 1 << bits
    return whole < (1 << (bits - 1)) + number.startswith("-")


def _width(kind: exp.DataType) -> tuple[int, int]:
    """Digits of a decimal, and those of them behind its point."""
    precision, scale = [*(int(size.name) for size in kind.expressions), *_WIDTH[len(kind.expressions) :]]
    return precision, scale
