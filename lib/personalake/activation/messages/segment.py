"""Segment's Spec: identify, track, group."""

from collections.abc import Sequence

from personalake.activation.messages.message import Item, Message, Value, instant


def items(message: Message) -> Sequence[Item]:
    """The one call that says it.

    Raises:
        ValueError: If Segment would drop it: no id, no event, no group.
    """
    person = message.person
    if person.user_id is None and person.anonymous_id is None:
        raise ValueError("Segment needs userId or anonymousId")
    payload: dict[str, Value] = {"type": message.kind, "messageId": message.message_id}
    if person.user_id is not None:
        payload["userId"] = person.user_id
    if person.anonymous_id is not None:
        payload["anonymousId"] = person.anonymous_id
    payload |= _content(message)
    return [Item(message.kind, {**payload, "timestamp": instant(message.occurred_at)})]


def _content(message: Message) -> dict[str, Value]:
    if message.kind == "identify":
        return {"traits": message.given_traits}
    if message.kind == "group":
        if not message.group_id:
            raise ValueError("group needs groupId")
        return {"groupId": message.group_id, "traits": message.given_traits}
    if not message.name:
        raise ValueError("track needs the name of an event")
    content: dict[str, Value] = {"event": message.name, "properties": message.given_properties}
    if message.given_traits:
        content["context"] = {"traits": message.given_traits}
    return content
