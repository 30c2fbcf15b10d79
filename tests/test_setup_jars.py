import sys
import zipfile
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from personalake import setup_jars
from personalake.errors import EnvironmentProblem
from personalake.jars import SPARK_JARS
from personalake.patience import run_patiently
from personalake.setup_jars import SPARK, JarSet, collect_from_ivy, ivy_command, maven_command, pom, problems, resolve
from personalake.setup_spark import properties

ALONE = JarSet("few", ("org.one:alpha:1.0", "org.two:beta_2.13:2.0"), False, "Few jars")
TOGETHER = JarSet("many", ("org.one:alpha:1.0",), True, "Many jars")


def jar(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as content:
        content.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n" * 50)
    return path


class Downloads:
    """Stands in for Maven: each call makes the files of the next turn."""

    def __init__(self, *turns: tuple[str, ...]) -> None:
        self.turns = list(turns)
        self.commands: list[Sequence[str]] = []

    def __call__(self, label: str, command: Sequence[str]) -> int:
        self.commands.append(command)
        (into,) = (Path(part.partition("=")[2]) for part in command if part.startswith("-DoutputDirectory="))
        for name in self.turns.pop(0):
            jar(into / name)
        return 0


def test_the_jars_are_there_as_they_are_named(tmp_path: Path) -> None:
    run = Downloads(("alpha-1.0.jar", "beta_2.13-2.0.jar"))

    folder = resolve(ALONE, tmp_path, "maven", run)

    assert sorted(path.name for path in folder.iterdir()) == ["alpha-1.0.jar", "beta_2.13-2.0.jar"]
    assert [path.name for path in tmp_path.iterdir()] == ["few"]


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    resolve(ALONE, tmp_path, "maven", Downloads(("alpha-1.0.jar", "beta_2.13-2.0.jar")))
    run = Downloads()

    resolve(ALONE, tmp_path, "maven", run)

    assert run.commands == []


def test_a_failed_attempt_is_repeated_from_nothing(tmp_path: Path) -> None:
    run = Downloads(("alpha-1.0.jar", "leftover-0.jar"), ("alpha-1.0.jar", "beta_2.13-2.0.jar"))

    folder = resolve(ALONE, tmp_path, "maven", run)

    assert len(run.commands) == 2
    assert not (folder / "leftover-0.jar").exists()


def test_after_three_attempts_the_missing_jar_is_named_and_the_old_jars_stay(tmp_path: Path) -> None:
    jar(tmp_path / "few" / "alpha-1.0.jar")
    run = Downloads(("alpha-1.0.jar",), ("alpha-1.0.jar",), ("alpha-1.0.jar",))

    with pytest.raises(EnvironmentProblem, match=r"beta_2\.13-2\.0\.jar is missing") as raised:
        resolve(ALONE, tmp_path, "maven", run)

    assert raised.value.exit_code == 5
    assert [path.name for path in tmp_path.iterdir()] == ["few"]


def test_a_jar_of_another_version_makes_way_for_the_new_ones(tmp_path: Path) -> None:
    jar(tmp_path / "few" / "alpha-0.9.jar")

    folder = resolve(ALONE, tmp_path, "maven", Downloads(("alpha-1.0.jar", "beta_2.13-2.0.jar")))

    assert not (folder / "alpha-0.9.jar").exists()


def test_empty_foreign_and_damaged_jars_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "alpha-1.0.jar").touch()
    (tmp_path / "beta_2.13-2.0.jar").write_text("<html>not found</html>")
    damaged = jar(tmp_path / "gamma.jar")
    content = bytearray(damaged.read_bytes())
    content[60:70] = bytes(10)
    damaged.write_bytes(content)

    found = problems(tmp_path, ALONE, thorough=True)

    assert found == ["alpha-1.0.jar is empty", "beta_2.13-2.0.jar is not a jar", "gamma.jar is damaged"]


