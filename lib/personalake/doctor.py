"""Can this machine run the suite? One table, and for what is missing one sentence with the remedy.

Standard library only, in the syntax of older Pythons: `make` asks before there is an environment. See `machine.py` for
how the facts are found.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from personalake.machine import Machine

EXIT_CODE = 5
PYTHONS = ((3, 11), (3, 12))
JAVAS = (17, 21, 25)  # what Spark 4.2 runs on; this suite is tested with 17
GIB = 1024**3
MEMORY_BYTES = 4 * GIB
# The environment with PySpark takes 2.1 GiB, the demo's lake with its landing files and exports about 1 GiB.
DISK_BYTES_BEFORE_SETUP = 5 * GIB
DISK_BYTES = 2 * GIB


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        name: What was looked at.
        ok: Whether it will do.
        found: What was found.
        remedy: What to do; empty if it will do.
    """

    name: str
    ok: bool
    found: str
    remedy: str = ""


def checks(root: Path = Path("lakehouse"), before_setup: bool = False, machine: Machine | None = None) -> list[Check]:
    """Look at everything that the suite needs of a machine.

    Args:
        root: Folder of the lake.
        before_setup: True looks only at what must be there before there is an environment.
        machine: Where facts come from; this machine by default.
    """
    machine = machine or Machine()
    disk = DISK_BYTES_BEFORE_SETUP if before_setup else DISK_BYTES
    always = [
        _python(machine),
        _java(machine),
        _encoding(machine),
        _memory(machine),
        _disk(machine, Path() if before_setup else root, disk),
    ]
    if before_setup:
        return [*always, _venv(machine)]
    return [*always, _pair(machine), _spark_home(machine), _jars(machine), _root(machine, root)]


def _python(machine: Machine) -> Check:
    version = machine.python_version()
    found = ".".join(str(part) for part in version)
    if version[:2] in PYTHONS:
        return Check("Python", True, found)
    return Check("Python", False, found, machine.apt_or("python3.11 python3.11-venv", "Install Python 3.11 or 3.12")
                 + ", or name one: `make setup PYTHON=/path/to/python3.11`.")  # fmt: skip


def _venv(machine: Machine) -> Check:
    if machine.has_module("venv") and machine.has_module("ensurepip"):
        return Check("venv", True, "there")
    major, minor = machine.python_version()[:2]
    package = f"python{major}.{minor}-venv"
    return Check("venv", False, "missing", machine.apt_or(package, f"Install the module venv of Python ({package})") + ".")


def _java(machine: Machine) -> Check:
    java = machine.java()
    install = machine.apt_or("openjdk-17-jre-headless", "Install Java 17 or 21")
    if java.home and not java.output:
        found = f"none: JAVA_HOME is {java.home}"
        return Check("Java", False, found, f"Point JAVA_HOME to a Java 17 or 21 that has bin/java, or unset it. {install}.")
    if not java.output:
        return Check("Java", False, "none", f"{install}.")
    where = f"JAVA_HOME={java.home}" if java.home else java.program
    if java.major is None:
        first = (java.output.strip().splitlines() or [""])[0][:60]
        return Check("Java", False, f"unknown: {where} says {first!r}", f"{install}, and set JAVA_HOME to it.")
    if java.major not in JAVAS:
        return Check("Java", False, f"{java.major} from {where}",
                     f"Spark 4.2 needs Java 17 or 21: {_lower(install)}, and set JAVA_HOME to it.")  # fmt: skip
    return Check("Java", True, f"{java.major} from {where}")


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]


def _encoding(machine: Machine) -> Check:
    found = machine.encoding()
    if found.lower().replace("-", "") == "utf8":
        return Check("Encoding", True, "UTF-8")
    return Check("Encoding", False, found, "Use a UTF-8 locale: `export LC_ALL=C.UTF-8`.")


def _memory(machine: Machine) -> Check:
    found = machine.memory_bytes()
    shown = f"{found / GIB:.1f} GiB"
    if found >= MEMORY_BYTES:
        return Check("Memory", True, shown)
    return Check("Memory", False, shown, f"Give the machine or container at least {MEMORY_BYTES // GIB} GiB.")


def _disk(machine: Machine, place: Path, needed: int) -> Check:
    found = machine.free_bytes(place)
    shown = f"{found / GIB:.1f} GiB free"
    if found >= needed:
        return Check("Disk", True, shown)
    return Check("Disk", False, shown, f"Free at least {needed // GIB} GiB below {place.resolve()}.")


def _pair(machine: Machine) -> Check:
    from personalake.jars import DELTA_VERSION, SPARK_VERSION

    spark, delta = machine.installed("pyspark"), machine.installed("delta-spark")
    found = f"pyspark {spark or 'missing'}, delta-spark {delta or 'missing'}"
    if (spark, delta) == (SPARK_VERSION, DELTA_VERSION):
        return Check("Spark and Delta", True, found)
    return Check("Spark and Delta", False, found,
                 f"Only pyspark {SPARK_VERSION} with delta-spark {DELTA_VERSION} will do: run `make setup`.")  # fmt: skip


def _spark_home(machine: Machine) -> Check:
    home = machine.environ.get("SPARK_HOME", "")
    if not home:
        return Check("SPARK_HOME", True, "not set")
    return Check("SPARK_HOME", False, home, "Spark would start from there, not from the environment: `unset SPARK_HOME`.")


def _jars(machine: Machine) -> Check:
    wrong = machine.jar_problems()
    if not wrong:
        return Check("Jars", True, "there")
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return Check("Jars", False, f"{wrong[0]}{more}", "Run `make setup`; it resolves them once.")


def _root(machine: Machine, root: Path) -> Check:
    problem = machine.write_problem(root)
    if not problem:
        return Check("Lake folder", True, f"{root} can be written")
    return Check("Lake folder", False, f"{root}: {problem}",
                 "Allow writing there, or name another folder by PERSONALAKE_ROOT or --root.")  # fmt: skip


def table(found: Sequence[Check], encoding: str | None = None) -> str:
    """The checks as lines of text, failures with their remedy below."""
    encoding = encoding or sys.stdout.encoding or "ascii"
    good, bad = ("✓", "✗") if encoding.lower().startswith("utf") else ("ok", "NO")
    width = max(len(check.name) for check in found)
    lines = []
    for check in found:
        lines.append(f"{good if check.ok else bad} {check.name:<{width}}  {check.found}")
        if not check.ok:
            lines.append(f"  {'':<{width}}  {check.remedy}")
    return "\n".join(lines)


def exit_code(found: Sequence[Check]) -> int:
    """0 if everything will do, 5 (machine) if not."""
    return 0 if all(check.ok for check in found) else EXIT_CODE


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m personalake.doctor`; only failures are shown with `--quiet`."""
    parser = argparse.ArgumentParser(prog="personalake.doctor", description="can this machine run the suite?")
    parser.add_argument("--before-setup", action="store_true", help="only what must be there before set-up")
    parser.add_argument("--quiet", action="store_true", help="show failures only")
    parser.add_argument("--root", type=Path, default=None, metavar="DIR", help="folder of the lake")
    given = parser.parse_args(arguments)
    machine = Machine()
    root = given.root or Path(machine.environ.get("PERSONALAKE_ROOT", "lakehouse"))
    found = checks(root, given.before_setup, machine)
    shown = [check for check in found if not (given.quiet and check.ok)]
    if shown:
        sys.stdout.write(table(shown) + "\n")
    return exit_code(found)


if __name__ == "__main__":
    sys.exit(main())
