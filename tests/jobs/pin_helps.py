"""Writes the help of every job to tests/jobs/help/, for `make docs`."""

from pathlib import Path

from personalake.pipelines.command import parser_of
from personalake.pipelines.registry import JOBS

FOLDER = Path(__file__).parent / "help"


def helps() -> dict[str, str]:
    """File name to content."""
    return {f"{spec.name}.txt": parser_of(spec).format_help() for spec in JOBS}


def main() -> None:
    """Write every help, and remove those of jobs that are gone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = helps()
    for path in FOLDER.glob("*.txt"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
