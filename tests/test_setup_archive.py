from collections.abc import Sequence
from pathlib import Path

import pytest

from personalake import setup_archive


def test_an_archive_that_is_there_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERSONALAKE_JARS", str(tmp_path))
    (tmp_path / "classes.jsa").write_bytes(b"archive")
    monkeypatch.setattr(setup_archive, "run_patiently", lambda *_: pytest.fail("it was made again"))

    assert setup_archive.main() == 0
    assert (tmp_path / "classes.jsa").read_bytes() == b"archive"


def test_where_none_can_be_made_set_up_goes_on_and_says_what_that_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PERSONALAKE_JARS", str(tmp_path))
    asked: list[Sequence[str]] = []
    monkeypatch.setattr(setup_archive, "run_patiently", lambda label, command: asked.append(command) or 1)

    assert setup_archive.main() == 0
    assert asked[0][-2:] == ["personalake.setup_archive", "--now"]
    assert "sessions start some seconds later, and all works" in capsys.readouterr().err
