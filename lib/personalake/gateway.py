"""What names of the JVM mean is asked once.

For each expression Py4J asks the JVM what the class is, then whether it has the function: a look at every jar, one at
every method, and two trips between the processes before the third does the work. Neither answer ever changes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from py4j.java_gateway import JavaClass, JavaMember, JavaPackage, JVMView

_ASKED = "is_asked_once"


def remember_names() -> None:
    """Let this process remember the classes, functions and packages that it asks a JVM for; a second call does nothing."""
    for kind in (JVMView, JavaPackage, JavaClass):
        if not hasattr(kind.__getattr__, _ASKED):
            kind.__getattr__ = _remembering(kind.__getattr__)


def _remembering(ask: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    @wraps(ask)
    def answer(holder: Any, name: str) -> Any:
        found = ask(holder, name)
        if _lasts(name, found):
            vars(holder)[name] = found
        return found

    setattr(answer, _ASKED, True)
    return answer


def _lasts(name: str, found: object) -> bool:
    """A static field may get another value, and what passes for a package be a class whose jar is added later."""
    return isinstance(found, JavaClass | JavaMember) or (isinstance(found, JavaPackage) and name == name.lower())
