"""Whether a source's YAML fits its contract, judged before anything is read: a slip there would refuse every row later."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from personalake.config.nearest import nearest
from personalake.config.sources import Source
from personalake.ingestion.contracts import CONTRACTS, Contract, ContractField

_FLAGS = ("true", "false", "t", "f", "yes", "no", "y", "n", "1", "0")


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
            yield f"columns.{name}", f"no field of {contract.name}; {_misplaced(name) or nearest(str(name), names)}"
    for field in contract.fields:
        yield from _unfit(field, columns.get(field.name), str(source.get("decimal", ".")))
    for name in _unmapped(contract, source, columns, severities):
        yield f"columns.{name}", f"missing: {contract.name} needs it, and without it every row would be refused"
    rules = [rule.name for rule in contract.expectations] + [rule.name for rule in contract.references]
    for name in severities:
        if name not in rules:
            yield f"severities.{name}", f"no rule of {contract.name}; there are: {', '.join(rules) or 'none'}"


def _misplaced(name: object) -> str | None:
    is_setting = name in Source.model_fields and name != "columns"
    return f"it is a setting of the source: indent {name} less" if is_setting else None


def _unfit(field: ContractField, mapped: object, decimal: str) -> Iterator[tuple[str, str]]:
    """A pattern that nothing would heed, and a constant that no row could have."""
    if not isinstance(mapped, dict):
        return
    if mapped.get("format") is not None and field.type != "timestamp" and not field.is_day:
        yield (
            f"columns.{field.name}.format",
            f"is for days and times alone, and {field.name} is a {field.noun}; an expression can change how it is written",
        )
    constant = mapped.get("constant")
    if isinstance(constant, str) and mapped.get("format") is None and not _can_be(constant.strip(), field.type, decimal):
        yield f"columns.{field.name}.constant", f"{constant!r} is not a {field.noun}: every row would be refused"


def _can_be(text: str, type_: str, decimal: str) -> bool:
    """Whether Spark casts a text to a type."""
    try:
        if type_ in ("int", "bigint"):
            int(text)
        elif type_ == "double" or type_.startswith("decimal"):
            Decimal(text.replace(".", "").replace(",", ".") if decimal == "," else text)
        elif type_ == "timestamp":
            datetime.fromisoformat(text)
    except (ValueError, ArithmeticError):
        return False
    return type_ != "boolean" or text.lower() in _FLAGS


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
