from pathlib import Path

from tests.order import LONGEST, TOGETHER, place, share

ROOT = Path(__file__).parents[1]


def test_every_long_test_that_is_named_is_there() -> None:
    assert [name for name in (*LONGEST, *TOGETHER) if not (ROOT / name).exists()] == []


def test_long_files_begin_before_others_and_the_world_stays_in_one_process() -> None:
    named = ["tests/common/test_a.py::test_b[c::d]", "tests/pipelines/test_a.py::test_b", "tests/world/test_a.py::test_b"]

    assert sorted(named, key=place) == named[::-1]
    assert [share(name) for name in named] == ["tests/common/test_a.py", "tests/pipelines/test_a.py", "tests/world/"]
