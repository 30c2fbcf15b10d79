"""CSV as RFC 4180 has it, with cells that a spreadsheet would run made harmless."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

from personalake.activation.formulas import BEGINNINGS, FURTHER, PHONE
from personalake.config.activation import DECISION_PROPERTIES

_RUNS = rf"^[{re.escape(BEGINNINGS)}]"


def columns(traits: Sequence[str]) -> tuple[str, ...]:
    """Columns of the file, in order."""
    return ("external_id", *DECISION_PROPERTIES, *traits)


def operations(traits: Sequence[str], is_text: Mapping[str, bool]) -> Mapping[str, Column]:
    """The payload of one decision: its row as JSON.

    Args:
        traits: Profile columns that are sent along.
        is_text: Whether a trait is text; all other columns are.
    """
    cells = [harmless(F.col(name)).alias(name) if is_text.get(name, True) else F.col(name) for name in columns(traits)]
    return {"row": F.to_json(F.struct(*cells))}


def harmless(text: Column) -> Column:
    """Text that a spreadsheet would run, with an apostrophe before it (see `formulas`); numbers as text get one, too."""
    amid = F.regexp_replace(text, FURTHER, "$1'")
    return F.when(text.rlike(_RUNS) & ~text.rlike(PHONE), F.concat(F.lit("'"), amid)).otherwise(amid)


def body(payloads: Sequence[str], names: Sequence[str]) -> str:
    """A file with a header."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(names)
    return out.getvalue() + lines(payloads, names)


def lines(payloads: Sequence[str], names: Sequence[str]) -> str:
    """Rows without a header; lines end in CR LF, cells are quoted where they need it, null is an empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(names), lineterminator="\r\n")
    writer.writerows(json.loads(payload, parse_float=str) for payload in payloads)
    return out.getvalue()
