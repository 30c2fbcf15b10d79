"""Lines are sifted before tests are asked about them: none is kept from a test that would hold for it."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from personalake.common.sieve import Sieve, word_in, words_in


@pytest.mark.parametrize(
    ("text", "word"),
    [("Ann.Bell@x.example", "bell"), ("+1 (212) 555-0101", "0101"), ("Ä", None), ("", None), ("12", "12")],
)
def test_the_longest_plain_word_of_a_text_stands_for_it(text: str, word: str | None) -> None:
    assert word_in(text) == word


def test_texts_of_which_one_has_no_word_say_nothing() -> None:
    assert words_in(["ann@x.example", "Ä"]) is None
    assert words_in(["ann@x.example", "12"]) == {"ann", "12"}


def test_a_line_is_given_to_those_whose_words_it_holds_and_to_those_who_are_always_asked() -> None:
    sieve = Sieve([{"anna", "77"}, {"bell"}, None, set()])

    told = list(sieve.sifted(["to ANNA\n", "nobody\n", "Bell, 77 years\n"]))

    assert told == [("to ANNA\n", [0, 2]), ("nobody\n", [2]), ("Bell, 77 years\n", [0, 1, 2])]


def test_lines_with_letters_that_count_as_others_are_given_to_everybody() -> None:
    assert list(Sieve([{"kasse"}, {"bell"}]).sifted(["Kaße"])) == [("Kaße", [0, 1])]


@settings(max_examples=200)
@given(st.lists(st.text(max_size=12), min_size=1, max_size=4), st.lists(st.text(max_size=30), max_size=6), st.data())
def test_what_stands_in_a_line_is_never_sifted_out(texts: list[str], lines: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(texts) - 1))
    planted = data.draw(
        st.sampled_from([str, str.upper, str.swapcase, json.dumps, lambda text: '"' + text.replace('"', '""') + '"'])
    )(texts[place])
    sieve = Sieve([words_in([text]) for text in texts])

    told = list(sieve.sifted([*lines, f"{'x' * data.draw(st.sampled_from([0, 20_000]))} {planted},"]))

    assert [line for line, _ in told][: len(lines)] == lines
    assert place in told[-1][1]
