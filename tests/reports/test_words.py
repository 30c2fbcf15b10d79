import doctest

import pytest

from personalake.reports import actions, words


@pytest.mark.parametrize("module", [words, actions], ids=lambda module: module.__name__)
def test_the_examples_in_the_docstrings_hold(module: object) -> None:
    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0


def test_an_absent_number_is_a_dash_and_never_nan() -> None:
    assert [words.number(None), words.money(float("nan"), "USD"), words.share(None), words.day(None)] == ["–"] * 4
