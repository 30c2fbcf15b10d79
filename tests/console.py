"""The console script, typed as a user types it."""

from collections.abc import Mapping
from typing import Any

import pytest

from personalake import cli

NARROW = {"COLUMNS": "80", "NO_COLOR": "1"}


def typed(
    words: list[str], environ: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str, str]:
    """Exit code, output and errors of `personalake` with these words, in a narrow terminal without colours."""
    with monkeypatch.context() as at_the_console:
        at_the_console.setattr("sys.argv", ["personalake", *words])
        for name, value in {**NARROW, **environ}.items():
            at_the_console.setenv(name, value)
        try:
            cli.main()
            code: Any = 0
        except SystemExit as end:
            code = end.code
    out, err = capsys.readouterr()
    return int(code or 0), out, err
