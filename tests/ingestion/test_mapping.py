"""A slip in a source's YAML is told before it can refuse every row."""

from typing import Any

import pytest

from personalake.ingestion.mapping import mapping_problems

COLUMNS = {"order_id": "o", "product_id": "p", "quantity": "q", "amount": "a", "occurred_at": "t"}


def orders(**changes: Any) -> dict[str, Any]:
    return {"contract": "order_line", "currency": "EUR", "columns": COLUMNS} | changes


def test_a_mapping_that_fits_has_no_problem() -> None:
    consent = {"contract": "consent", "columns": dict.fromkeys(("customer_id", "purpose", "status", "occurred_at"), "x")}

    assert list(mapping_problems(orders())) == []
    assert list(mapping_problems(consent)) == []


def test_unknown_fields_and_rules_and_fields_that_nothing_fills_are_told_together() -> None:
    columns = {name: column for name, column in COLUMNS.items() if name != "quantity"} | {"quantty": "q"}

    found = dict(mapping_problems(orders(columns=columns, severities={"zero_quantty": "warn", "known_product": "refuse"})))

    assert set(found) == {"columns.quantty", "columns.quantity", "severities.zero_quantty"}
    assert found["columns.quantty"] == "no field of order_line; did you mean quantity?"
    assert found["columns.quantity"].startswith("missing: order_line needs it")
    assert "zero_quantity" in found["severities.zero_quantty"]


@pytest.mark.parametrize(
    ("changes", "is_missing"),
    [
        ({}, True),
        ({"currency": "EUR"}, False),
        ({"columns": COLUMNS | {"currency": "c"}}, False),
        ({"severities": {"has_currency": "warn"}}, False),
    ],
)
def test_a_currency_comes_from_a_column_or_the_setting_unless_none_is_asked_for(
    changes: dict[str, Any], is_missing: bool
) -> None:
    found = dict(mapping_problems(orders(currency=None) | changes))

    assert ("columns.currency" in found) is is_missing


@pytest.mark.parametrize("source", [{}, {"contract": "orders"}, orders(columns=["order_id"]), orders(severities="refuse")])
def test_what_has_another_fault_is_left_to_those_who_tell_it(source: dict[str, Any]) -> None:
    assert list(mapping_problems(source)) == []
