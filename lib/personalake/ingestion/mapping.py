"""Whether a source's YAML fits its contract, judged before anything is read: a slip there would refuse every row later."""

from collections.abc import Iterator, Mapping
from typing import Any

from personalake.ingestion.contracts import CONTRACTS, Contract


def mapping_problems(source: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What does not fit the contract.

    Args:
        source: Keys and values of a source's YAML; whatever has another fault than these is passed over.

    Yields:
        The key at fault, dotted, and what is wrong with it.
    """
    contract = CONTRACTS.get(str(source.get("contract")))
    columns, severities = source.get("columns"), source.get("severities") or {}
    if contract is None or not isinstance(columns, dict) or not isinstance(severities, dict):
        return
    names = [field.name for field in contract.fields]
    for name in columns:
        if name not in names:
            yield f"columns.{name}", f"no field of {contract.name}; there are: {', '.join(names)}"
    for name in _unmapped(contract, source, columns, severities):
        yield f"columns.{name}", f"missing: {contract.name} needs it, and without it every row would be refused"
    rules = [rule.name for rule in contract.expectations] + [rule.name for rule in contract.references]
    for name in severities:
        if name not in rules:
            yield f"severities.{name}", f"no rule of {contract.name}; there are: {', '.join(rules) or 'none'}"


def _unmapped(
    contract: Contract, source: Mapping[str, Any], columns: Mapping[str, Any], severities: Mapping[str, Any]
) -> list[str]:
    """Fields that nothing fills and without which a row is refused; the setting `currency` fills the field of that name."""
    refusing = [rule.name for rule in contract.expectations if severities.get(rule.name, rule.severity) == "refuse"]
    needs_currency = "has_currency" in refusing
    needed = [field for field in contract.fields if field.required or (field.name == "currency" and needs_currency)]
    has_setting = {"currency"} if source.get("currency") else set()
    return [
        field.name
        for field in needed
        if field.default == "NULL" and field.name not in columns and field.name not in has_setting
    ]