def test_maven_takes_each_jar_alone_unless_it_needs_its_dependencies() -> None:
    assert pom(ALONE).count("<exclusion>") == 2
    assert "<groupId>org.two</groupId><artifactId>beta_2.13</artifactId><version>2.0</version>" in pom(ALONE)
    assert "<exclusion>" not in pom(TOGETHER)
    assert maven_command(Path("pom.xml"), Path("here"))[-2:] == ["-DincludeScope=runtime", "-DoutputDirectory=here"]


def test_ivy_is_asked_for_the_same_coordinates_in_a_cache_of_its_own() -> None:
    command = ivy_command(ALONE, Path("cache"), Path("nothing.py"))

    assert command[0].endswith("pyspark/bin/spark-submit")
    assert Path(command[0]).exists()
    assert command[command.index("--packages") + 1] == "org.one:alpha:1.0,org.two:beta_2.13:2.0"
    assert "org.slf4j:*" in command[command.index("--exclude-packages") + 1].split(",")
    assert "spark.jars.ivy=cache" in command
    assert command[-1] == "nothing.py"
    assert "--exclude-packages" not in ivy_command(TOGETHER, Path("cache"), Path("nothing.py"))


def test_ivy_excludes_nothing_that_is_wanted() -> None:
    exclusions = ivy_command(SPARK, Path("cache"), Path("nothing.py"))
    patterns = exclusions[exclusions.index("--exclude-packages") + 1].split(",")

    wanted = [coordinate.rpartition(":")[0] for coordinate in SPARK.coordinates]

    assert not [name for name in wanted for pattern in patterns if fnmatchcase(name, pattern)]


def test_of_what_ivy_brings_only_the_named_jars_are_taken(tmp_path: Path) -> None:
    for name in ("org.one_alpha-1.0.jar", "org.two_beta_2.13-2.0.jar", "org.other_pulled-in-3.jar"):
        jar(tmp_path / "ivy" / name)
    into = tmp_path / "into"
    into.mkdir()

    collect_from_ivy(ALONE, tmp_path / "ivy", into)

    assert sorted(path.name for path in into.iterdir()) == ["alpha-1.0.jar", "beta_2.13-2.0.jar"]


def test_a_set_with_dependencies_keeps_them_and_gets_scala_from_pyspark(tmp_path: Path) -> None:
    for name in ("org.one_alpha-1.0.jar", "org.other_pulled-in-3.jar"):
        jar(tmp_path / "ivy" / name)
    into = tmp_path / "into"
    into.mkdir()

    collect_from_ivy(TOGETHER, tmp_path / "ivy", into)

    names = sorted(path.name for path in into.iterdir())
    assert names[:2] == ["alpha-1.0.jar", "org.other_pulled-in-3.jar"]
    assert names[2].startswith("scala-library-2.13")


def test_without_maven_ivy_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_jars.shutil, "which", lambda name: None)
    asked = []

    def run(label: str, command: Sequence[str]) -> int:
        asked.append(command[0])
        return 1

    with pytest.raises(EnvironmentProblem, match="with ivy"):
        resolve(ALONE, tmp_path, run=run)
    assert len(asked) == 3
    assert all(program.endswith("spark-submit") for program in asked)


def test_every_coordinate_has_three_parts() -> None:
    assert all(len(coordinate.split(":")) == 3 for coordinate in SPARK_JARS)


def test_spark_defaults_leave_empty_settings_out() -> None:
    assert properties({"spark.b": "x y", "spark.a": "1", "spark.jars": ""}) == "spark.a 1\nspark.b x y\n"


def test_a_patient_run_is_one_line_and_shows_output_only_on_failure(capfd: pytest.CaptureFixture[str]) -> None:
    good = run_patiently("Good", [sys.executable, "-c", "print('chatter')"])
    bad = run_patiently("Bad", [sys.executable, "-c", "import sys; print('the cause'); sys.exit(3)"])
    gone = run_patiently("Gone", ["no-such-program-here"])

    shown = capfd.readouterr().err
    assert (good, bad, gone) == (0, 3, 127)
    assert "chatter" not in shown
    assert "the cause" in shown
    assert len([line for line in shown.splitlines() if line.startswith("  Good")]) == 1
