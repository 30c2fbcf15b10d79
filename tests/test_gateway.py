"""What is remembered of the JVM is what it would say, and what may change is asked anew."""

from typing import Any

import pytest
from py4j.java_gateway import JavaClass, JavaMember, JavaPackage, JVMView
from py4j.protocol import INTEGER_TYPE, METHOD_TYPE, SUCCESS, SUCCESS_CLASS, SUCCESS_PACKAGE

from personalake.gateway import remember_names

FUNCTIONS = "org.apache.spark.sql.functions"


class Asked:
    """Stands in for the connection to a JVM, and counts what it is asked."""

    gateway_property = type("Property", (), {"pool": None})
    converters = ()

    def __init__(self, **answers: str) -> None:
        self.answers, self.questions = answers, list[str]()

    def send_command(self, command: str) -> str:
        self.questions.append(command)
        return next(answer for name, answer in self.answers.items() if name in command)


def test_a_class_and_its_function_are_asked_for_once() -> None:
    remember_names()
    client = Asked(functions=SUCCESS_CLASS + FUNCTIONS)
    jvm = JVMView(client, "jvm", id="j")

    for _ in range(3):
        found = getattr(jvm, FUNCTIONS)
        assert isinstance(found, JavaClass)
    client.answers = {"upper": SUCCESS + METHOD_TYPE}
    for _ in range(3):
        assert isinstance(found.upper, JavaMember)

    assert len(client.questions) == 2


def test_a_static_value_and_what_may_be_a_class_one_day_are_asked_for_each_time() -> None:
    remember_names()
    client = Asked(Driver=SUCCESS_PACKAGE, java=SUCCESS_PACKAGE, count=f"{SUCCESS}{INTEGER_TYPE}7")
    jvm, counter = JVMView(client, "jvm", id="j"), JavaClass("a.Counter", client)

    assert [type(jvm.Driver), type(jvm.Driver), type(jvm.java), type(jvm.java)] == [JavaPackage] * 4
    assert (counter.count, counter.count) == (7, 7)

    assert ["Driver" in question for question in client.questions] == [True, True, False, False, False]


@pytest.mark.parametrize("kind", [JVMView, JavaPackage, JavaClass])
def test_remembering_twice_is_remembering_once(kind: Any) -> None:
    remember_names()
    first = kind.__getattr__
    remember_names()

    assert kind.__getattr__ is first
