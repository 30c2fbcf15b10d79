"""What purposes are called in answers: as the settings call them, however a source writes that."""

import re
from collections import Counter
from collections.abc import Iterable

# In a literal of Spark SQL, in a form whose braces are filled in.
_BETWEEN = r"'[^\\p{{L}}\\p{{N}}]+'"
# The same in SQL of DuckDB, in which a backslash is one.
_BETWEEN_NOW = r"'[^\p{L}\p{N}]+'"


def purpose_form(declared: Iterable[str]) -> str:
    """Spark SQL that gives a purpose its declared name, whatever its capitals, blanks and dashes; any other stays.

    A withdrawal of `Email-Marketing ` that counted for nothing would leave the grant of `email_marketing` in force.

    Args:
        declared: Purposes and signals that the settings name; of two that differ in capitals alone, neither is meant.
    """
    known = _known(declared)
    if not known:
        return "{text}"
    cases = " ".join(f"WHEN {_literal(spelled)} THEN {_literal(name)}" for spelled, name in known.items())
    return f"CASE trim(regexp_replace(lower({{text}}), {_BETWEEN}, ' ')) {cases} ELSE {{text}} END"


def purpose_form_now(declared: Iterable[str]) -> str:
    """The same in SQL of DuckDB, of a column `said`; what is called as it should be is not taken apart."""
    names = list(declared)
    known = _known(names)
    if not known:
        return "said"
    cases = " ".join(f"WHEN {_text(spelled)} THEN {_text(name)}" for spelled, name in known.items())
    bare = f"trim(regexp_replace(lower(said), {_BETWEEN_NOW}, ' ', 'g'))"
    return f"CASE WHEN said IN ({', '.join(map(_text, names))}) THEN said ELSE CASE {bare} {cases} ELSE said END END"


def declared_name(said: str, declared: Iterable[str]) -> str:
    """The same of one purpose.

    >>> declared_name("E-Mail ", ["e_mail"]), declared_name("fax", ["e_mail"])
    ('e_mail', 'fax')
    """
    return _known(declared).get(" ".join(_words(said)), said)


def _known(declared: Iterable[str]) -> dict[str, str]:
    """Names by their words; none of those of which two have the same."""
    spelled = {name: " ".join(_words(name)) for name in declared}
    times = Counter(spelled.values())
    return {words: name for name, words in spelled.items() if words and times[words] == 1}


def _words(text: str) -> list[str]:
    return re.sub(r"[^\w]|_", " ", text.lower()).split()


def _text(text: str) -> str:
    """A literal of DuckDB's SQL."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _literal(text: str) -> str:
    r"""Of Spark SQL, in a form whose braces are filled in: `it's {a}` is `'it\'s {{a}}'`."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "{{").replace("}", "}}")
    return f"'{escaped}'"
