"""The little Markdown that generated documents are made of."""

from collections.abc import Iterable, Sequence


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""A Markdown table; bars, and what a browser would take for a tag, are escaped.

    >>> print(markdown_table(("a", "b"), [("1", "x|y")]))
    | a | b |
    |---|---|
    | 1 | x\|y |
    """
    lines = [header, ["---"] * len(header), *rows]
    shown = ["| " + " | ".join(map(_escaped, line)) + " |" for line in lines]
    shown[1] = "|" + "---|" * len(header)
    return "\n".join(shown)


def _escaped(cell: str) -> str:
    outside_code = [part if index % 2 else part.replace("<", "&lt;") for index, part in enumerate(cell.split("`"))]
    return "`".join(outside_code).replace("|", "\\|")
