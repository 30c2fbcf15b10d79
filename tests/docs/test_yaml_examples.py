"""The examples of configuration in the documents load as they stand."""

import re
from pathlib import Path

import pytest

from tests.config.slips import problems

ROOT = Path(__file__).resolve().parents[2]
# A key at the top that tells which file an example is of, where its first line does not name it.
FILES = {"contract": "sources/example", "locales": "templates/example", "regions": "base"}
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = [
    pytest.param(block, id=f"{path.name}-{number}")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for number, block in enumerate(BLOCK.findall(path.read_text(encoding="utf-8")))
]


def file_of(block: str) -> str:
    named = re.match(r"# conf/([\w/]+)\.yml\n", block)
    return named[1] if named else next(file for key, file in FILES.items() if re.search(rf"^{key}:", block, re.MULTILINE))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 4


@pytest.mark.parametrize("block", EXAMPLES)
def test_an_example_of_configuration_loads(block: str, tmp_path: Path) -> None:
    assert problems(tmp_path, {file_of(block): block}) == []
