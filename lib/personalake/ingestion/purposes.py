"""What purposes are called in answers: as the settings call them, however a source writes that."""

import re
from collections import Counter
from collections.abc import Iterable

# In a literal of Spark SQL, in a form whose braces are filled in.
_BETWEEN = r"'[^\\p{{L}}\\p{{N}}]+'"


def purpose_form(declared: Iterable[str]) -> str:
    """Spark SQL that gives a purpose its declared name, whatever its capitals, blanks and dashes; any other stays.

    A withdrawal of `Email-Marketing ` that counted for nothing would leave the grant of `email_marketing` in force.

    Args:
        declared: Purposes and signals that the settings name; of two that differ in capitals alone, neither is meant.
    """
    names = list(declared)
    folded = {name: re.sub(r"[^\w]|_", " ", name.lower()).split() for name in names}
    times = Counter(map(tuple, folded.values()))
    known = [(" ".join(words), name) for name, words in folded.items() if words and times[tuple(words)] == 1]
    if not known:
        return "{text}"
    cases = " ".join(f"WHEN {_literal(spelled)} THEN {_literal(name)}" for spelled, name in known)
    return f"CASE trim(regexp_replace(lower({{text}}), {_BETWEEN}, ' ')) {cases} ELSE {{text}} END"


def _literal(text: str) -> str:
    r"""Of Spark SQL, in a form whose braces are filled in: `it's {a}` is `'it\'s {{a}}'`."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("{", "{{").replace("}", "}}")
    return f"'{escaped}'"
