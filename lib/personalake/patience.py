"""Runs a long, talkative command with one quiet line: a dot every two seconds, its output only if it fails.

Standard library only, in the syntax of older Pythons: set-up starts here, before there is an environment.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

_DOT_SECONDS = 2
_TAIL_LINES = 40
_LABEL_WIDTH = 64


def run_patiently(label: str, command: Sequence[str]) -> int:
    """Run a command, showing `label`, dots and at last the seconds on one line of stderr.

    Args:
        label: What is being done, for a person.
        command: Program and arguments.

    Returns:
        The exit code of the command; 127 if there is no such program.
    """
    started = time.monotonic()
    sys.stderr.write(f"  {label} ")
    sys.stderr.flush()
    try:
        # Errors are kept beside the rest: pip and Maven use both.
        process = subprocess.Popen(
            list(command), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
    except OSError as error:
        sys.stderr.write(f"✗ {error}\n")
        return 127
    dots, output = 0, ""
    while True:
        try:
            output, _ = process.communicate(timeout=_DOT_SECONDS)
            break
        except subprocess.TimeoutExpired:
            dots += 1
            sys.stderr.write(".")
            sys.stderr.flush()
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise
    padding = " " * max(0, _LABEL_WIDTH - len(label) - dots)
    mark = "✓" if process.returncode == 0 else "✗"
    sys.stderr.write(f"{padding} {mark} {time.monotonic() - started:.0f} s\n")
    if process.returncode != 0:
        sys.stderr.write("".join(f"    {line}\n" for line in output.splitlines()[-_TAIL_LINES:]))
    return process.returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m personalake.patience LABEL -- COMMAND …`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if len(given) < 3 or given[1] != "--":
        sys.stderr.write("usage: python -m personalake.patience LABEL -- COMMAND [ARGUMENT ...]\n")
        return 2
    return run_patiently(given[0], given[2:])


if __name__ == "__main__":
    sys.exit(main())
