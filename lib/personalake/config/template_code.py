"""The part of Jinja that templates may use: placeholders, conditions, loops over lists, a few filters.

Whoever may edit a template could otherwise read what it was not given, or keep a run busy for ever. So nothing is called,
no attribute is read but of a list's entries, nothing is multiplied, and loops neither nest nor count: what a template costs
grows with its length alone.
"""

import re
from collections.abc import Collection, Iterator
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from personalake.config.template_habits import habit_problems
from personalake.config.template_html import html_problems

LONGEST_SOURCE, LONGEST_CONSTANT, MOST_LOOPS, DEEPEST_FILTERS = 100_000, 200, 20, 4
_FILTERS = (
    "capitalize", "default", "escape", "first", "last", "length", "lower", "title", "trim", "truncate", "upper", "urlencode",
)  # fmt: skip
_TESTS = ("defined", "undefined", "number", "string", "odd", "even", "in", "eq", "ne", "lt", "le", "gt", "ge", "==", "!=")
_ODD_PATTERN = re.compile("%[^A-Za-z%]")  # a width could ask for millions of characters
_SPECIAL = ("self", "super", "caller", "varargs", "kwargs")
_OF_LOOP = ("index", "first", "last", "length")
_KNOWN_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Filter, nodes.Test, nodes.If,
    nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand, nodes.For, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.Concat, nodes.List, nodes.Tuple, nodes.Keyword, nodes.Neg,
)  # fmt: skip


def number(value: object, decimals: int = 0) -> str:
    """A number with commas between thousands.

    >>> number(Decimal("1234.5"), 2)
    '1,234.50'
    """
    try:
        rounded = Decimal(str(value)).quantize(Decimal(1).scaleb(-min(max(decimals, 0), 6)), ROUND_HALF_UP)
    except InvalidOperation:
        raise ValueError("not a number") from None
    return f"{rounded:,}"


def percent(value: object) -> str:
    """A share as a percentage.

    >>> percent(0.256)
    '26 %'
    """
    return f"{number(Decimal(str(value)) * 100)} %"


def day(value: object, pattern: str = "%Y-%m-%d") -> str:
    """A day by a pattern of `strftime`.

    >>> day(date(2017, 12, 1), "%d.%m.%Y")
    '01.12.2017'
    """
    if not isinstance(value, date) or _ODD_PATTERN.search(pattern):
        raise ValueError("not a day, or no pattern for one")
    return value.strftime(pattern)


OWN_FILTERS = {"number": number, "percent": percent, "day": day}
FILTERS = (*_FILTERS, *OWN_FILTERS)


@lru_cache(maxsize=2)
def environment(is_html: bool) -> ImmutableSandboxedEnvironment:
    """Jinja with nothing in it but what is listed here.

    Args:
        is_html: Whether values are escaped.
    """
    found = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=is_html,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        optimized=False,
    )
    found.globals.clear()
    for held, kept in ((found.filters, _FILTERS), (found.tests, _TESTS)):
        for name in set(held) - set(kept):
            del held[name]
    found.filters.update(OWN_FILTERS)
    return found


@lru_cache(maxsize=1024)
def compiled(source: str, is_html: bool) -> Template:
    """A template ready to be rendered; `problems_of` was asked before."""
    return environment(is_html).from_string(source)


@lru_cache(maxsize=1024)
def variables_of(source: str) -> frozenset[str]:
    """Names that a template reads.

    >>> sorted(variables_of("Hello {{ first_name }}, {% for item in items %}{{ item.name }}{% endfor %}"))
    ['first_name', 'items']
    """
    return frozenset(_names(environment(False).parse(source)))


def problems_of(source: str, known: Collection[str], lists: Collection[str], is_html: bool) -> list[str]:
    """Everything that is wrong with a template; empty if it may be used.

    Args:
        source: The template.
        known: Variables that there are.
        lists: Those of them that are lists of entries.
        is_html: Whether it becomes HTML.
    """
    if len(source) > LONGEST_SOURCE:
        return [f"longer than {LONGEST_SOURCE:,} characters"]
    try:
        tree = environment(is_html).parse(source)
        found = list(dict.fromkeys((*_breaches(tree, known, lists), *habit_problems(tree, known))))
        if not found:
            compiled(source, is_html)
            found = list(html_problems(source)) if is_html else []
    except TemplateSyntaxError as error:
        return [f"line {error.lineno}: {error.message}"]
    except (RecursionError, SyntaxError, ValueError, OverflowError) as error:
        return [f"cannot be read: {type(error).__name__}"]
    return found


