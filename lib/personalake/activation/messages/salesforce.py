"""Salesforce Marketing Cloud: rows of a data extension, and entries into a journey."""

from collections.abc import Mapping, Sequence

from personalake.activation.messages.message import Item, Value, json_value


def row(columns: Mapping[str, Value], erases_nulls: bool = False) -> Item:
    """A row of the asynchronous API: keys and values side by side.

    Args:
        columns: Column names and values, the primary key among them.
        erases_nulls: Whether a null empties its cell; otherwise nulls are left out, and the cell stays as it is.
    """
    return Item("row", _given(columns, erases_nulls))


def rowset_row(columns: Mapping[str, Value], keys: Sequence[str], erases_nulls: bool = False) -> Item:
    """A row of the synchronous API: keys apart from values."""
    given = _given(columns, erases_nulls)
    parts = {"keys": {name: given[name] for name in keys}, "values": {n: v for n, v in given.items() if n not in keys}}
    return Item("row", parts)


def journey_entry(contact_key: str, event_definition_key: str, data: Mapping[str, Value]) -> Item:
    """Entry of one contact; the data must fit the journey's entry data extension."""
    entry: dict[str, Value] = {"ContactKey": contact_key, "EventDefinitionKey": event_definition_key}
    given = _given(data, False)
    return Item("journey", {**entry, "Data": given} if given else entry)


def _given(columns: Mapping[str, Value], keeps_nulls: bool) -> dict[str, Value]:
    return {name: json_value(value) for name, value in columns.items() if keeps_nulls or value is not None}
