"""Facts about this machine, for `doctor.py`. Standard library only, in the syntax of older Pythons."""

from __future__ import annotations

import importlib.util
import locale
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_JAVA_SECONDS = 10
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@dataclass(frozen=True)
class Java:
    """The Java that Spark would start.

    Args:
        program: Path of the program, empty if there is none.
        output: What `java -version` says, empty if it cannot be started.
        home: JAVA_HOME, empty if not set; it wins over the path.
    """

    program: str
    output: str
    home: str = ""

    @property
    def major(self) -> int | None:
        """The major version; None if the output is not understood.

        >>> Java("java", 'openjdk version "17.0.15" 2025-04-15').major
        17
        >>> Java("java", 'java version "1.8.0_392"').major
        8
        """
        match = re.search(r'version "(\d+)(?:\.(\d+))?', self.output)
        if match is None:
            return None
        first, second = match.group(1), match.group(2)
        return int(second) if first == "1" and second else int(first)


@dataclass(frozen=True)
class Machine:
    """This machine; tests stand in another.

    Args:
        environ: Environment variables.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def python_version(self) -> tuple[int, int, int]:
        """Version of the Python that asks."""
        return sys.version_info[:3]

    def has_module(self, name: str) -> bool:
        """Whether a module is there; it is not imported."""
        return importlib.util.find_spec(name) is not None

    def java(self) -> Java:
        """The Java that Spark would start: the one of JAVA_HOME, else the first on the path."""
        home = self.environ.get("JAVA_HOME", "")
        program = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=self.environ.get("PATH")) or ""
        if not program:
            return Java("", "", home)
        try:
            said = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=_JAVA_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            return Java(program, "", home)
        return Java(program, said.stderr + said.stdout, home)

    def encoding(self) -> str:
        """Encoding of text files if none is named."""
        return locale.getpreferredencoding(False)

    def memory_bytes(self) -> int:
        """Memory of the machine, or of the container if that is less."""
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        for place in _CGROUP_LIMITS:
            try:
                limit = Path(place).read_text(encoding="ascii").strip()
            except OSError:
                continue
            if limit.isdigit():
                total = min(total, int(limit))
        return total

    def free_bytes(self, place: Path) -> int:
        """Free space where a folder is, or would be made."""
        return shutil.disk_usage(_nearest(place)).free

    def write_problem(self, folder: Path) -> str:
        """Why nothing can be written to a folder, or where it would be made; empty if it can. Nothing stays behind."""
        try:
            with tempfile.TemporaryFile(dir=_nearest(folder)):
                return ""
        except OSError as error:
            return error.strerror or str(error)

    def installed(self, distribution: str) -> str | None:
        """Version of an installed distribution."""
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version(distribution)
        except PackageNotFoundError:
            return None

    def jar_problems(self) -> list[str]:
        """What is wrong with the resolved jars for Spark."""
        from personalake.jars import jar_folder
        from personalake.setup_jars import SPARK, problems

        return problems(jar_folder() / SPARK.name, SPARK)

    def apt_or(self, package: str, otherwise: str) -> str:
        """How to install a Debian package for one who may, else another advice; no full stop."""
        may = hasattr(os, "geteuid") and os.geteuid() == 0
        if may and Path("/etc/debian_version").exists() and shutil.which("apt-get"):
            return f"Run `apt-get update && apt-get install -y {package}`"
        return otherwise


def _nearest(place: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    place = place.resolve()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place
