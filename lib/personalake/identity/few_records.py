"""A few customer records as they are compared, made in Python: Spark takes longer to plan the work than it is.

The rows are those of `identity.records`. What this module is not sure about, a rule of blocking, a pattern, a letter, is
left to Spark.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from sqlglot import exp

from personalake.common import latin
from personalake.common.spellings import email_spelling, phone_spelling
from personalake.config.identity import FIELDS, IDENTIFIERS, IdentitySettings
from personalake.config.sql import check_expression, columns_of
from personalake.identity.blocking import KEYS
from personalake.identity.records import spelling
from personalake.identity.told_names import told_names
from personalake.tables.identity import MATCH_RECORD

# Of a pattern: what Java and Python could read differently.
_ODD_PATTERN = re.compile(r"\\(?![dDwWsS]|[^A-Za-z0-9])|\(\?(?!:)|&&|\[[^\]]*\[|\{,|[*+?}]\+|[^ -~]")
# Of Spark's hash.
_SEED = 42
_Value = Callable[[Mapping[str, str]], str]
_Spelled = Callable[[str], str | None]


@dataclass(frozen=True)
class FewRecords:
    """How records are standardised without Spark.

    Args:
        settings: How records are compared.
        keys: For each blocking rule the columns that it reads, and its value of them.
    """

    settings: IdentitySettings
    keys: Sequence[tuple[Sequence[str], _Value]]

    @classmethod
    def of(cls, settings: IdentitySettings) -> "FewRecords | None":
        """None where a blocking rule or a blocked value's pattern says what only Spark is sure to read as Spark does."""
        if any(_ODD_PATTERN.search(pattern) for pattern in settings.guards.blocked_values):
            return None
        rules = settings.matching.blocking
        values = [_value(check_expression(rule)) for rule in rules if "\\" not in rule and columns_of(rule)]
        sure = [value for value in values if value is not None]
        return cls(settings, list(zip(map(columns_of, rules), sure, strict=True))) if len(sure) == len(rules) else None

    def known(self, rows: pa.Table) -> pa.Array:
        """Which rows of `silver.customer_record` this can standardise: of which every text is of letters that it knows."""
        columns = [rows[name].to_pylist() for name in FIELDS]
        days = columns[FIELDS.index("birth_date")]
        read = (
            latin.is_known("".join(text for text in texts if text)) and (day is None or latin.is_day_known(day))
            for *texts, day in zip(*columns, days, strict=True)
        )
        is_named = pc.and_(pc.is_valid(rows["source"]), pc.is_valid(rows["record_id"]))
        return pc.and_(pa.array(list(read), pa.bool_()), is_named.combine_chunks())

    def standardised(self, rows: pa.Table) -> pa.Table:
        """Rows of `silver.match_record`.

        Args:
            rows: Rows of `silver.customer_record`, all of them known.
        """
        spelled = self._spelled()
        fields = {name: _each(spelled[name], rows[name].to_pylist()) for name in FIELDS}
        made = {
            "record_key": pc.binary_join_element_wise(rows["source"], rows["record_id"], ":"),
            **{name: pa.array(values, pa.string()) for name, values in fields.items()},
            KEYS: self._keys({**fields, **self._told(fields)}, rows.num_rows),
            "spelling": pa.array([spelling(self.settings)] * rows.num_rows, pa.string()),
        }
        return pa.table({name: made[name] if name in made else rows[name] for name in MATCH_RECORD.columns})

    def _spelled(self) -> dict[str, _Spelled]:
        """What each field becomes."""
        blocked = "|".join(f"(?:{pattern})" for pattern in self.settings.guards.blocked_values)
        is_blocked = re.compile(blocked, re.ASCII).search if blocked else None
        written: dict[str, _Spelled] = {
            "email": email_spelling,
            "phone": partial(phone_spelling, calling_code=self.settings.calling_code),
        }

        def unblocked(spell: _Spelled, text: str) -> str | None:
            value = spell(text)
            return None if value is None or (is_blocked and is_blocked(value.lower())) else value

        nicknames = self.settings.nicknames

        def first_name(text: str) -> str | None:
            name = latin.name(text)
            return None if name is None else nicknames.get(name, name)

        return {
            "first_name": first_name,
            "last_name": latin.name,
            "birth_date": latin.day,
            "postcode": latin.postcode,
            "street": latin.address,
            "city": latin.name,
            **{name: partial(unblocked, written.get(name, latin.identifier)) for name in IDENTIFIERS},
        }

    def _told(self, fields: Mapping[str, Sequence[str | None]]) -> dict[str, Sequence[str | None]]:
        """Names as they are compared."""
        own = zip(fields["first_name"], fields["last_name"], fields["email"], strict=True)
        told = [told_names(*names, self.settings.nicknames) for names in own]
        return {"first_name": [first for first, _ in told], "last_name": [last for _, last in told]}

    def _keys(self, fields: Mapping[str, Sequence[str | None]], rows: int) -> pa.Array:
        width = len(self.keys)
        keys, has_key = np.zeros((rows, width), np.int64), np.zeros((rows, width), bool)
        for place, (names, value) in enumerate(self.keys):
            told = [
                (row, value(dict(zip(names, texts, strict=True))))
                for row, texts in enumerate(zip(*(fields[name.lower()] for name in names), strict=True))
                if None not in texts
            ]
            chosen = [row for row, _ in told]
            keys[chosen, place] = [_xxhash64(text) for _, text in told]
            has_key[chosen, place] = True
        flat = pa.array(keys.ravel(), mask=~has_key.ravel())
        return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * width), flat)


