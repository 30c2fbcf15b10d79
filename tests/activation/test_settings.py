import pytest
from pydantic import ValidationError

from personalake.config.activation import Destination

FINE = {"dialect": "csv", "purposes": ["personalisation"], "max_items": 1, "max_bytes": 99_000}


def test_an_unknown_trait_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValidationError, match="unknown column shoe_size; there are: first_order_date"):
        Destination(**FINE, traits=["shoe_size"])


def test_an_item_that_could_fill_a_request_alone_is_refused() -> None:
    with pytest.raises(ValidationError, match="must leave 256 of max_bytes"):
        Destination(**{**FINE, "max_bytes": 32_000})
