"""What is said to a person, out of a template and what is known about them."""

from personalake.activation.templates.batch import with_messages
from personalake.activation.templates.payloads import message_payloads, payload_of
from personalake.activation.templates.rendering import Refusal, Rendered, render

__all__ = ["Refusal", "Rendered", "message_payloads", "payload_of", "render", "with_messages"]
