"""Texts that an expression is, whatever the row, as far as they are seen without a session."""

from sqlglot import exp

# What may be such a text.
TEXTS = (
    *(exp.Literal, exp.RawString, exp.Paren, exp.Cast, exp.Lower, exp.Upper, exp.Initcap, exp.Trim),
    *(exp.Concat, exp.DPipe, exp.Coalesce),
)


def text_of(value: exp.Expr | None) -> str | None:
    """The text that an expression is: one in quotes, or put together of such; none where a row has a say in it.

    >>> import sqlglot
    >>> [text_of(sqlglot.parse_one(sql, read="spark")) for sql in ("lower('TO' || 'day')", "coalesce(NULL, r'a')", "city")]
    ['today', 'a', None]
    """
    if isinstance(value, exp.RawString) or (isinstance(value, exp.Literal) and value.is_string):
        return str(value.name)
    if isinstance(value, exp.Coalesce):
        return text_of(next((part for part in (value.this, *value.expressions) if not isinstance(part, exp.Null)), None))
    if isinstance(value, exp.Concat | exp.DPipe):
        sides = value.expressions if isinstance(value, exp.Concat) else (value.this, value.expression)
        parts = [part for part in map(text_of, sides) if part is not None]
        return "".join(parts) if len(parts) == len(sides) else None
    if isinstance(value, exp.Paren) or (isinstance(value, exp.Cast) and value.to.is_type(*exp.DataType.TEXT_TYPES)):
        return text_of(value.this)
    return _rewritten(value)


def _rewritten(value: exp.Expr | None) -> str | None:
    """What becomes of a text in a function of it alone."""
    text = text_of(value.this) if isinstance(value, exp.Lower | exp.Upper | exp.Initcap | exp.Trim) else None
    if text is None or value is None:
        return None
    if isinstance(value, exp.Lower):
        return text.lower()
    if isinstance(value, exp.Upper):
        return text.upper()
    if isinstance(value, exp.Initcap):
        return text.title()
    is_of_blanks = value.args.get("expression") is None
    sides = {"LEADING": text.lstrip(" "), "TRAILING": text.rstrip(" ")}
    return sides.get(str(value.args.get("position")), text.strip(" ")) if is_of_blanks else None
