"""What a destination says, fit to be written down."""

import json

import pytest

from personalake.activation.reasons import told


def test_half_a_character_neither_breaks_what_is_written_down_nor_hides_a_value_from_the_mask() -> None:
    half = "Jane Do\ud83d"

    reason = told(f"no such contact: {half}; \udce4", json.dumps({"name": half}))

    assert reason.encode() == b"no such contact: <value>; ?"


@pytest.mark.parametrize(
    ("said", "payload", "reason"),
    [
        ("UNKNOWN: JANE DOE, BERLIN", {"name": "Jane Doe", "city": "Berlin"}, "UNKNOWN: <value>, <value>"),
        # Short values are no parts of words and numbers.
        ("annual plan of Ann: 503, not 5031", {"name": "Ann", "age": 503}, "annual plan of <value>: <value>, not 5031"),
        ("field_ann, ann's (ann)", {"name": "Ann"}, "field_<value>, <value>'s (<value>)"),
        # Long ones are nobody else's wherever they stand.
        ("tel491701234567x, idannelorna", {"tel": "491701234567", "name": "Annelorna"}, "tel<value>x, id<value>"),
        # Where words have no gaps between them.
        ("没有王小明这个人", {"name": "王小明"}, "没有<value>这个人"),
        # Signs at an end are part of a value.
        ("x(ann)y", {"name": "(ann)"}, "x<value>y"),
        ("nothing to say", {"name": "   ", "nick": " a "}, "nothing to say"),
        ("no <value> of value", {"name": "value"}, "no <value> of <value>"),
    ],
)
def test_what_an_item_holds_is_left_out_in_any_case_of_letters_and_is_no_part_of_a_word(
    said: str, payload: dict[str, object], reason: str
) -> None:
    assert told(said, json.dumps(payload)) == reason
