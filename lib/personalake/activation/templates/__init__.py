"""What is said to a person, out of a template and what is known about them."""

from personalake.activation.templates.batch import Saying, with_bodies
from personalake.activation.templates.bodies import body_of
from personalake.activation.templates.rendering import Refusal, Rendered, render

__all__ = ["Refusal", "Rendered", "Saying", "body_of", "render", "with_bodies"]
