"""The rules of the house as functions: repository root in, one line for each breach out.

An import linter is blind to `format("delta")` or to a clock, so these read the syntax tree.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple

ROOMS = frozenset(
    {"ingestion", "identity", "privacy", "profiles", "context", "segments"}
    | {"models", "recommenders", "decisions", "activation", "measurement"}
)
BOTTOM = frozenset({"errors", "common", "tables", "config"})
_PIPELINES = ROOMS | BOTTOM | {"lake", "tracking", "quality", "session", "reports", "pipelines"}
_EVERYTHING = _PIPELINES | {"cli", "demo", "world", "jars", "doctor", "machine", "setup_jars", "setup_spark", "patience"}
# Who may import whom; a new part of the library must be given its place here.
LAYERS: dict[str, frozenset[str]] = {
    **dict.fromkeys(BOTTOM, BOTTOM),
    **{room: BOTTOM | {"quality", room} for room in ROOMS},
    **{store: BOTTOM | {store} for store in ("tracking", "quality")},
    "lake": BOTTOM | {"jars", "lake"},
    "reports": BOTTOM | {"lake", "quality", "reports"},
    "session": BOTTOM | {"gateway", "jars"},
    "pipelines": _PIPELINES,
    "demo": BOTTOM | {"quality", "demo"},
    "world": BOTTOM | {"quality", "world"},
    "cli": _EVERYTHING | {"cli_activation", "cli_options", "cli_plans", "cli_receipts"},
    "cli_activation": _PIPELINES | {"cli_options"},
    "cli_plans": _PIPELINES | {"cli_options"},
    "cli_receipts": _PIPELINES | {"cli_options"},
    "cli_options": _PIPELINES,
    "__main__": frozenset({"cli"}),
    "gateway": frozenset(),
    "jars": frozenset(),
    "patience": frozenset(),
    "setup_jars": frozenset({"errors", "jars", "patience"}),
    "setup_spark": frozenset({"config", "errors", "session"}),
    "setup_archive": frozenset({"config", "jars", "patience", "session"}),
    "machine": frozenset({"jars", "setup_jars"}),
    "doctor": frozenset({"jars", "machine"}),
    "__init__": frozenset(),
}
OWNERS = {
    "delta": {"lake", "session"},
    "deltalake": {"lake", "session"},
    "mlflow": {"tracking"},
    "hyperopt": {"tracking"},
    "optuna": {"tracking"},
}
NOBODY_IMPORTS = frozenset({"jobs", "notebooks", "tests", "benchmarks"})
MAY_PRINT = ("cli.py", "cli/", "pipelines/command.py")
CLOCK_FUNCTIONS = frozenset(
    ["current_timestamp", "current_date", "localtimestamp", "curdate", "utcnow", "monotonic", "perf_counter", "time_ns"]
)
CLOCK_METHODS = {
    "now": {"F", "datetime", "Timestamp", "functions"},
    "today": {"date", "datetime", "Timestamp"},
    "time": {"time"},
}
CLOCK_SQL = re.compile(r"\b(current_timestamp|current_date|localtimestamp|now\s*\()", re.IGNORECASE)
# `truth` as a folder or a table: alone, or beside a slash or a dot.
_TRUTH_PLACE = re.compile(r"(^|/)truth[/.]|/truth$")  # in prose the word alone is a word
TRUTH_PATH = re.compile(r"^truth$|(^|/)truth[/.]|/truth$")
STREAMS_AND_TABLES = frozenset({"readStream", "writeStream", "saveAsTable", "insertInto", "toTable"})
SESSIONS = frozenset({"getOrCreate", "getActiveSession", "newSession"})
FILE_LINES, FUNCTION_LINES = 300, 60


class Module(NamedTuple):
    """One parsed file of the library."""

    path: Path
    place: str
    unit: str
    tree: ast.Module

    def breach(self, node: ast.AST, what: str) -> str:
        return f"{self.place}:{getattr(node, 'lineno', 1)}: {what}"


@cache
def _parsed(path: Path, _modified: float) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules(root: Path) -> Iterator[Module]:
    """Every module of the library, with the part of it to which it belongs."""
    library = root / "lib" / "personalake"
    for path in sorted(library.rglob("*.py")):
        inside = path.relative_to(library)
        unit = inside.parts[0].removesuffix(".py")
        yield Module(path, inside.as_posix(), unit, _parsed(path, path.stat().st_mtime))


def imports(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Every imported name with dots, wherever it stands, `import_module("…")` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield node, "." * node.level
            else:
                yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__") and node.args:
            yield from ((node, text) for text in _constants(node.args[0]))


def _constants(node: ast.AST) -> Iterator[str]:
    first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else node
    if isinstance(first, ast.Constant) and isinstance(first.value, str):
        yield first.value


def _name(node: ast.AST) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def layering(root: Path) -> Iterator[str]:
    """Imports between parts of the library that the layers do not allow."""
    for module in modules(root):
        allowed = LAYERS.get(module.unit)
        if allowed is None:
            yield f"{module.place}:1: {module.unit} has no place in the layers; give it one in tests/architecture/rules.py"
            continue
        for node, name in imports(module.tree):
            parts = name.split(".")
            if name.startswith("."):
                yield module.breach(node, "relative import; write the whole name")
            if parts[0] != "personalake" or len(parts) < 2 or parts[1] in (module.unit, "__version__", "__file__"):
                continue
            if parts[1] not in allowed:
                yield module.breach(node, f"{module.unit} must not import {parts[1]}")


def libraries(root: Path) -> Iterator[str]:
    """Libraries imported by others than the one part that owns them, and folders that nobody imports."""
    for module in modules(root):
        for node, name in imports(module.tree):
            top = name.split(".")[0]
            if module.unit not in OWNERS.get(top, {module.unit}):
                yield module.breach(
                    node, f"{module.unit} must not import {top}; only {' and '.join(sorted(OWNERS[top]))} may"
                )
            if top in NOBODY_IMPORTS:
                yield module.breach(node, f"nothing imports {top}")


def rooms(root: Path) -> Iterator[str]:
    """Tables, streams, sessions and clocks in rooms, which are pure."""
    for module in modules(root):
        if module.unit in ROOMS:
            yield from _impure(module)


def _impure(module: Module) -> Iterator[str]:
    documentation = {id(text) for text in _docstrings(module.tree)}
    for node in ast.walk(module.tree):
        name = _name(node)
        if _is_delta_format(node):
            yield module.breach(node, 'format("delta") in a room; lake reads and writes tables')
        elif name in STREAMS_AND_TABLES:
            yield module.breach(node, f"{name} in a room; lake reads and writes tables")
        elif name in SESSIONS or (isinstance(node, ast.Attribute) and ast.unparse(node) == "SparkSession.builder"):
            yield module.breach(node, f"{name} in a room; rooms take their session from a DataFrame")
        elif name in CLOCK_FUNCTIONS or _is_clock_method(node) or _imports_clock(node):
            yield module.breach(node, "a clock in a room; time is an argument")
        elif id(node) not in documentation and _is_clock_sql(node):
            yield module.breach(node, "a clock in a room's SQL; time is an argument")


def _is_delta_format(node: ast.AST) -> bool:
    is_format = isinstance(node, ast.Call) and _name(node.func) == "format"
    return is_format and any("delta" in _constants(argument) for argument in node.args)


def _is_clock_sql(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(CLOCK_SQL.search(node.value))


def _is_clock_method(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and _name(node.value) in CLOCK_METHODS.get(node.attr, set())


def _imports_clock(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "time" and any(a.name == "time" for a in node.names)


def _docstrings(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def sessions(root: Path) -> Iterator[str]:
    """Sessions built elsewhere than in session.py."""
    for module in modules(root):
        for node in ast.walk(module.tree):
            if module.unit != "session" and _name(node) == "getOrCreate":
                yield module.breach(node, "only session.py builds a SparkSession")


def prints(root: Path) -> Iterator[str]:
    """`print` where messages belong into the log."""
    for module in modules(root):
        for node in ast.walk(module.tree):
            is_print = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
            if is_print and not module.place.startswith(MAY_PRINT):
                yield module.breach(node, "print; use a logger, or the progress of the run")


def truth(root: Path) -> Iterator[str]:
    """Paths into the truth about the known world: only the world itself knows where it lies."""
    for module in modules(root):
        documentation = {id(text) for text in _docstrings(module.tree)}
        for node in ast.walk(module.tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
            if is_text and module.unit != "world" and TRUTH_PATH.search(str(node.value)):
                yield module.breach(node, "the truth about the known world is for tests, benchmarks and notebooks")


def truth_beside(root: Path) -> Iterator[str]:
    """The same paths in what is no part of the library: jobs, and what a user configures."""
    for path in sorted((root / "jobs").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documentation = {id(text) for text in _docstrings(tree)}
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation
            if is_text and TRUTH_PATH.search(str(node.value)):
                yield f"jobs/{path.name}:{node.lineno}: a path into the truth about the known world"
    for path in sorted(file for file in (root / "conf").rglob("*") if file.suffix in (".yml", ".yaml", ".properties")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            words = re.split(r"[\s'\"(){}\[\],=]+", line.partition("#")[0])
            if any(_TRUTH_PLACE.search(word) for word in words):
                yield f"{path.relative_to(root).as_posix()}:{number}: a path into the truth about the known world"


def sizes(root: Path) -> Iterator[str]:
    """Files and functions that nobody reads to the end."""
    for module in modules(root):
        lines = len(module.path.read_text(encoding="utf-8").splitlines())
        if lines > FILE_LINES:
            yield f"{module.place}:1: {lines} lines; {FILE_LINES} at most"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                length = node.end_lineno - node.lineno + 1
                if length > FUNCTION_LINES:
                    yield module.breach(node, f"{node.name} has {length} lines; {FUNCTION_LINES} at most")


def undeclared(root: Path) -> Iterator[str]:
    """Third-party modules that the library imports and setup.py does not ask for."""
    declared = requirements(root)
    distributions = installed()
    for module in modules(root):
        for node, name in imports(module.tree):
            top = name.split(".")[0]
            if top in sys.stdlib_module_names or top in ("personalake", ""):
                continue
            if not {_normal(found) for found in distributions.get(top, [top])} & declared:
                yield module.breach(node, f"{top} is not among the requirements in setup.py")


@cache
def installed() -> Mapping[str, list[str]]:
    """Module to the distributions that bring it."""
    return packages_distributions()


def requirements(root: Path) -> set[str]:
    """Names of the distributions that setup.py asks for, in its extras too."""
    tree = ast.parse((root / "setup.py").read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return {_normal(match[1]) for text in texts if (match := re.fullmatch(r"([\w.-]+)([<>=!~]=|[<>])[^ ]*", text))}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


RULES: tuple[Callable[[Path], Iterator[str]], ...] = (
    layering,
    libraries,
    rooms,
    sessions,
    prints,
    truth,
    truth_beside,
    sizes,
    undeclared,
)
