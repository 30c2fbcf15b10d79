"""Resolves the jars of `jars.py` once: by Maven, or by the Ivy inside PySpark where there is no Maven.

Neither is told where its repository lies: a mirror in the user's own Maven or Ivy settings is honoured.
"""

import argparse
import importlib.util
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from personalake.errors import EnvironmentProblem
from personalake.jars import JDBC_DRIVERS, KAFKA_BROKER, SPARK_JARS, jar_folder, postgres_server
from personalake.patience import run_patiently

ATTEMPTS = 3
_MAVEN_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
# What the named jars pull in and Spark has already, or nobody uses; Ivy cannot leave everything out at once.
_NOT_BY_IVY = (
    "com.fasterxml.*:*", "com.github.luben:*", "com.google.*:*", "commons-*:*", "io.airlift:*",
    "io.unitycatalog:unitycatalog-hadoop", "jakarta.*:*", "javax.*:*", "net.bytebuddy:*", "org.antlr:*",
    "org.apache.hadoop:*", "org.apache.logging.*:*", "org.apache.parquet:*", "org.locationtech.*:*", "org.lz4:*",
    "org.openapitools:*", "org.roaringbitmap:*", "org.scala-lang.*:*", "org.slf4j:*", "org.xerial.*:*",
)  # fmt: skip
_SCALA_LIBRARY = "scala-library-2.13*.jar"

Runner = Callable[[str, Sequence[str]], int]


@dataclass(frozen=True)
class JarSet:
    """Jars that are used together.

    Args:
        name: Folder below the jar folder.
        coordinates: `group:artifact:version` of each jar that must be there.
        with_dependencies: Whether what they pull in at run time comes along.
        label: What they are for.
    """

    name: str
    coordinates: tuple[str, ...]
    with_dependencies: bool
    label: str


SPARK = JarSet("spark", SPARK_JARS, False, "Jars for Delta and Kafka in .jars/spark (once)")
JDBC = JarSet("jdbc", JDBC_DRIVERS, False, "Drivers of databases in .jars/jdbc (once)")
KAFKA = JarSet("kafka", KAFKA_BROKER, True, "Jars of a Kafka broker for the tests in .jars/kafka (once)")
POSTGRES = JarSet("postgres", postgres_server(), False, "PostgreSQL for the tests in .jars/postgres (once)")


def jar_name(coordinate: str) -> str:
    """The file name of a jar.

    >>> jar_name("io.delta:delta-storage:4.4.0")
    'delta-storage-4.4.0.jar'
    """
    _, artifact, version = coordinate.split(":")
    return f"{artifact}-{version}.jar"


def problems(folder: Path, jars: JarSet, thorough: bool = False) -> list[str]:
    """What is wrong with a folder of resolved jars, one sentence part each; empty if all is well.

    Args:
        folder: Where the jars lie.
        jars: What must be there.
        thorough: Whether to read each jar to its end, not only its directory.
    """
    wanted = {folder / jar_name(coordinate) for coordinate in jars.coordinates}
    found = sorted(wanted | set(folder.glob("*.jar")))
    return [f"{path.name} {wrong}" for path in found if (wrong := _wrong_with(path, thorough))]


def _wrong_with(path: Path, thorough: bool) -> str:
    if not path.is_file():
        return "is missing"
    if path.stat().st_size == 0:
        return "is empty"
    if not zipfile.is_zipfile(path):
        return "is not a jar"
    if thorough:
        try:
            with zipfile.ZipFile(path) as jar:
                return "is damaged" if jar.testzip() else ""
        except (zipfile.BadZipFile, OSError):
            return "is damaged"
    return ""


def pom(jars: JarSet) -> str:
    """A Maven project that depends on the jars, and on nothing else unless they come with dependencies."""
    alone = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
        f"{'' if jars.with_dependencies else alone}</dependency>\n"
        for group, artifact, version in (coordinate.split(":") for coordinate in jars.coordinates)
    )
    return (
        "<project><modelVersion>4.0.0</modelVersion>"
        f"<groupId>personalake</groupId><artifactId>jars-{jars.name}</artifactId><version>1</version>\n"
        f"<dependencies>\n{dependencies}</dependencies></project>\n"
    )


def maven_command(project: Path, into: Path) -> list[str]:
    """Copies the run-time dependencies of a Maven project into a folder."""
    return [
        "mvn", "-q", "-B", "-f", str(project), _MAVEN_PLUGIN, "-DincludeScope=runtime", f"-DoutputDirectory={into}",
    ]  # fmt: skip


