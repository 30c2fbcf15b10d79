"""What a failure nobody foresaw may say: where it was, and what kind, without the values that were at hand."""

import logging
import re
import traceback
from types import TracebackType

from personalake.tables import ALL

HIDDEN = "[…]"
_NAMES = {table.name for table in ALL} | {table.full_name for table in ALL} | {name for it in ALL for name in it.columns}
_TYPES = re.compile(
    r"(STRING|BOOLEAN|(BIG)?INT|DOUBLE|FLOAT|DATE|TIMESTAMP|BINARY|DECIMAL\(\d+,\d+\)|int|str|float|bytes|None)"
)
# A path leads to the file that is meant; an address or a number in it would be a source's own naming.
_PATH = re.compile(r"(file:)?/[\w./=+-]*")
# A quote opens where no letter stands before it, and closes where none follows: apostrophes do neither. What is between may
# have lines of its own; one that is never closed hides the rest of its line.
_QUOTED = re.compile(
    r"""(?<![A-Za-z0-9])(?:'([^']*(?:'(?=[A-Za-z0-9])[^']*)*)'(?![A-Za-z0-9])"""
    r"""|"([^"]*(?:"(?=[A-Za-z0-9])[^"]*)*)"(?![A-Za-z0-9])|['"][^\n]*)"""
)
# What databases say of the row that they refused, or of the statement: nothing of it is quoted, and it goes on to the end.
_OF_A_ROW = re.compile(
    r"(?P<label>(?m:^\s*(?:detail|hint|context|where|query|statement|line \d+):)|\bdetail:|\bfailing row contains"
    r"|\bkey \([^()]*\)=).*",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS = re.compile(r"[^\s'\"=,;:<>()\[\]]+@[^\s'\"=,;:<>()\[\]]+")
_NUMBER = re.compile(r"(?<![\w.-])\+?\d(?:[ ()/-]{0,2}\d){6,}(?![\w-])")
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def without_values(text: str) -> str:
    """A message without what may be somebody's: quoted values, rows that a database refused, addresses, long numbers.

    Names of tables, columns and types stay, and so do paths.

    >>> without_values("invalid literal for int() with base 10: 'Annelorna' in 'order_line'")
    "invalid literal for int() with base 10: […] in 'order_line'"
    """
    told = _QUOTED.sub(_known, _OF_A_ROW.sub(rf"\g<label> {HIDDEN}", text))
    return _NUMBER.sub(HIDDEN, _ADDRESS.sub(HIDDEN, told))


def _known(quoted: re.Match[str]) -> str:
    inside = quoted[1] if quoted[1] is not None else quoted[2]
    if inside is None:
        return HIDDEN
    is_known = not inside or inside in _NAMES or _TYPES.fullmatch(inside) or _PATH.fullmatch(inside)
    return quoted[0] if is_known else HIDDEN


class DiscreetFormatter(logging.Formatter):
    """Writes log lines without addresses and long numbers, and traces without any value that an exception repeats."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        record.exc_text = None  # another handler may have left it there
        record.message = record.getMessage()
        told = _NUMBER.sub(HIDDEN, _ADDRESS.sub(HIDDEN, record.message))
        shown = logging.makeLogRecord({**record.__dict__, "msg": told, "args": None})
        return super().format(shown)

    def formatException(self, ei: _Raised) -> str:
        """A trace and those that led to it; frames whole, messages without values."""
        return "" if ei[1] is None else "".join(_told(ei[1], set())).rstrip("\n")


def _told(error: BaseException, seen: set[int]) -> list[str]:
    seen.add(id(error))
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    before = [*_told(earlier, seen), "\nThen:\n\n"] if earlier is not None and id(earlier) not in seen else []
    frames = traceback.format_tb(error.__traceback__)
    return [*before, "Traceback (most recent call last):\n", *frames, f"{said_of(error)}\n"]


def said_of(error: BaseException) -> str:
    """Kind and message of an exception, without values."""
    return f"{type(error).__name__}: {without_values(str(error))}"
