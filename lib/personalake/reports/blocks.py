"""What a report is made of: sections of blocks, plain data that the page's template draws."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Tone = Literal["plain", "good", "alarm", "quiet"]


@dataclass(frozen=True)
class Cell:
    """One cell of a table that stands out."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Card:
    """One headline number."""

    label: str
    value: str
    note: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Cards:
    """Headline numbers side by side."""

    cards: Sequence[Card]
    kind: str = "cards"


@dataclass(frozen=True)
class Chart:
    """One picture.

    Args:
        title: What it shows.
        spec: Plotly's `data` and `layout`.
        summary: The picture in a sentence, for those who cannot see it.
        height: Height, pixels.
    """

    title: str
    spec: dict[str, Any]
    summary: str
    height: int = 320
    kind: str = "chart"


@dataclass(frozen=True)
class Grid:
    """Pictures side by side where there is room."""

    charts: Sequence[Chart]
    kind: str = "grid"


@dataclass(frozen=True)
class Table:
    """Rows and columns.

    Args:
        title: What it shows.
        head: Names of the columns.
        rows: The cells, as text.
        numeric: Columns that are set flush right.
        note: What a reader should know.
    """

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | Cell]]
    numeric: Sequence[str] = ()
    note: str = ""
    kind: str = "table"


@dataclass(frozen=True)
class Note:
    """A sentence or two."""

    text: str
    tone: Tone = "plain"
    kind: str = "note"


@dataclass(frozen=True)
class Excerpt:
    """Verbatim text, e.g. a payload."""

    title: str
    text: str
    kind: str = "excerpt"


Block = Cards | Chart | Grid | Table | Note | Excerpt


@dataclass(frozen=True)
class Section:
    """One question and its answer.

    Args:
        key: Anchor in the page.
        title: The question.
        lead: What a reader looks at, in a sentence.
        blocks: The answer.
    """

    key: str
    title: str
    lead: str
    blocks: Sequence[Block] = field(default_factory=tuple)


def nothing(why: str) -> tuple[Note, ...]:
    """The blocks of a section that has nothing to show."""
    return (Note(f"Nothing to show yet. {why}", "quiet"),)