def ivy_command(jars: JarSet, cache: Path, script: Path) -> list[str]:
    """Lets spark-submit resolve the jars into `<cache>/jars` and then run a script that does nothing."""
    exclusions = [] if jars.with_dependencies else ["--exclude-packages", ",".join(_NOT_BY_IVY)]
    return [
        str(pyspark_home() / "bin" / "spark-submit"),
        "--master", "local[1]", "--packages", ",".join(jars.coordinates), *exclusions,
        "--conf", f"spark.jars.ivy={cache}", str(script),
    ]  # fmt: skip


def pyspark_home() -> Path:
    """Where PySpark lies, found without importing it."""
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise EnvironmentProblem("PySpark is not installed.", "Run `make setup`.")
    return Path(spec.origin).parent


def _by_maven(jars: JarSet, work: Path, into: Path, run: Runner) -> None:
    project = work / "pom.xml"
    project.write_text(pom(jars), encoding="utf-8")
    run(jars.label, maven_command(project, into))


def _by_ivy(jars: JarSet, work: Path, into: Path, run: Runner) -> None:
    script = work / "nothing.py"
    script.write_text("", encoding="utf-8")
    run(jars.label, ivy_command(jars, work / "ivy", script))
    collect_from_ivy(jars, work / "ivy" / "jars", into)


def collect_from_ivy(jars: JarSet, cache: Path, into: Path) -> None:
    """Ivy calls a jar `group_artifact-version.jar` and always brings dependencies: rename what is wanted, leave the rest."""
    renamed = {f"{coordinate.split(':')[0]}_{jar_name(coordinate)}": jar_name(coordinate) for coordinate in jars.coordinates}
    for path in sorted(cache.glob("*.jar")):
        if path.name in renamed or jars.with_dependencies:
            shutil.copy2(path, into / renamed.get(path.name, path.name))
    if jars.with_dependencies:  # spark-submit leaves Scala out, for it has its own
        for path in sorted((pyspark_home() / "jars").glob(_SCALA_LIBRARY)):
            shutil.copy2(path, into)


def resolve(jars: JarSet, folder: Path, resolver: str = "", run: Runner = run_patiently) -> Path:
    """Bring jars into `<folder>/<name>`; nothing is done if they are there, and nothing half-done is left.

    Args:
        jars: What to resolve.
        folder: The jar folder.
        resolver: `maven` or `ivy`; by default Maven where it is installed.
        run: Runs a labelled command.

    Raises:
        EnvironmentProblem: If the jars are not there after three attempts.
    """
    target = folder / jars.name
    if not problems(target, jars, thorough=True):
        return target
    folder.mkdir(parents=True, exist_ok=True)
    resolver = resolver or ("maven" if shutil.which("mvn") else "ivy")
    bring = {"maven": _by_maven, "ivy": _by_ivy}[resolver]
    wrong: list[str] = []
    for attempt in range(1, ATTEMPTS + 1):
        with tempfile.TemporaryDirectory(dir=folder, prefix=f".{jars.name}-") as name:
            into = Path(name) / "jars"
            into.mkdir()
            bring(jars, Path(name), into, run)
            wrong = problems(into, jars, thorough=True)
            if not wrong:
                _replace(target, into, Path(name) / "old")
                return target
        if attempt < ATTEMPTS:
            sys.stderr.write(f"  {wrong[0]}: trying again ({attempt + 1} of {ATTEMPTS})\n")
    raise EnvironmentProblem(
        f"The jars could not be resolved with {resolver}: {', '.join(wrong)}.",
        "Check the network and the mirror in your Maven settings, then run `make setup` again.",
    )


def _replace(target: Path, fresh: Path, old: Path) -> None:
    if target.exists():
        os.rename(target, old)
    os.rename(fresh, target)


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m personalake.setup_jars`; exit code 5 if the jars cannot be had."""
    parser = argparse.ArgumentParser(prog="personalake.setup_jars", description="resolve the jars once")
    parser.add_argument("--with-broker", action="store_true", help="also the jars of a Kafka broker, for the tests")
    parser.add_argument("--with-database", action="store_true", help="also a PostgreSQL server, for the tests")
    parser.add_argument("--into", type=Path, default=jar_folder(), metavar="DIR", help="jar folder (default: .jars)")
    parser.add_argument("--resolver", choices=("maven", "ivy"), default="", help="default: Maven where it is installed")
    given = parser.parse_args(arguments)
    try:
        for jars in (SPARK, JDBC, *([KAFKA] if given.with_broker else []), *([POSTGRES] if given.with_database else [])):
            resolve(jars, given.into, given.resolver)
    except EnvironmentProblem as problem:
        sys.stderr.write(f"✗ {problem}\n")
        return problem.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
