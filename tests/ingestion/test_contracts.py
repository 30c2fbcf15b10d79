"""The contracts, the configuration and the shipped mappings name the same things."""

from pathlib import Path
from typing import get_args

import pytest
import yaml

from personalake.config import load_settings
from personalake.config.sources import ContractName
from personalake.ingestion.contracts import CONTRACTS
from personalake.ingestion.mapping import mapping_problems

SOURCES = sorted(Path("conf/sources").glob("*.yml"))


def test_a_source_can_name_every_contract_and_no_other() -> None:
    assert set(get_args(ContractName)) == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.name)
def test_a_contract_fills_columns_of_its_table(contract: object) -> None:
    from personalake.ingestion.contracts import Contract

    assert isinstance(contract, Contract)
    columns = set(contract.table.columns)

    assert {field.name for field in contract.fields} <= columns
    assert contract.row_id in columns
    assert all(rule.field in columns for rule in contract.references)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_shipped_mapping_fits_its_contract(path: Path) -> None:
    source = yaml.safe_load(path.read_text(encoding="utf-8"))

    assert list(mapping_problems(source)) == []


def test_the_known_worlds_sources_are_off_but_in_their_environment() -> None:
    usual, known = load_settings("local"), load_settings("world")

    assert "web_events" not in usual.active_sources()
    assert {"web_events", "pos_sales", "crm_customers", "campaign_spend"} <= set(known.active_sources())
