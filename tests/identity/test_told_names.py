"""A missing name is read off an e-mail address in which the other name stands, and off no other."""

import pyarrow as pa
import pytest

from personalake.identity.told_names import told_names, with_told_names

NICKNAMES = {"kate": "katherine"}


@pytest.mark.parametrize(
    ("first", "last", "email", "told"),
    [
        (None, "smith", "kate.smith@x.example", "katherine"),
        (None, "smith", "ann-smith82@x.example", "ann"),
        (None, "smith", "jsmith+shop@x.example", "j"),
        (None, "de la cruz", "maria_delacruz@x.example", "maria"),
        (None, "son", "carson@x.example", None),  # too short an end to be a name
        (None, "smith", "smith.family@x.example", None),
        (None, "smith", "sunshine@x.example", None),
        (None, "smith", "4you.smith@x.example", None),
        (None, "smith", None, None),
        ("katherine", None, "kate.smith82@x.example", "smith"),
        ("ann", None, "ann.b@x.example", None),
        ("ann", None, "ann.7c2c5@x.example", None),
        ("ann", None, "asmith@x.example", None),  # or whatever else begins with an a
        ("ann", None, "eve.smith@x.example", None),
        (None, None, "ann.smith@x.example", None),
    ],
)
def test_a_missing_name_is_told_by_the_address_in_which_the_other_stands(
    first: str | None, last: str | None, email: str | None, told: str | None
) -> None:
    names = told_names(first, last, email, NICKNAMES)

    assert names == ((told, last) if first is None else (first, told))


def test_a_name_that_is_there_stays_whatever_the_address_says() -> None:
    assert told_names("eve", "smith", "ann.smith@x.example", {}) == ("eve", "smith")


def test_records_are_compared_with_the_names_that_their_addresses_tell() -> None:
    columns = {
        "first_name": [None, "eve", None, "ann"],
        "last_name": ["smith", "smith", "jones", None],
        "email": ["ann.smith@x.example", "ann.smith@x.example", None, "ann.lee@x.example"],
        "phone": ["1", "2", "3", None],
    }
    told = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    records = pa.concat_tables([told.slice(0, 1), told.slice(1)])

    compared = with_told_names(records, {})

    assert compared["first_name"].to_pylist() == ["ann", "eve", None, "ann"]
    assert compared["last_name"].to_pylist() == ["smith", "smith", "jones", "lee"]
    assert compared.drop_columns(["first_name", "last_name"]).equals(records.drop_columns(["first_name", "last_name"]))
    assert with_told_names(records.slice(0, 0), {}).num_rows == 0
