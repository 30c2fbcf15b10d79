"""How two values are compared: each kind of evidence as the levels of a Splink comparison.

Every condition means the same in DuckDB and in Spark, so that one model file serves both: edit distance is Levenshtein's,
which both have. DuckDB counts bytes where Spark counts letters; standardised Latin text has one byte a letter.
"""

from collections.abc import Callable, Sequence
from typing import Any

from personalake.config.identity import Comparison
from personalake.identity.match_model import EQUAL

Level = dict[str, Any]
_ELSE: Level = {"sql_condition": "ELSE", "label_for_charts": "different"}
_SWAPPED = "first_name_l = last_name_r AND first_name_r = last_name_l"


def splink_comparison(comparison: Comparison) -> dict[str, Any]:
    """One comparison as Splink's settings write it."""
    levels = _LEVELS[comparison.kind](comparison.column, comparison.frequency)
    return {"output_column_name": comparison.name, "comparison_levels": [*levels, _ELSE]}


def compared_columns(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """The columns that any comparison reads."""
    names: list[str] = []
    for comparison in comparisons:
        names += {
            "household": ["last_name", "street", "postcode", "first_name"],
            "given_name": [comparison.column, "last_name"],
        }.get(comparison.kind, [comparison.column])
    return tuple(dict.fromkeys(names))


def frequency_columns(comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    """The columns whose frequent values count less."""
    return tuple("last_name" if each.kind == "household" else each.column for each in comparisons if each.frequency)


def _level(condition: str, label: str) -> Level:
    return {"sql_condition": condition, "label_for_charts": label}


def _missing(*columns: str) -> Level:
    condition = " AND ".join(f"({column}_l IS NULL OR {column}_r IS NULL)" for column in columns)
    return {**_level(condition, "missing"), "is_null_level": True}


def _equal(column: str, frequency: bool, label: str = EQUAL) -> Level:
    level = _level(f"{column}_l = {column}_r", label)
    return {**level, "tf_adjustment_column": column, "tf_adjustment_weight": 1.0} if frequency else level


def _within(column: str, letters: int) -> str:
    return f"levenshtein({column}_l, {column}_r) <= {letters}"


def _begins_alike(column: str, letters: int) -> str:
    return f"substr({column}_l, 1, {letters}) = substr({column}_r, 1, {letters})"


def _given_name(column: str, frequency: bool) -> list[Level]:
    initial = f"(length({column}_l) = 1 OR length({column}_r) = 1) AND {_begins_alike(column, 1)}"
    return [
        _missing(column),
        _equal(column, frequency),
        _level(_within(column, 1), "one letter apart"),
        _level(_SWAPPED, "first and last name swapped"),
        _level(initial, "an initial"),
        _level(_begins_alike(column, 3), "three letters alike"),
        _level(_begins_alike(column, 2), "two letters alike"),
    ]


def _household(_: str, frequency: bool) -> list[Level]:
    """Surname and address are one piece of evidence: those of one household share all of it."""
    street, last_name, postcode = _within("street", 1), _within("last_name", 1), "postcode_l = postcode_r"
    return [
        _missing("last_name", "street", "postcode"),
        _level(f"{street} AND {last_name}", "street and last name"),
        _level(_SWAPPED, "first and last name swapped"),
        _level(f"{postcode} AND {last_name}", "postcode and last name"),
        _level(street, "street"),
        _equal("last_name", frequency, "last name"),
        _level(last_name, "last name, one letter apart"),
        _level(postcode, "postcode"),
    ]


def _name(column: str, frequency: bool) -> list[Level]:
    return [
        _missing(column),
        _equal(column, frequency),
        _level(_within(column, 1), "one letter apart"),
        _level(_within(column, 2), "two letters apart"),
    ]


def _date(column: str, _: bool) -> list[Level]:
    year, month, day = (1, 4), (6, 2), (9, 2)

    def same(left: tuple[int, int], right: tuple[int, int]) -> str:
        return f"substr({column}_l, {left[0]}, {left[1]}) = substr({column}_r, {right[0]}, {right[1]})"

    return [
        _missing(column),
        _equal(column, False),
        _level(_within(column, 1), "one digit apart"),
        _level(f"{same(year, year)} AND {same(month, day)} AND {same(day, month)}", "day and month swapped"),
        _level(_within(column, 2), "two digits apart"),
    ]


def _exact(column: str, frequency: bool) -> list[Level]:
    return [_missing(column), _equal(column, frequency)]


_LEVELS: dict[str, Callable[[str, bool], list[Level]]] = {
    "given_name": _given_name,
    "household": _household,
    "name": _name,
    "date": _date,
    "email": _name,
    "code": _name,
    "exact": _exact,
}
