"""Placeholders as other tools write them: here they are plain text, and would reach people as they stand."""

import re
from collections.abc import Collection, Iterator

from jinja2 import nodes

from personalake.config.nearest import nearest

_HABITS = re.compile(
    r"(?<!\{)\$?\{\s*(?P<brace>[A-Za-z_]\w*)\s*\}(?!\})|\*\|\s*(?P<star>\w+)\s*\|\*|%%\s*(?P<percent>[A-Za-z_]\w*)\s*%%"
    r"|\[%\s*(?P<bracket>[A-Za-z_]\w*)\s*%\]|<%=?\s*(?P<angle>[A-Za-z_]\w*)\s*%>"
)
# What merge tags call what is called otherwise here.
_ALSO = {"fname": "first_name", "lname": "last_name", "firstname": "first_name", "lastname": "last_name"}


def habit_problems(tree: nodes.Template, known: Collection[str]) -> Iterator[str]:
    """What stands in plain text and was meant as a placeholder, with its right spelling."""
    for text in tree.find_all(nodes.TemplateData):
        for found in _HABITS.finditer(text.data):
            line = text.lineno + text.data.count("\n", 0, found.start())
            name = next(each for each in found.groups() if each).lower()
            name = _ALSO.get(name, name)
            remedy = f"write {{{{ {name} }}}}" if name in known else f"write {{{{ name }}}}; {nearest(name, known)}"
            yield f"line {line}: {found[0]} is no placeholder here, and would be sent as it stands; {remedy}"
