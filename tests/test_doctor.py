import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from personalake import doctor
from personalake.doctor import Check, checks, table
from personalake.machine import Java, Machine

JAVA_8 = 'java version "1.8.0_392"\nJava(TM) SE Runtime Environment (build 1.8.0_392-b08)\n'
JAVA_11 = 'openjdk version "11.0.24" 2024-07-16\nOpenJDK Runtime Environment (build 11.0.24+8)\n'
JAVA_17 = 'openjdk version "17.0.15" 2025-04-15\n'
JAVA_21 = 'openjdk version "21-ea" 2023-09-19\n'
ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Stand(Machine):
    """A machine that is well in every respect but the one under test."""

    environ: dict[str, str] = field(default_factory=dict)
    output: str = JAVA_17
    home: str = ""
    python: tuple[int, int, int] = (3, 11, 2)
    modules: tuple[str, ...] = ("venv", "ensurepip")
    text: str = "UTF-8"
    memory: int = 24 * doctor.GIB
    disk: int = 50 * doctor.GIB
    versions: dict[str, str] = field(default_factory=lambda: {"pyspark": "4.2.0", "delta-spark": "4.4.0"})
    wrong_jars: tuple[str, ...] = ()
    write: str = ""
    apt: bool = False

    def python_version(self) -> tuple[int, int, int]:
        return self.python

    def has_module(self, name: str) -> bool:
        return name in self.modules

    def java(self) -> Java:
        return Java("/usr/bin/java" if self.output else "", self.output, self.home)

    def encoding(self) -> str:
        return self.text

    def memory_bytes(self) -> int:
        return self.memory

    def free_bytes(self, place: Path) -> int:
        return self.disk

    def write_problem(self, folder: Path) -> str:
        return self.write

    def installed(self, distribution: str) -> str | None:
        return self.versions.get(distribution)

    def jar_problems(self) -> list[str]:
        return list(self.wrong_jars)

    def apt_or(self, package: str, otherwise: str) -> str:
        return f"Run `apt-get install -y {package}`" if self.apt else otherwise


def failed(machine: Machine, before_setup: bool = False) -> list[Check]:
    return [check for check in checks(Path("lakehouse"), before_setup, machine) if not check.ok]


def test_a_good_machine_passes_every_check() -> None:
    assert failed(Stand()) == []
    assert failed(Stand(), before_setup=True) == []
    assert doctor.exit_code(checks(machine=Stand())) == 0


@pytest.mark.parametrize("output", [JAVA_17, JAVA_21])
def test_java_17_and_21_will_do(output: str) -> None:
    assert failed(Stand(output=output)) == []


@pytest.mark.parametrize(
    ("output", "found"),
    [
        ("", "none"),
        (JAVA_8, "8 from /usr/bin/java"),
        (JAVA_11, "11 from /usr/bin/java"),
        ("Segmentation fault\n", "unknown: /usr/bin/java says 'Segmentation fault'"),
    ],
)
def test_another_java_is_named_with_the_remedy(output: str, found: str) -> None:
    (check,) = failed(Stand(output=output))

    assert check.name == "Java"
    assert check.found == found
    assert "Java 17 or 21" in check.remedy
    assert check.remedy.endswith(".")


def test_a_java_home_without_java_is_blamed_even_if_the_path_has_one() -> None:
    (check,) = failed(Stand(output="", home="/opt/gone"))

    assert check.found == "none: JAVA_HOME is /opt/gone"
    assert "unset it" in check.remedy


def test_root_on_debian_is_offered_the_apt_line() -> None:
    (check,) = failed(Stand(output="", apt=True))

    assert check.remedy == "Run `apt-get install -y openjdk-17-jre-headless`."


@pytest.mark.parametrize(
    ("machine", "before_setup", "name", "words"),
    [
        (Stand(python=(3, 9, 2)), True, "Python", "Install Python 3.11 or 3.12"),
        (Stand(modules=("venv",)), True, "venv", "python3.11-venv"),
        (Stand(text="ANSI_X3.4-1968"), True, "Encoding", "export LC_ALL=C.UTF-8"),
        (Stand(memory=2 * doctor.GIB), True, "Memory", "at least 4 GiB"),
        (Stand(disk=doctor.GIB), True, "Disk", "Free at least 5 GiB"),
        (Stand(disk=doctor.GIB), False, "Disk", "Free at least 2 GiB"),
        (Stand(versions={"pyspark": "4.2.0", "delta-spark": "4.4.1"}), False, "Spark and Delta", "delta-spark 4.4.0"),
        (Stand(versions={}), False, "Spark and Delta", "run `make setup`"),
        (Stand(environ={"SPARK_HOME": "/opt/spark-3.5"}), False, "SPARK_HOME", "unset SPARK_HOME"),
        (Stand(wrong_jars=("a.jar is missing", "b.jar is empty")), False, "Jars", "Run `make setup`"),
        (Stand(write="Permission denied"), False, "Lake folder", "PERSONALAKE_ROOT"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_named_with_its_remedy(machine: Machine, before_setup: bool, name: str, words: str) -> None:
    found = failed(machine, before_setup)

    assert [check.name for check in found] == [name]
    assert words in found[0].remedy
    assert doctor.exit_code(found) == 5


def test_the_table_shows_each_remedy_below_its_failure() -> None:
    found = [Check("Java", True, "17"), Check("Memory", False, "2.0 GiB", "Give it more.")]

    assert table(found, "utf-8") == "✓ Java    17\n✗ Memory  2.0 GiB\n          Give it more."
    assert table(found, "ascii").startswith("ok Java")


def test_the_java_of_java_home_wins_over_the_path(tmp_path: Path) -> None:
    program = tmp_path / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.1\"' >&2\n")
    program.chmod(0o755)

    java = Machine({"JAVA_HOME": str(tmp_path / "jdk"), "PATH": os.environ["PATH"]}).java()

    assert java.major == 11


def test_a_java_that_is_not_there_has_no_output(tmp_path: Path) -> None:
    assert Machine({"PATH": str(tmp_path)}).java() == Java("", "")
    assert Machine({"JAVA_HOME": str(tmp_path)}).java().output == ""


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    assert Machine().write_problem(tmp_path / "new" / "lake") == ""
    assert Machine().write_problem(tmp_path / "file" / "lake") != ""
    assert not (tmp_path / "new").exists()


def test_before_set_up_it_runs_on_the_standard_library_alone() -> None:
    """`-S` leaves out site-packages, `-E` the environment's own paths."""
    code = "import sys; sys.path.insert(0, 'lib'); from personalake.doctor import main; sys.exit(main(['--before-setup']))"

    ran = subprocess.run([sys.executable, "-S", "-E", "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert ran.returncode in (0, 5), ran.stderr
    assert "Java" in ran.stdout
