from typing import Any

import jsonschema
import pytest

from tests.fakes import schemas

VALUES: list[Any] = [None, 1, "", "x", [], {}, {"email": "a@x.io"}, {"userId": "u", "event": "e"}, {"external_ids": ["p"]}]


@pytest.mark.parametrize("vendor", sorted({vendor for vendor, _ in schemas.names()}))
def test_the_schemas_themselves_are_valid(vendor: str) -> None:
    jsonschema.Draft7Validator.check_schema(schemas.document(vendor))


@pytest.mark.parametrize(("vendor", "name"), schemas.names())
def test_every_schema_compiles_and_refuses_something(vendor: str, name: str) -> None:
    problems = [schemas.problem(vendor, name, value) for value in VALUES]

    assert any(problems)


@pytest.mark.parametrize(("vendor", "name"), schemas.names())
def test_the_fast_validator_agrees_with_the_thorough_one(vendor: str, name: str) -> None:
    thorough = jsonschema.Draft7Validator(schemas.alone(vendor, name))

    for value in VALUES:
        assert thorough.is_valid(value) == (schemas.problem(vendor, name, value) is None)
