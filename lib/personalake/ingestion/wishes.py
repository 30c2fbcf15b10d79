"""Contracts with what the settings declare: which wishes there are, and what purposes are called."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from personalake.common.purposes import purpose_form
from personalake.config.profiles import PreferenceSettings
from personalake.ingestion.contracts import CONTRACTS, Contract
from personalake.quality.expectations import Expectation

PREFERENCE, CONSENT = "preference", "consent"
UNDECLARED = "preference: not declared in profiles.preferences"
NOT_ALLOWED = "value: not among those that profiles.preferences allows"


def contract_named(name: str, wishes: Mapping[str, PreferenceSettings], purposes: Iterable[str] = ()) -> Contract:
    """A contract by its name; of preferences with what may be wished, of consent with the names of purposes.

    Args:
        name: Of the contract.
        wishes: Preferences that are declared, if any.
        purposes: Purposes and signals that are declared, if any.
    """
    contract = CONTRACTS[name]
    if name == CONSENT:
        form = purpose_form(purposes)
        fields = (replace(field, form=form) if field.name == "purpose" else field for field in contract.fields)
        return replace(contract, fields=tuple(fields))
    if name != PREFERENCE or not wishes:
        return contract
    return replace(contract, expectations=(*contract.expectations, *_declared(wishes)))


def breach_of(preference: str, value: str | None, wishes: Mapping[str, PreferenceSettings]) -> str | None:
    """Why a wish is not let in; None if it is. A wish without a value takes one back.

    >>> allowed = {"channel": PreferenceSettings(values=("email", "push")), "note": PreferenceSettings()}
    >>> breach_of("colour", "red", allowed), breach_of("channel", "fax", allowed) == NOT_ALLOWED
    ('preference: not declared in profiles.preferences', True)
    >>> breach_of("channel", None, allowed), breach_of("note", "anything", allowed), breach_of("colour", "red", {})
    (None, None, None)
    """
    if not wishes:
        return None
    if preference not in wishes:
        return UNDECLARED
    allowed = wishes[preference].values
    return NOT_ALLOWED if value is not None and allowed and value not in allowed else None


def _declared(wishes: Mapping[str, PreferenceSettings]) -> tuple[Expectation, Expectation]:
    """The same as `breach_of`, as expectations."""
    names = ", ".join(map(_quoted, wishes))
    allowed = [
        f"WHEN {_quoted(name)} THEN value IN ({', '.join(map(_quoted, wish.values))})"
        for name, wish in wishes.items()
        if wish.values
    ]
    fits = f"CASE preference {' '.join(allowed)} ELSE true END" if allowed else "true"
    return (
        Expectation("declared_preference", f"preference IN ({names})", UNDECLARED),
        Expectation("allowed_value", fits, NOT_ALLOWED),
    )


def _quoted(text: str) -> str:
    """A literal of Spark SQL, in which a backslash escapes, too."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
