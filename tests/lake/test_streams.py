"""What a failed stream says about its cause."""

import pytest

from personalake.lake.streams import root_cause

PROXY = (
    "[STREAM_FAILED] Query [id = 1] terminated with exception: x\n"
    "Caused by: py4j.Py4JException: An exception was raised by the Python Proxy. Return Message: "
    "Traceback (most recent call last):\n" + '  File "callback.py", line 617, in _call_proxy\n    return f()\n' * 20
)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (PROXY + "ValueError: the wheel came off\n\n\tat py4j.Protocol.getReturnValue\n", "ValueError: the wheel came off"),
        (PROXY + "personalake.errors.InputError: no such table\n", "InputError: no such table"),
        (
            PROXY + "KeyError: 'a'\n\nDuring handling of the above exception, another exception occurred:\n\n"
            "Traceback (most recent call last):\n  File x\nOSError: disk full\n",
            "OSError: disk full",
        ),
        (
            PROXY + "py4j.protocol.Py4JJavaError: An error occurred while calling o1.save.\n: Job aborted\n"
            "\tat a.b\nCaused by: java.io.IOException: No space left on device\n\tat c.d\n",
            "java.io.IOException: No space left on device",
        ),
        ("[STREAM_FAILED] x\nCaused by: A: outer\n\tat a\nCaused by: B: inner\n\tat b\n", "B: inner"),
        ("[STREAM_FAILED] x\nand y", "[STREAM_FAILED] x\nand y"),
    ],
)
def test_the_cause_is_the_last_exception_not_the_way_to_it(text: str, cause: str) -> None:
    assert root_cause(text) == cause