def address_problems(source: str) -> Iterator[str]:
    """Values that stand in an address as they are: one of `a+b` or `a&b` would make another address of it.

    Args:
        source: A template without problems.

    >>> list(address_problems("https://x.example/out?m={{ email }}&p={{ person_id|urlencode }}"))
    ['{{ email }} stands in an address: write {{ email|urlencode }}, or + and & in it would lead to somebody else']
    """
    tree = environment(False).parse(source)
    for node in (part for output in tree.find_all(nodes.Output) for part in output.nodes):
        is_text = isinstance(node, nodes.TemplateData | nodes.Const)
        is_quoted = isinstance(node, nodes.Filter) and node.name == "urlencode"
        name = next((found.name for found in (node, *node.find_all(nodes.Name)) if isinstance(found, nodes.Name)), "value")
        if not (is_text or is_quoted):
            yield (
                f"{{{{ {name} }}}} stands in an address: write {{{{ {name}|urlencode }}}}, or + and & in it would lead to "
                "somebody else"
            )


def _breaches(tree: nodes.Template, known: Collection[str], lists: Collection[str]) -> Iterator[str]:
    loops = list(tree.find_all(nodes.For))
    entries = {loop.target.name for loop in loops if isinstance(loop.target, nodes.Name)}
    if len(loops) > MOST_LOOPS:
        yield f"{len(loops)} loops; {MOST_LOOPS} at most"
    for loop in loops:
        yield from _of_loop(loop, lists)
    for node in tree.find_all(nodes.Node):
        yield from _of_node(node, entries)
    unknown = sorted(_names(tree) - set(known))
    if unknown:
        yield f"unknown variable {', '.join(unknown)}; there are: {', '.join(sorted(known))}"


def _names(tree: nodes.Template) -> set[str]:
    """Variables that are read. Jinja's own finder would reckon constants out, however large they become."""
    read = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
    return read - {loop.target.name for loop in tree.find_all(nodes.For) if isinstance(loop.target, nodes.Name)} - {"loop"}


def _of_loop(loop: nodes.For, lists: Collection[str]) -> Iterator[str]:
    over = loop.iter.node if isinstance(loop.iter, nodes.Getitem) and isinstance(loop.iter.arg, nodes.Slice) else loop.iter
    if not isinstance(over, nodes.Name) or over.name not in lists:
        yield f"line {loop.lineno}: a loop goes over a list, one of: {', '.join(sorted(lists))}"
    if not isinstance(loop.target, nodes.Name) or loop.recursive:
        yield f"line {loop.lineno}: a loop has one variable, and does not call itself"
    if any(inner is not loop for body in (loop.body, loop.else_) for part in body for inner in _loops(part)):
        yield f"line {loop.lineno}: a loop inside a loop"


def _loops(node: nodes.Node) -> Iterator[nodes.For]:
    if isinstance(node, nodes.For):
        yield node
    yield from node.find_all(nodes.For)


def _of_node(node: nodes.Node, entries: Collection[str]) -> Iterator[str]:
    at = f"line {node.lineno}"
    if not isinstance(node, _KNOWN_NODES):
        yield f"{at}: {type(node).__name__.lower()} is not allowed in templates"
    elif isinstance(node, nodes.Name) and node.name in _SPECIAL:
        yield f"{at}: {node.name} is not allowed in templates"
    elif isinstance(node, nodes.Const):
        if isinstance(node.value, str) and len(node.value) > LONGEST_CONSTANT:
            yield f"{at}: a constant of more than {LONGEST_CONSTANT} characters"
        if isinstance(node.value, int | float) and abs(node.value) > 1e9:
            yield f"{at}: a number beyond a thousand millions"
    elif isinstance(node, nodes.Getattr):
        yield from _of_attribute(node.node, node.attr, entries, at)
    elif isinstance(node, nodes.Getitem) and not isinstance(node.arg, nodes.Slice):
        key = node.arg.value if isinstance(node.arg, nodes.Const) else None
        yield from _of_attribute(node.node, key, entries, at)
    elif isinstance(node, nodes.Filter):
        if node.name not in FILTERS:
            yield f"{at}: no filter {node.name!r}; there are: {', '.join(sorted(FILTERS))}"
        elif _depth(node) > DEEPEST_FILTERS:
            yield f"{at}: more than {DEEPEST_FILTERS} filters in a row"
    elif isinstance(node, nodes.Test) and node.name not in _TESTS:
        yield f"{at}: no test {node.name!r}; there are: {', '.join(_TESTS)}"


def _of_attribute(owner: nodes.Node, key: object, entries: Collection[str], at: str) -> Iterator[str]:
    name = owner.name if isinstance(owner, nodes.Name) else None
    if not isinstance(key, str) or key.startswith("_"):
        yield f"{at}: attribute {key!r} is not allowed"
    elif name == "loop" and key not in _OF_LOOP:
        yield f"{at}: loop.{key} is not allowed; there are: {', '.join(_OF_LOOP)}"
    elif name != "loop" and name not in entries:
        yield f"{at}: attributes are read of a list's entries only, as in {{% for item in items %}}{{{{ item.name }}}}"


def _depth(node: nodes.Node | None) -> int:
    return 1 + _depth(node.node) if isinstance(node, nodes.Filter) else 0
