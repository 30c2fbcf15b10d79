"""Tealium Collect events: flat, with the visitor in every one."""

from collections.abc import Mapping, Sequence

from personalake.activation.messages.message import Item, Message, Value, instant


def items(message: Message, visitor_attribute: str = "tealium_visitor_id") -> Sequence[Item]:
    """The one event that says it.

    Args:
        message: What to say.
        visitor_attribute: Attribute that identifies the visitor.

    Raises:
        ValueError: If there is nobody, or a track call without a name.
    """
    visitor = message.person.user_id or message.person.anonymous_id
    if not visitor:
        raise ValueError("Tealium needs a visitor id")
    if message.kind == "track" and not message.name:
        raise ValueError("an event needs a name")
    event: dict[str, Value] = {
        "tealium_event": message.name or message.kind,
        visitor_attribute: visitor,
        "message_id": message.message_id,
        "event_timestamp": instant(message.occurred_at),
    }
    if message.group_id:
        event["group_id"] = message.group_id
    content = {**message.given_traits, **message.given_properties}
    return [Item("event", {**flat(content), **event})]


def flat(values: Mapping[str, Value], before: str = "") -> dict[str, Value]:
    """Inner objects as names with underscores; Tealium's attributes are flat. Lists stay lists.

    >>> flat({"address": {"city": "Ulm"}, "tags": ["a"]})
    {'address_city': 'Ulm', 'tags': ['a']}
    """
    found: dict[str, Value] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{before}{key}_")
        else:
            found[f"{before}{key}"] = value
    return found