def _xxhash64(text: str) -> int:
    """Spark's `xxhash64` of one text column: the hash with Spark's seed, as a signed number.

    >>> _xxhash64("Spark")
    -4294468057691064905
    """
    code: int = xxhash.xxh64_intdigest(text.encode(), _SEED)
    return code - (1 << 64) if code >> 63 else code


def _each(spell: _Spelled, texts: Iterable[str | None]) -> list[str | None]:
    return [None if text is None else spell(text) for text in texts]


def _value(part: exp.Expr) -> _Value | None:
    """What a rule says of a record that has all the fields, or None if it is made of other things than are known here."""
    known = _KNOWN.get(type(part))
    return known(part) if known is not None else None


def _column(part: exp.Expr) -> _Value | None:
    name = part.name
    return None if part.args.get("table") or name.lower() not in FIELDS else lambda row: row[name]


def _literal(part: exp.Expr) -> _Value | None:
    text = str(part.this)
    return (lambda _: text) if part.is_string else None


def _number(part: "exp.Expr | None") -> int:
    """A whole number above zero that a rule names; 0 for anything else."""
    is_number = isinstance(part, exp.Literal) and not part.is_string and str(part.this).isdecimal()
    return int(str(part.this)) if part is not None and is_number else 0


def _joined(part: exp.Expr) -> _Value | None:
    found = [_value(each) for each in part.expressions]
    values = [value for value in found if value is not None]
    if not values or len(values) < len(found):
        return None
    if not isinstance(part, exp.ConcatWs):
        return lambda row: "".join(value(row) for value in values)
    return lambda row: values[0](row).join(value(row) for value in values[1:])


def _substring(part: exp.Expr) -> _Value | None:
    value, start, length = _value(part.this), _number(part.args.get("start")), _number(part.args.get("length"))
    return None if value is None or not start or not length else lambda row: value(row)[start - 1 : start - 1 + length]


def _left(part: exp.Expr) -> _Value | None:
    value, length = _value(part.this), _number(part.args.get("expression"))
    return None if value is None or not length else lambda row: value(row)[:length]


def _right(part: exp.Expr) -> _Value | None:
    value, length = _value(part.this), _number(part.args.get("expression"))
    return None if value is None or not length else lambda row: value(row)[-length:]


def _before(part: exp.Expr) -> _Value | None:
    """`substring_index`: what stands before so many delimiters."""
    value, delimiter, count = _value(part.this), part.args.get("delimiter"), _number(part.args.get("count"))
    if value is None or not isinstance(delimiter, exp.Literal) or not delimiter.is_string or not delimiter.name or not count:
        return None
    return lambda row: delimiter.name.join(value(row).split(delimiter.name)[:count])


_KNOWN: dict[type[exp.Expr], Callable[[exp.Expr], _Value | None]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Concat: _joined,
    exp.ConcatWs: _joined,
    exp.Substring: _substring,
    exp.Left: _left,
    exp.Right: _right,
    exp.SubstringIndex: _before,
}
